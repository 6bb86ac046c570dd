// The same mixture written for our own worker: its orchestrations call those of the SDK, the activities are anybody's, and the
// accounts are the same ones. What is awaited at once is awaited in one place, so that a replay asks in the same order.

import { defineActivity, defineOrchestrator } from "../../../../src/runtime/define.ts";
import { defineEntity } from "../../../../src/runtime/define-entity.ts";
import { ACCOUNTS, EVENTS, type Shape } from "./shapes.ts";

const STEPS = 20;
const WIDTH = 30;
const retry = { maxAttempts: 30, firstDelayMs: 1 } as const;
const account = (index: number): { readonly name: string; readonly key: string } => ({ name: "account", key: ACCOUNTS[index % 3] ?? "a" });

const increment = defineActivity("increment", (_, value: number) => value + 1);
const weak = defineActivity("weak", (_, value: number) => {
  if (Math.random() < 0.2) throw new Error("now and then");
  return value;
});

/** Long enough to be warm at one worker and cold at the next. */
const sequence = defineOrchestrator("own-sequence", async (ctx, seed: number) => {
  let value = seed;
  for (let step = 0; step < STEPS; step += 1) value = await ctx.callActivity(increment, value);
  return value;
});

const fanOut = defineOrchestrator("own-fanOut", async (ctx, seed: number) => {
  const results = await Promise.all(Array.from({ length: WIDTH }, (_, index) => ctx.callActivity(increment, seed + index)));
  return results.reduce((sum, result) => sum + result, 0);
});

const family = defineOrchestrator("own-family", async (ctx, seed: number) => {
  const child = (name: string): Promise<unknown> =>
    ctx.callSubOrchestration(name, seed, { retry, instanceId: `${ctx.instanceId}-${name}` });
  return await Promise.all([child("own-weakChild"), child("own-sequence"), child("sequence"), child("weakChild")]);
});
const weakChild = defineOrchestrator("own-weakChild", async (ctx, seed: number) => {
  await ctx.callActivity(weak, seed);
  return await ctx.callActivity(weak, seed, { retry });
});

/** Exactly what was raised, in its order, over several executions. */
const ordered = defineOrchestrator("own-ordered", async (ctx, seen: readonly unknown[]) => {
  const all = [...seen, await ctx.waitForEvent("item"), await ctx.waitForEvent("item")];
  await ctx.callActivity(increment, all.length);
  if (all.length < EVENTS) ctx.continueAsNew(all as never);
  return all;
});

const race = defineOrchestrator("own-race", async (ctx, seed: number) => {
  const first = await Promise.race([ctx.createTimer(2).then(() => "timer"), ctx.waitForEvent("never").then(() => "event")]);
  await ctx.createTimer(10 * (seed % 5));
  return first;
});

const transfer = defineOrchestrator("own-transfer", async (ctx, seed: number) => {
  const section = await ctx.lockEntities(account(seed), account(seed + 1));
  const before = (await ctx.callEntity(account(seed), "get")) as number;
  await ctx.callEntity(account(seed + 1), "add", seed);
  const after = (await ctx.callEntity(account(seed), "add", -seed)) as number;
  section.release();
  return before - after;
});

const accounts = defineEntity<number>("account", {
  add: (ctx, amount: number) => {
    const sum = (ctx.getState() ?? 0) + amount;
    ctx.setState(sum);
    return sum;
  },
  get: (ctx) => ctx.getState() ?? 0,
});

export const ownProgram = {
  orchestrators: [sequence, fanOut, family, weakChild, ordered, race, transfer],
  activities: [increment, weak],
  entities: [accounts],
};

export const OWN_SHAPES: readonly Shape[] = [
  { name: "own-sequence", input: (seed) => seed, result: (seed) => seed + STEPS },
  { name: "own-fanOut", input: (seed) => seed, result: (seed) => WIDTH * seed + (WIDTH * (WIDTH + 1)) / 2 },
  { name: "own-family", input: (seed) => seed, result: (seed) => [seed, seed + STEPS, seed + 5, seed] },
  { name: "own-ordered", input: () => [], raises: "once", result: () => Array.from({ length: EVENTS }, (_, index) => index) },
  { name: "own-race", input: (seed) => seed, result: () => "timer" },
  { name: "own-transfer", input: (seed) => seed, moves: true, result: (seed) => seed },
];
