// Histories event by event, as the SDK's own client reads them.

import { type HistoryEvent, HistoryEventType, type OrchestrationContext, whenAll } from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { TestClient } from "../../../src/server/grpc/server-fixture.ts";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

const server = sharedServer();

/** Type, id, and what says of which action it tells; turns are separated by OrchestratorStarted. */
function outline(history: readonly HistoryEvent[]): readonly string[] {
  return history.map((event) => {
    const of = "taskScheduledId" in event ? ` of ${event.taskScheduledId}` : "timerId" in event ? ` of ${event.timerId}` : "";
    const name = "name" in event && event.name !== undefined ? ` ${event.name}` : "";
    return `${event.type} ${event.eventId}${name}${of}`;
  });
}

test("the history of a sequence is exactly its turns", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *sequence(ctx: OrchestrationContext) {
        yield ctx.callActivity("step", 1);
        yield ctx.createTimer(0);
        yield ctx.waitForExternalEvent("go");
        ctx.sendEvent("nobody", "hello", 1);
        yield ctx.callSubOrchestrator("child", undefined, { instanceId: `${ctx.instanceId}-child` });
        return "done";
      },
      child: () => "child",
    },
    activities: { step: () => "stepped" },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("sequence", "in");
  await until(async () => (await client.getOrchestrationHistory(id)).some(({ type }) => type === HistoryEventType.TimerFired));
  await client.raiseOrchestrationEvent(id, "go", "on");
  await client.waitForOrchestrationCompletion(id);
  const history = await client.getOrchestrationHistory(id);
  expect(outline(history)).toEqual([
    "OrchestratorStarted -1",
    "ExecutionStarted -1 sequence",
    "TaskScheduled 1 step",
    "OrchestratorStarted -1",
    "TaskCompleted -1 of 1",
    "TimerCreated 2",
    "OrchestratorStarted -1",
    "TimerFired -1 of 2",
    "OrchestratorStarted -1",
    "EventRaised -1 go",
    "EventSent 3 hello",
    "SubOrchestrationInstanceCreated 4 child",
    "OrchestratorStarted -1",
    "SubOrchestrationInstanceCompleted -1 of 4",
    "ExecutionCompleted 5",
  ]);
  expect(history.filter(({ type }) => type !== HistoryEventType.OrchestratorStarted)).toMatchObject([
    { name: "sequence", input: '"in"', orchestrationInstance: { instanceId: id } },
    { input: "1" },
    { result: '"stepped"' },
    { fireAt: expect.any(Date) },
    { fireAt: expect.any(Date) },
    { input: '"on"' },
    { instanceId: "nobody", input: "1" },
    { instanceId: `${id}-child` },
    { result: '"child"' },
    { result: '"done"' },
  ]);
  // What arrives bears the time of its arrival, which is before that of its turn.
  const turns = history.filter(({ type }) => type === HistoryEventType.OrchestratorStarted);
  const times = turns.map(({ timestamp }) => timestamp.getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("a child's history names its parent", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *parent(ctx: OrchestrationContext) {
        yield ctx.callSubOrchestrator("child", 7, { instanceId: `${ctx.instanceId}-child` });
      },
      child: () => "child",
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("parent");
  await sdk.client.waitForOrchestrationCompletion(id);
  expect(await sdk.client.getOrchestrationHistory(`${id}-child`)).toMatchObject([
    { type: HistoryEventType.OrchestratorStarted },
    {
      type: HistoryEventType.ExecutionStarted,
      input: "7",
      parentInstance: { name: "parent", taskScheduledId: 1, orchestrationInstance: { instanceId: id } },
    },
    { type: HistoryEventType.ExecutionCompleted, result: '"child"' },
  ]);
});

test("suspension, failure and termination stand in history where they happened", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *waiting(ctx: OrchestrationContext) {
        yield ctx.waitForExternalEvent("go");
        yield ctx.callActivity("broken");
      },
    },
    activities: {
      broken: () => {
        throw new Error("broken");
      },
    },
  });
  const { client } = sdk;
  const failing = await client.scheduleNewOrchestration("waiting");
  const types = async (id: string) => (await client.getOrchestrationHistory(id)).map(({ type }) => type);
  await until(async () => (await types(failing)).length >= 2);
  await client.suspendOrchestration(failing);
  await until(async () => (await types(failing)).includes(HistoryEventType.ExecutionSuspended));
  await client.resumeOrchestration(failing);
  await until(async () => (await types(failing)).includes(HistoryEventType.ExecutionResumed));
  await client.raiseOrchestrationEvent(failing, "go");
  await client.waitForOrchestrationCompletion(failing);
  expect((await types(failing)).filter((type) => type !== HistoryEventType.OrchestratorStarted)).toEqual([
    HistoryEventType.ExecutionStarted,
    HistoryEventType.ExecutionSuspended,
    HistoryEventType.ExecutionResumed,
    HistoryEventType.EventRaised,
    HistoryEventType.TaskScheduled,
    HistoryEventType.TaskFailed,
    HistoryEventType.ExecutionCompleted,
  ]);

  const terminated = await client.scheduleNewOrchestration("waiting");
  await until(async () => (await types(terminated)).length >= 2);
  await client.terminateOrchestration(terminated, "enough");
  await client.waitForOrchestrationCompletion(terminated);
  expect((await types(terminated)).slice(2)).toEqual([
    HistoryEventType.OrchestratorStarted,
    HistoryEventType.ExecutionTerminated,
    HistoryEventType.ExecutionCompleted,
  ]);
});

test("a long history comes in many chunks and whole", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *wide(ctx: OrchestrationContext) {
        yield whenAll(Array.from({ length: 100 }, (_, index) => ctx.callActivity("large", index)));
      },
    },
    activities: { large: (_, index: number) => `${index} `.repeat(20_000) },
  });
  const id = await sdk.client.scheduleNewOrchestration("wide");
  await sdk.client.waitForOrchestrationCompletion(id);
  const history = await sdk.client.getOrchestrationHistory(id);
  expect(history.filter(({ type }) => type === HistoryEventType.TaskCompleted)).toHaveLength(100);

  const raw = new TestClient(server.port, { hub: sdk.hub });
  await using stream = raw.stream("streamInstanceHistory", { instanceId: id });
  let chunks = 0;
  for await (const _ of stream.raw) chunks += 1;
  expect(chunks).toBeGreaterThan(3);
  raw.close();
});

test("of an instance that is not there the history is empty", async () => {
  await using sdk = await server.connect();
  expect(await sdk.client.getOrchestrationHistory("nobody")).toEqual([]);
});
