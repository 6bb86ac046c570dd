// What a worker does with what it cannot serve, and how it ends.

import { expect, test, vi } from "vitest";
import { VirtualClock } from "../../src/loops/engine-fixture.ts";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import type { RemoteEnvironment } from "../../src/remote/remote-environment.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import type { WorkerEvent } from "../../src/remote/worker/worker-event.ts";
import type { RemoteWorkerOptions } from "../../src/remote/worker/worker-options.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openPlainBackend, type PlainBackend } from "./plain-backend.ts";
import { remoteEnvironment } from "./remote-environment.ts";

const environment = remoteEnvironment;
const double = defineActivity("double", (_, n: number) => n * 2);

interface Watched {
  readonly events: WorkerEvent[];
  readonly worker: ReturnType<typeof connectWorker>;
}

function watched({ address }: PlainBackend, options: Partial<RemoteWorkerOptions> & { readonly environment?: RemoteEnvironment }): Watched {
  const events: WorkerEvent[] = [];
  const worker = connectWorker({
    address,
    environment,
    orchestrators: [],
    activities: [],
    ...options,
    onEvent: (event) => events.push(event),
  });
  return { events, worker };
}

const abandoned = (events: readonly WorkerEvent[]): readonly string[] =>
  events.flatMap((event) => (event.kind === "abandoned" ? [event.reason] : []));

test.each([
  ["awaits something that is not ctx", "it", () => new Promise<never>(() => {})],
  ["gives more than the limit allows", "at most 1000 are allowed", async () => "x".repeat(2_000)],
])("a turn that %s is given back with the reason, and is no failure", async (_, reason, run) => {
  const stalling = defineOrchestrator("stalling", run);
  await using backend = await openPlainBackend();
  await using client = connectClient({ address: backend.address, environment });
  const { events, worker } = watched(backend, { orchestrators: [stalling], activities: [double], maxPayloadLength: 1_000 });
  const id = await client.start(stalling, undefined);
  await vi.waitFor(() => expect(backend.abandoned).toHaveLength(1));
  expect(abandoned(events)[0]).toContain(reason);
  expect((await client.get(id))?.status).toBe("Pending");
  await worker.close();
});

test("what a worker has no definition for is given back", async () => {
  await using backend = await openPlainBackend();
  await using client = connectClient({ address: backend.address, environment });
  const caller = defineOrchestrator("caller", (ctx) => ctx.callActivity("unknown", 1));
  const { events, worker } = watched(backend, { orchestrators: [caller], activities: [double] });
  await client.start("nameless", 1);
  await client.start(caller, undefined);
  await vi.waitFor(() => expect(abandoned(events)).toHaveLength(2));
  expect(abandoned(events).toSorted()).toEqual([
    'No activity is named "unknown"; this worker has: "double". Connect a worker with it to go on.',
    'No orchestrator is named "nameless"; this worker has: "caller". Connect a worker with it to go on.',
  ]);
  await worker.close();
});

test("code that decides differently from its history is given back with both sides shown", async () => {
  await using backend = await openPlainBackend();
  await using client = connectClient({ address: backend.address, environment });
  const of = (timerFirst: boolean) =>
    defineOrchestrator("decides", async (ctx) => {
      if (timerFirst) await ctx.createTimer(1);
      await ctx.callActivity(double, 1);
      return await ctx.waitForEvent("go");
    });
  const first = watched(backend, { orchestrators: [of(false)], activities: [double] });
  const id = await client.start("decides", undefined);
  await vi.waitFor(() => expect(backend.history(id).map(({ eventType }) => eventType.case)).toContain("taskCompleted"));
  await first.worker.close();
  const second = watched(backend, { orchestrators: [of(true)], activities: [double] });
  await client.raiseEvent(id, "go");
  await vi.waitFor(() => expect(abandoned(second.events)).toHaveLength(1));
  expect(abandoned(second.events)[0]).toMatch(
    /Replay mismatch at event \d+: history has activity "double" #1, the code asks for a timer #1/,
  );
  await second.worker.close();
});

test("E14: what runs is finished and reported, what waits for a place is given back", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let running = 0;
  const slow = defineActivity(
    "slow",
    async (_, n: number) => {
      running += 1;
      await gate;
      return n;
    },
    { maxConcurrent: 2 },
  );
  const all = defineOrchestrator("all", (ctx) => Promise.all([1, 2, 3, 4].map((n) => ctx.callActivity(slow, n))));
  await using backend = await openPlainBackend();
  await using client = connectClient({ address: backend.address, environment });
  const { events, worker } = watched(backend, { orchestrators: [all], activities: [slow] });
  const id = await client.start(all, undefined);
  await vi.waitFor(() => expect(running).toBe(2));
  const closed = worker.close();
  await vi.waitFor(() => expect(abandoned(events)).toEqual(["The worker is closing.", "The worker is closing."]));
  open();
  await closed;
  expect(await worker.stopped).toBeUndefined();
  expect(running).toBe(2);
  // The two results were taken; the next worker does the others.
  const next = watched(backend, { orchestrators: [all], activities: [slow] });
  expect((await client.waitForCompletion(id)).output).toEqual([1, 2, 3, 4]);
  expect(running).toBe(4);
  await next.worker.close();
});

test("E14: what still runs at the deadline is told by its signal and given back", async () => {
  let told: unknown;
  const endless = defineActivity("endless", ({ signal }) => {
    signal.addEventListener("abort", () => {
      told = signal.reason;
    });
    return new Promise<never>(() => {});
  });
  const caller = defineOrchestrator("caller", (ctx) => ctx.callActivity(endless, undefined));
  await using backend = await openPlainBackend();
  await using client = connectClient({ address: backend.address, environment });
  const { events, worker } = watched(backend, { orchestrators: [caller], activities: [endless] });
  const id = await client.start(caller, undefined);
  await vi.waitFor(() => expect(backend.history(id).map(({ eventType }) => eventType.case)).toContain("taskScheduled"));
  await vi.waitFor(() => expect(events.map(({ kind }) => kind)).toContain("connected"));
  await worker.close({ drainMs: 50 });
  expect(told).toMatchObject({ message: "The worker is closing." });
  expect(abandoned(events)).toEqual(["The worker is closing."]);
});

test("a server that sends health pings and then nothing is left for a new stream", async () => {
  const clock = new VirtualClock();
  await using backend = await openPlainBackend();
  const { events, worker } = watched(backend, { environment: { ...environment, clock }, orchestrators: [], activities: [double] });
  await vi.waitFor(() => expect(backend.streams).toBe(1));
  backend.ping();
  await vi.waitFor(() => expect(clock.armed).toBe(1));
  clock.move(60_000);
  backend.ping();
  await vi.waitFor(() => expect(clock.armed).toBe(1));
  clock.move(120_000);
  await vi.waitFor(() => {
    // The pause before the next stream is virtual too.
    clock.move(100);
    expect(events.map(({ kind }) => kind)).toEqual(["connected", "disconnected"]);
    expect(backend.streams).toBe(1);
  });
  backend.ping();
  await vi.waitFor(() => expect(events).toHaveLength(3));
  expect(events.map(({ kind }) => kind)).toEqual(["connected", "disconnected", "connected"]);
  await worker.close();
});

test("the same name twice is refused at once", async () => {
  const options = { address: "localhost:1", environment, orchestrators: [] };
  expect(() => connectWorker({ ...options, activities: [double, double] })).toThrow('Activity "double" is defined twice.');
});
