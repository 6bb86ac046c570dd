// The same definitions on a server that is not ours: whole histories, no options of activities, no markers.

import { expect, test } from "vitest";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openPlainBackend } from "./plain-backend.ts";
import { remoteEnvironment } from "./remote-environment.ts";
import { SCENARIOS } from "./scenarios.ts";

const environment = remoteEnvironment;

test.each(SCENARIOS)("another server: $name", async ({ orchestrators, activities, run, ends }) => {
  await using backend = await openPlainBackend();
  const { address } = backend;
  await using client = connectClient({ address, environment });
  await using worker = connectWorker({ address, environment, orchestrators, activities, onEvent: () => {} });
  const { input: _, ...seen } = ends;
  expect(await client.waitForCompletion(await run(client))).toMatchObject(seen);
  expect(backend.abandoned).toEqual([]);
  await worker.close({ drainMs: 0 });
});

test("another server that keeps no tags: an activity is tried again, and does not know how often", async () => {
  const attempts: number[] = [];
  const keys = new Set<string>();
  const brittle = defineActivity("brittle", (ctx) => {
    attempts.push(ctx.attempt);
    keys.add(ctx.idempotencyKey);
    if (attempts.length < 3) throw new Error("not yet");
    return "done";
  });
  const stubborn = defineOrchestrator("stubborn", (ctx) =>
    ctx.callActivity(brittle, undefined, { retry: { maxAttempts: 3, firstDelayMs: 0 }, scheduleToCloseMs: 60_000 }),
  );
  await using backend = await openPlainBackend({ keepsTags: false });
  const { address } = backend;
  await using client = connectClient({ address, environment });
  await using worker = connectWorker({ address, environment, orchestrators: [stubborn], activities: [brittle] });
  expect(await client.waitForCompletion(await client.start(stubborn, undefined))).toMatchObject({ status: "Completed", output: "done" });
  expect([attempts, keys.size]).toEqual([[1, 1, 1], 3]);
  await worker.close();
});

test("another server: each turn carries the whole history, and what a worker asks for stands in it", async () => {
  const changed = defineOrchestrator("changed", async (ctx) => {
    const isNew = ctx.patched("one");
    await ctx.createTimer(1);
    await ctx.createTimer(1);
    return isNew;
  });
  await using backend = await openPlainBackend();
  const { address } = backend;
  await using client = connectClient({ address, environment });
  await using worker = connectWorker({ address, environment, orchestrators: [changed], activities: [] });
  const id = await client.start(changed, undefined);
  expect((await client.waitForCompletion(id)).output).toBe(true);
  const kinds = backend.history(id).map(({ eventType }) => eventType.case);
  expect(kinds.slice(0, 5)).toEqual(["orchestratorStarted", "executionStarted", "eventSent", "timerCreated", "orchestratorCompleted"]);
  expect(backend.pastLengths).toEqual([0, 5, 9]);
  await worker.close();
});
