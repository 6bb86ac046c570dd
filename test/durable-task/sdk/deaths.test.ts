// Workers, connections and servers that die while they have work: nothing is lost, and nothing is done twice.

import { status } from "@grpc/grpc-js";
import { HistoryEventType, type OrchestrationContext, OrchestrationStatus, whenAll } from "@microsoft/durabletask-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestClient } from "../../../src/server/grpc/server-fixture.ts";
import { Random } from "../../simulation/random.ts";
import { openCuttingProxy } from "../cutting-proxy.ts";
import { ChildProgram } from "./child-program.ts";
import { persist } from "./persist.ts";
import { allLeft, connectSdk, type Definitions, leave, sdkClient, sdkWorker } from "./sdk.ts";
import { type RunningServer, startServer } from "./start-server.ts";
import { until } from "./until.ts";
import type { WorkerConfiguration } from "./worker-process.ts";

/** After which an unanswered item goes to another stream. */
const ANSWER_MS = 2_000;

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ workers: { answerMs: { orchestration: ANSWER_MS, entity: ANSWER_MS }, firstPauseMs: 50 } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await allLeft();
});

async function startWorker(configuration: WorkerConfiguration): Promise<ChildProgram> {
  const program = new ChildProgram("worker-process.ts", configuration);
  await program.ready;
  return program;
}

describe.concurrent("workers", () => {
  test.each(["held turn", "held activity"] as const)("a worker that is killed with a %s loses nothing", async (serves) => {
    const hub = serves;
    const { address } = server;
    const client = sdkClient({ address, hub });
    await using doomed = await startWorker({ address, hub, serves });
    const id = await client.scheduleNewOrchestration("steps");
    await doomed.line((line) => line === "holds");
    const calm = await sdkWorker({
      address,
      hub,
      orchestrators: {
        async *steps(ctx: OrchestrationContext) {
          const result: unknown = yield ctx.callActivity("step");
          return result;
        },
      },
      activities: { step: () => "done by the other" },
    });
    expect(await client.getOrchestrationState(id)).not.toMatchObject({ runtimeStatus: OrchestrationStatus.COMPLETED });
    await doomed.kill();
    expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '"done by the other"' });
    const history = await client.getOrchestrationHistory(id);
    expect(history.filter(({ type }) => type === HistoryEventType.TaskCompleted)).toHaveLength(1);
    leave(calm);
    leave(client);
  });

  test("an activity may run longer than the keepalive of its connection", async () => {
    await using sdk = await connectSdk({
      address: server.address,
      orchestrators: {
        async *long(ctx: OrchestrationContext) {
          const runs: number = yield ctx.callActivity("long");
          return runs;
        },
      },
      activities: { long: () => new Promise((resolve) => setTimeout(resolve, 17_000, (runs += 1))) },
    });
    const id = await sdk.client.scheduleNewOrchestration("long");
    expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "1" });
    expect(runs).toBe(1);
  });
  let runs = 0;

  test("a worker that stops still completes what it has, once", async () => {
    const hub = "stopping";
    const { address } = server;
    let runs = 0;
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const orchestrators = {
      async *steps(ctx: OrchestrationContext) {
        const result: unknown = yield ctx.callActivity("held");
        return result;
      },
    };
    await using sdk = await connectSdk({
      address,
      hub,
      orchestrators,
      activities: { held: () => ((runs += 1), held.then(() => "in the end")) },
    });
    const id = await sdk.client.scheduleNewOrchestration("steps");
    await until(() => runs === 1);
    leave(sdk.worker);
    const next = await sdkWorker({ address, hub, orchestrators, activities: { held: () => ((runs += 1), "by the next") } });
    // The next one serves already, and does not get what the first one still has.
    const other = sdkClient({ address, hub });
    await other.waitForOrchestrationCompletion(await other.scheduleNewOrchestration("steps"));
    letGo();
    expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '"in the end"' });
    expect(runs).toBe(2);
    leave(next);
    leave(other);
  });

  test("a second stream of the same worker is accepted, and both get work", async () => {
    const hub = "two streams";
    const ran = [0, 0];
    const definitions = (worker: number): Definitions => ({
      orchestrators: {
        async *wide(ctx: OrchestrationContext) {
          const results: number[] = yield whenAll(Array.from({ length: 40 }, () => ctx.callActivity("count")));
          return results.length;
        },
      },
      activities: { count: () => (ran[worker] = (ran[worker] ?? 0) + 1) },
    });
    const { address } = server;
    await using sdk = await connectSdk({ address, hub, ...definitions(0) });
    const second = await sdkWorker({ address, hub, ...definitions(1) });
    await until(async () => {
      await sdk.client.waitForOrchestrationCompletion(await sdk.client.scheduleNewOrchestration("wide"));
      return ran.every((count) => count > 0);
    });
    leave(second);
  });

  test("a stream that nobody reads delays only what it was given", async () => {
    const hub = "slow stream";
    const { address } = server;
    const raw = new TestClient(server.port, { hub });
    await using slow = raw.stream("getWorkItems", { maxConcurrentOrchestrationWorkItems: 3 });
    await slow.metadata;
    const client = sdkClient({ address, hub });
    const held = await Promise.all([1, 2, 3].map((item) => client.scheduleNewOrchestration("leaf", item)));
    await until(async () => (await slow.next()).request.case === "orchestratorRequest");
    const worker = await sdkWorker({ address, hub, orchestrators: { leaf: (_: OrchestrationContext, input: number) => input } });
    const others = await Promise.all(Array.from({ length: 50 }, (_, item) => client.scheduleNewOrchestration("leaf", item)));
    const ends: string[] = [];
    const end = async (id: string): Promise<void> => {
      expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.COMPLETED });
      ends.push(id);
    };
    await Promise.all([...held, ...others].map(end));
    // What it was given goes to another after the time that an answer may take; the others have not waited for that.
    expect(held).not.toContain(ends[0]);
    expect(held).toContain(ends.at(-1));
    leave(worker);
    leave(client);
    raw.close();
  });

  test("connections that are cut at random bytes lose nothing", async () => {
    const random = new Random(20_260_721);
    await using proxy = await openCuttingProxy({ target: server.port, cutAfter: () => random.int("bytes", 200, 30_000) });
    const hub = "cut connections";
    const definitions: Definitions = {
      orchestrators: {
        async *steps(ctx: OrchestrationContext, start: number) {
          let value = start;
          for (let step = 0; step < 5; step += 1) value = yield ctx.callActivity("increment", value);
          return value;
        },
      },
      activities: { increment: (_, value: number) => value + 1 },
    };
    const workers = [0, 1, 2].map(() => sdkWorker({ address: proxy.address, hub, ...definitions }));
    const client = sdkClient({ address: server.address, hub });
    const ids = await Promise.all(Array.from({ length: 60 }, (_, index) => client.scheduleNewOrchestration("steps", index)));
    for (const [index, id] of ids.entries()) {
      expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: `${index + 5}` });
    }
    expect(proxy.cuts).toBeGreaterThan(10);
    for (const worker of workers) leave(await worker);
    leave(client);
  });
});

