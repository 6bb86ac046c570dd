// What runs on the nodes: one program with a part of everything, whose output says whether all of it came, once and in order.

import { defineOrchestrator } from "../../../src/runtime/define.ts";
import { defineEntity } from "../../../src/runtime/define-entity.ts";

export const EVENTS = 4;
/** As every order must end. */
export const EXPECTED = { activities: [1, 2, 3], events: [1, 2, 3, 4], isPunctual: true, child: 7, counted: [1, 2] };

const child = defineOrchestrator("child", async (ctx, amount: number) => {
  await ctx.createTimer(300);
  return await ctx.callActivity("echo", amount);
});

const order = defineOrchestrator("order", async (ctx, delayMs: number) => {
  const due = ctx.now() + delayMs;
  const activities = await Promise.all([1, 2, 3].map((value) => ctx.callActivity("echo", value)));
  const counter = `@counter@${ctx.instanceId}`;
  const counted = [await ctx.callEntity(counter, "add")];
  const started = ctx.callSubOrchestration("child", 7);
  const events: unknown[] = [];
  for (let count = 0; count < EVENTS; count++) events.push(await ctx.waitForEvent("next"));
  await ctx.createTimer(new Date(due));
  counted.push(await ctx.callEntity(counter, "add"));
  return { activities, events, isPunctual: ctx.now() >= due, child: await started, counted };
});

const counter = defineEntity<number>("counter", {
  add: (context) => {
    const count = (context.getState() ?? 0) + 1;
    context.setState(count);
    return count;
  },
});

export const CODE = { orchestrators: [order, child], entities: [counter] };
