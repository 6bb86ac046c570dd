// Turns of which only what is new goes over the wire.

import { expect, test } from "vitest";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import type { WorkerEvent } from "../../src/remote/worker/worker-event.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { openCuttingProxy } from "./cutting-proxy.ts";
import { remoteEnvironment } from "./remote-environment.ts";
import { openTestServer } from "./server-fixture.ts";

const environment = remoteEnvironment;
const STEPS = 5_000;

test("E12: 5,000 steps one after the other cost the same from the first to the last", async () => {
  await using server = await openTestServer({ store: await openMemoryStore() });
  await using wire = await openCuttingProxy({ target: server.port });
  /** Bytes on the wire by then. */
  const marks: number[] = [];
  const step = defineActivity("step", (_, n: number) => {
    if (n % 1_000 === 0) marks.push(wire.bytes);
    return n + 1;
  });
  const steps = defineOrchestrator("steps", async (ctx, count: number) => {
    let n = 0;
    while (n < count) n = await ctx.callActivity(step, n);
    return n;
  });
  await using client = connectClient({ address: server.address, environment });
  await using worker = connectWorker({ address: wire.address, environment, orchestrators: [steps], activities: [step] });
  const id = await client.start(steps, STEPS);
  expect(await client.waitForCompletion(id)).toMatchObject({ status: "Completed", output: STEPS });
  marks.push(wire.bytes);
  const costs = marks.slice(1).map((bytes, index) => (bytes - (marks[index] ?? 0)) / 1_000);
  // A turn with the history of 4,000 steps before it would have several 100,000 bytes.
  for (const bytesPerStep of costs) expect(bytesPerStep).toBeLessThan(1_500);
  expect(Math.max(...costs) / Math.min(...costs)).toBeLessThan(1.2);
  await worker.close();
});

test("a worker that keeps nothing warm asks for the history, and nothing is counted against the instance", async () => {
  const double = defineActivity("double", (_, n: number) => n * 2);
  const powers = defineOrchestrator("powers", async (ctx, count: number) => {
    let n = 1;
    for (let turn = 0; turn < count; turn += 1) n = await ctx.callActivity(double, n);
    return n;
  });
  const events: WorkerEvent[] = [];
  await using server = await openTestServer({ store: await openMemoryStore() });
  const { address } = server;
  await using client = connectClient({ address, environment });
  await using worker = connectWorker({
    address,
    environment,
    orchestrators: [powers],
    activities: [double],
    maxWarmInstances: 0,
    onEvent: (event) => events.push(event),
  });
  expect(await client.waitForCompletion(await client.start(powers, 20))).toMatchObject({ status: "Completed", output: 2 ** 20 });
  expect(events).toEqual([{ kind: "connected", address, deltaTurns: true }]);
  await worker.close();
});

test("a history that is too long for a message is streamed to the worker", async () => {
  const pad = "x".repeat(2_000);
  const echo = defineActivity("echo", (_, text: string) => text);
  const long = defineOrchestrator("long", async (ctx, count: number) => {
    let length = 0;
    for (let turn = 0; turn < count; turn += 1) length += (await ctx.callActivity(echo, pad)).length;
    return length;
  });
  await using server = await openTestServer({
    store: await openMemoryStore(),
    limits: { streamedHistoryBytes: 10_000, historyChunkBytes: 5_000 },
  });
  const { address } = server;
  await using client = connectClient({ address, environment });
  const definitions = { orchestrators: [long], activities: [echo], maxWarmInstances: 0 };
  await using worker = connectWorker({ address, environment, ...definitions, maxMessageBytes: 16_000 });
  expect(await client.waitForCompletion(await client.start(long, 20))).toMatchObject({ status: "Completed", output: 40_000 });
  await worker.close();
});

test("instances that wait side by side are pushed out of a small warm set and go on", async () => {
  const gather = defineOrchestrator("gather", async (ctx) => [
    await ctx.waitForEvent("part"),
    await ctx.waitForEvent("part"),
    await ctx.waitForEvent("part"),
  ]);
  await using server = await openTestServer({ store: await openMemoryStore() });
  const { address } = server;
  await using client = connectClient({ address, environment });
  await using worker = connectWorker({ address, environment, orchestrators: [gather], activities: [], maxWarmInstances: 3 });
  const ids = await Promise.all(Array.from({ length: 20 }, () => client.start(gather, undefined)));
  for (const part of ["a", "b", "c"]) await Promise.all(ids.map((id) => client.raiseEvent(id, "part", part)));
  for (const id of ids) expect(await client.waitForCompletion(id)).toMatchObject({ output: ["a", "b", "c"] });
  await worker.close();
});