test("a server that is killed in the middle of everything goes on where it was", async () => {
  await using doomed = await startServer();
  let ran = 0;
  const kills = new Set([30, 90, 150]);
  await using sdk = await connectSdk({
    address: doomed.address,
    orchestrators: {
      async *everything(ctx: OrchestrationContext, start: number) {
        const sum: number = yield ctx.callActivity("increment", start);
        const children: number[] = yield whenAll([1, 2].map((more) => ctx.callSubOrchestrator("child", sum + more)));
        const event: number = yield ctx.waitForExternalEvent("more");
        yield ctx.createTimer(0.01);
        return children.reduce((total, child) => total + child, event);
      },
      async *child(ctx: OrchestrationContext, start: number) {
        let value = start;
        for (let step = 0; step < 3; step += 1) value = yield ctx.callActivity("increment", value);
        return value;
      },
    },
    activities: {
      increment: (_, value: number) => {
        ran += 1;
        return value + 1;
      },
    },
  });
  const { client } = sdk;
  const ids = Array.from({ length: 30 }, (_, index) => `everything-${index}`);
  for (const [index, id] of ids.entries()) await client.scheduleNewOrchestration("everything", index, id);
  for (const id of ids.slice(0, 15)) await client.raiseOrchestrationEvent(id, "more", 100);
  for (const kill of kills) {
    await until(() => ran >= kill);
    await doomed.kill();
    await doomed.start();
  }
  for (const id of ids.slice(15)) await persist(() => client.raiseOrchestrationEvent(id, "more", 100));
  for (const [index, id] of ids.entries()) {
    const state = await persist(() => client.waitForOrchestrationCompletion(id));
    expect(state).toMatchObject({ serializedOutput: `${2 * (index + 1) + 3 + 6 + 100}` });
    const history = await client.getOrchestrationHistory(id);
    expect(history.filter(({ type }) => type === HistoryEventType.TaskScheduled)).toHaveLength(1);
    expect(history.filter(({ type }) => type === HistoryEventType.TaskCompleted)).toHaveLength(1);
  }
});

test("a server that is stopped in good order keeps what it had, and goes on with it", async () => {
  await using stopped = await startServer();
  let runs = 0;
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  await using sdk = await connectSdk({
    address: stopped.address,
    orchestrators: {
      async *steps(ctx: OrchestrationContext) {
        const result: unknown = yield ctx.callActivity("held");
        const event: unknown = yield ctx.waitForExternalEvent("go");
        return [result, event];
      },
    },
    activities: { held: () => ((runs += 1) === 1 ? held : undefined)?.then(() => "first") ?? "again" },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("steps");
  await client.raiseOrchestrationEvent(id, "go", 1);
  const waiting = client.waitForOrchestrationCompletion(id);
  const broken = expect(waiting).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await until(() => runs === 1);
  await stopped.stop();
  await broken;
  expect(stopped.errors).toBe("");
  await stopped.start();
  expect(await persist(() => client.waitForOrchestrationCompletion(id))).toMatchObject({ serializedOutput: '["again",1]' });
  letGo();
});
