// A program with a durable orchestration: an order waits for its payment, for a day at the most. Kill it at any moment and
// start it again: it goes on from where its history ends, and nothing that was committed is done twice.
//
//   node examples/embedding/order.ts orders.db            starts the order and waits for its payment
//   node examples/embedding/order.ts orders.db paid       the payment arrives
//
// In a project of your own, import from "signalbox".

import { defineActivity, defineOrchestrator, openEngine, openSqliteStore } from "../../src/index.ts";

interface Order {
  readonly id: string;
  readonly cents: number;
}

const reserve = defineActivity("reserve", (context, order: Order) => {
  console.log(`reserving ${order.id} (attempt ${context.attempt})`);
  return { shelf: `shelf-${order.id}` };
});

const ship = defineActivity("ship", (context, parcel: { readonly order: Order; readonly shelf: string }) => {
  console.log(`shipping ${parcel.order.id} from ${parcel.shelf}, once only by key ${context.idempotencyKey}`);
  return { tracking: `T-${parcel.order.id}` };
});

const sell = defineOrchestrator("sell", async (context, order: Order) => {
  const { shelf } = await context.callActivity(reserve, order, { retry: { maxAttempts: 3, firstDelayMs: 100 } });
  context.setCustomStatus("waiting for payment");
  const paid = context.waitForEvent("paid").then(() => true);
  const late = context.createTimer(24 * 60 * 60 * 1_000).then(() => false);
  if (!(await Promise.race([paid, late]))) return { state: "expired" };
  const { tracking } = await context.callActivity(ship, { order, shelf });
  return { state: "shipped", tracking };
});

const [path = "orders.db", what] = process.argv.slice(2);
await using engine = await openEngine({ store: await openSqliteStore({ path }), orchestrators: [sell], activities: [reserve, ship] });

const id = "order-A1";
if ((await engine.get(id)) === undefined) await engine.start(sell, { id: "A1", cents: 500 }, { instanceId: id });
if (what === "paid") await engine.raiseEvent(id, "paid");
const { output } = await engine.waitForCompletion(id);
console.log(`ended: ${JSON.stringify(output)}`);
