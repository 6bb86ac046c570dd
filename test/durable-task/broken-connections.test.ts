// Servers and workers that are killed, connections that are cut at any byte (E5, E10, E15).

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { defineEntity } from "../../src/runtime/define-entity.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { openCuttingProxy } from "./cutting-proxy.ts";
import { startProcess } from "./process-fixture.ts";
import { remoteEnvironment } from "./remote-environment.ts";
import { openTestServer } from "./server-fixture.ts";

const environment = remoteEnvironment;
const onEvent = (): void => {};
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "signalbox-remote-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("E15: a server is killed between turns; the worker connects again and every instance comes to its end", async () => {
  const double = defineActivity("double", (_, n: number) => n * 2);
  const pausing = defineOrchestrator("pausing", async (ctx, n: number) => {
    let value = n;
    for (let round = 0; round < 3; round += 1) {
      value = await ctx.callActivity(double, value);
      await ctx.waitForEvent(`go ${round}`);
    }
    return value;
  });
  const store = join(folder, "store.db");
  let server = await startProcess("server-process.ts", store);
  const port = server.said;
  const address = `127.0.0.1:${port}`;
  await using client = connectClient({ address, environment });
  await using worker = connectWorker({ address, environment, orchestrators: [pausing], activities: [double], onEvent });
  const ids = await Promise.all([1, 2, 3].map((n) => client.start(pausing, n)));
  const ends = ids.map((id) => client.waitForCompletion(id));
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(ids.map((id) => client.raiseEvent(id, `go ${round}`)));
    await server.kill();
    server = await startProcess("server-process.ts", store, port);
  }
  expect((await Promise.all(ends)).map(({ output }) => output)).toEqual([8, 16, 24]);
  await worker.close();
  await server.kill();
});

test("E5: a worker is killed in the middle of a turn and of an activity; the next one goes on", async () => {
  await using server = await openTestServer({ store: await openMemoryStore() });
  await using client = connectClient({ address: server.address, environment });
  const id = await client.start("fragile", 7);
  await client.raiseEvent(id, "told", "early");
  for (let life = 0; life < 2; life += 1) {
    await using mortal = await startProcess("worker-process.ts", server.address, folder);
    await mortal.exited;
  }
  await using last = await startProcess("worker-process.ts", server.address, folder);
  expect(await client.waitForCompletion(id)).toMatchObject({ status: "Completed", output: [7, "early"] });
  await last.kill();
});

test.each([1, 2, 3])("E10: connections that are cut at any byte lose nothing and repeat nothing (seed %i)", async (seed) => {
  const random = generator(seed);
  const inbox = defineOrchestrator("inbox", async (ctx) => {
    const seen: unknown[] = [];
    for (;;) {
      const event = await ctx.waitForEvent("mail");
      if (event === "end") return seen as never;
      seen.push(await ctx.callActivity(stamp, event as number));
    }
  });
  const applied = new Map<string, number>();
  const stamp = defineActivity("stamp", (context, n: number) => {
    applied.set(context.idempotencyKey, n);
    return n;
  });
  await using server = await openTestServer({ store: await openMemoryStore() });
  let isCutting = true;
  const cutAfter = (): number | undefined => (isCutting ? 200 + Math.floor(random() * 6_000) : undefined);
  await using wire = await openCuttingProxy({ target: server.port, cutAfter });
  await using client = connectClient({ address: wire.address, environment });
  await using worker = connectWorker({ address: wire.address, environment, orchestrators: [inbox], activities: [stamp], onEvent });
  const ids = await Promise.all(["a", "b"].map((instanceId) => client.start(inbox, undefined, { instanceId })));
  const letters = Array.from({ length: 40 }, (_, index) => index);
  for (const letter of letters) await Promise.all(ids.map((id) => client.raiseEvent(id, "mail", letter)));
  expect(wire.cuts).toBeGreaterThan(3);
  await Promise.all(ids.map((id) => client.raiseEvent(id, "mail", "end")));
  isCutting = false;
  for (const id of ids) expect(await client.waitForCompletion(id)).toMatchObject({ status: "Completed", output: letters });
  // Each delivery of an activity has the key of the first.
  expect(applied.size).toBe(2 * letters.length);
  await worker.close();
});

test("E5: an activity that outlives its connection is not begun a second time beside itself", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let begun = 0;
  const slow = defineActivity("slow", async () => {
    begun += 1;
    await gate;
    return "once";
  });
  const quick = defineActivity("quick", () => "quick");
  const call = defineOrchestrator("call", (ctx, name: string) => ctx.callActivity(name));
  await using server = await openTestServer({ store: await openMemoryStore() });
  await using wire = await openCuttingProxy({ target: server.port });
  await using client = connectClient({ address: server.address, environment });
  await using worker = connectWorker({ address: wire.address, environment, orchestrators: [call], activities: [slow, quick], onEvent });
  const id = await client.start(call, "slow");
  await vi.waitFor(() => expect(begun).toBe(1));
  wire.cutAll();
  // What is sent now comes behind what was sent again.
  await client.waitForCompletion(await client.start(call, "quick"));
  open();
  expect(await client.waitForCompletion(id)).toMatchObject({ status: "Completed", output: "once" });
  expect(begun).toBe(1);
  await worker.close();
});

test("E10: everything at once comes to its right end while connections are cut, and entities count each call once", async () => {
  const random = generator(4);
  const counter = defineEntity<number>("counter", { add: (ctx, n: number) => ctx.setState((ctx.getState() ?? 0) + n) });
  const double = defineActivity("double", (_, n: number) => n * 2);
  const child = defineOrchestrator("child", (ctx, n: number) => ctx.callActivity(double, n));
  const mixed = defineOrchestrator("mixed", async (ctx, n: number) => {
    const parts = await Promise.all([1, 2, 3].map((part) => ctx.callActivity(double, part)));
    await ctx.createTimer(5);
    await ctx.callEntity({ name: "counter", key: String(n % 5) }, "add", 1);
    return [...parts, await ctx.callSubOrchestration(child, n), await ctx.waitForEvent("go")];
  });
  await using server = await openTestServer({ store: await openMemoryStore() });
  let isCutting = true;
  const cutAfter = (): number | undefined => (isCutting ? 500 + Math.floor(random() * 60_000) : undefined);
  await using wire = await openCuttingProxy({ target: server.port, cutAfter });
  const { address } = wire;
  await using client = connectClient({ address, environment });
  const definitions = { orchestrators: [mixed, child], activities: [double], entities: [counter] };
  const workers = [1, 2, 3].map(() => connectWorker({ address, environment, ...definitions, onEvent }));
  const ids = await Promise.all(Array.from({ length: 80 }, (_, n) => client.start(mixed, n)));
  await Promise.all(ids.map((id, n) => client.raiseEvent(id, "go", n)));
  await vi.waitFor(() => expect(wire.cuts).toBeGreaterThan(6), { timeout: 20_000 });
  isCutting = false;
  wire.cutAll();
  const ends = await Promise.all(ids.map((id) => client.waitForCompletion(id)));
  expect(ends.map(({ output }) => output)).toEqual(ids.map((_, n) => [2, 4, 6, 2 * n, n]));
  const { entities } = await client.queryEntities({ withStates: true });
  expect(entities.map(({ state }) => state)).toEqual([16, 16, 16, 16, 16]);
  await Promise.all(workers.map((worker) => worker.close()));
});

/** The same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
