// Definitions that know nothing of where they run: in an embedded engine, or in workers of a server.

import { defineActivity, defineEntity, defineOrchestrator } from "../../src/index.ts";

export interface Order {
  readonly id: string;
  readonly article: string;
  readonly count: number;
}

/** What is on the shelf of an article: one operation after the other, whoever asks. */
export const shelf = defineEntity<number>("shelf", {
  fill: (context, count: number) => context.setState((context.getState() ?? 0) + count),
  take: (context, count: number) => {
    const left = (context.getState() ?? 0) - count;
    if (left < 0) throw new RangeError(`${context.key}: only ${left + count} left`);
    context.setState(left);
    return left;
  },
});

export const ship = defineActivity("ship", (context, order: Order) => {
  console.log(`shipping ${order.count} ${order.article} for ${order.id} (attempt ${context.attempt})`);
  return { tracking: `T-${order.id}` };
});

export const sell = defineOrchestrator("sell", async (context, order: Order) => {
  await context.callEntity({ name: "shelf", key: order.article }, "take", order.count);
  context.setCustomStatus("waiting for payment");
  const paid = context.waitForEvent("paid").then(() => true);
  const late = context.createTimer(24 * 60 * 60 * 1_000).then(() => false);
  if (!(await Promise.race([paid, late]))) return { state: "expired" };
  const { tracking } = await context.callActivity(ship, order, { retry: { maxAttempts: 3, firstDelayMs: 100 } });
  return { state: "shipped", tracking };
});
