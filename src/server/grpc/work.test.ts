import { status as Status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { Action } from "../../model/actions.ts";
import { asInstanceId } from "../../model/ids.ts";
import { actionToWire } from "../../wire/actions.ts";
import { eventFromWire } from "../../wire/event-from-wire.ts";
import {
  OrchestrationStatus,
  type OrchestratorRequest,
  OrchestratorResponseSchema,
  WorkerCapability,
  type WorkItem,
} from "../../wire/generated/durable_task_pb.ts";
import { encode, openFixture, statusOfCall, type TestClient, type TestStream } from "./server-fixture.ts";

interface Turn {
  readonly token: string;
  readonly request: OrchestratorRequest;
  readonly past: readonly string[];
  readonly fresh: readonly string[];
}

/** The next item that is a turn. */
async function nextTurn(stream: TestStream<WorkItem>): Promise<Turn> {
  const { request, completionToken: token } = await nextItem(stream);
  if (request.case !== "orchestratorRequest") throw new Error(`a turn was expected, not ${request.case}`);
  const kinds = (events: OrchestratorRequest["pastEvents"]) => events.map((event) => eventFromWire(event)?.kind ?? "nothing");
  return { token, request: request.value, past: kinds(request.value.pastEvents), fresh: kinds(request.value.newEvents) };
}

async function nextItem(stream: TestStream<WorkItem>): Promise<WorkItem> {
  for (;;) {
    const item = await stream.next();
    if (item.request.case !== "healthPing") return item;
  }
}

function answer(client: TestClient, turn: Pick<Turn, "token">, actions: readonly Action[]) {
  return client.call("completeOrchestratorTask", { completionToken: turn.token, actions: actions.map(actionToWire) });
}

const complete = (id: number, result?: string): Action => ({
  kind: "CompleteOrchestration",
  id,
  status: "Completed",
  ...(result !== undefined && { result }),
});
const schedule = (id: number, name = "a"): Action => ({ kind: "ScheduleTask", id, name, input: `${id}` });

describe("turns and activities", () => {
  test("an orchestration of one activity, event by event", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o", input: '"in"' });

    const first = await nextTurn(stream);
    expect([first.past, first.fresh]).toEqual([[], ["OrchestratorStarted", "ExecutionStarted"]]);
    expect(first.request.executionId).not.toBe("");
    expect(first.request.entityParameters).toBeDefined();
    expect(first.request.orchestrationTraceContext?.spanID).toMatch(/^[0-9a-f]{16}$/);
    await answer(client, first, [schedule(1)]);

    const { request, completionToken } = await nextItem(stream);
    expect(request).toMatchObject({ case: "activityRequest", value: { name: "a", input: "1", taskId: 1, tags: {} } });
    await client.call("completeActivityTask", { completionToken, taskId: 1, result: '"done"' });

    const second = await nextTurn(stream);
    expect(second.past).toEqual(["OrchestratorStarted", "ExecutionStarted", "TaskScheduled"]);
    expect(second.fresh).toEqual(["OrchestratorStarted", "TaskCompleted"]);
    expect(second.request.orchestrationTraceContext?.spanID).toBe(first.request.orchestrationTraceContext?.spanID);
    await answer(client, second, [complete(2, '"out"')]);
    const { orchestrationState } = await client.call("waitForInstanceCompletion", { instanceId: "i", getInputsAndOutputs: true });
    expect(orchestrationState).toMatchObject({ output: '"out"', orchestrationStatus: OrchestrationStatus.COMPLETED });

    const history = client.stream("streamInstanceHistory", { instanceId: "i" });
    const { events } = await history.next();
    expect(events.map((event) => eventFromWire(event)?.kind)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted",
      "TaskScheduled",
      "OrchestratorStarted",
      "TaskCompleted",
      "ExecutionCompleted",
    ]);
    expect(await history.ended).toBe(Status.OK);
  });

  test("many turns: the past of each is the history of all before it", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    let known: string[] = [];
    for (let id = 1; id <= 30; id++) {
      const turn = await nextTurn(stream);
      expect(turn.past).toEqual(known);
      await answer(client, turn, [schedule(id)]);
      known = [...turn.past, ...turn.fresh, "TaskScheduled"];
      const { completionToken } = await nextItem(stream);
      await client.call("completeActivityTask", { completionToken });
    }
  });

  test("a failed activity's details come back whole", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    await answer(client, await nextTurn(stream), [schedule(1)]);
    const { completionToken } = await nextItem(stream);
    const failureDetails = {
      errorType: "Broken",
      errorMessage: "it broke",
      stackTrace: "at x",
      isNonRetriable: true,
      innerFailure: { errorType: "Cause", errorMessage: "" },
      properties: { code: { kind: { case: "numberValue", value: 3 } } },
    } as const;
    await client.call("completeActivityTask", { completionToken, failureDetails });
    const { request } = await nextTurn(stream);
    expect(request.newEvents.at(-1)?.eventType).toMatchObject({ case: "taskFailed", value: { taskScheduledId: 1, failureDetails } });
  });

  test("a stale, a repeated and a strange token", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const turn = await nextTurn(stream);
    await answer(client, turn, [schedule(1)]);
    await answer(client, turn, [complete(1)]);
    expect(await client.call("getInstance", { instanceId: "i" })).toMatchObject({
      orchestrationState: { orchestrationStatus: OrchestrationStatus.RUNNING },
    });
    for (const token of ["", "nonsense", `${turn.token.slice(0, 4)}x`, "\u0000", "x".repeat(1_000_000)]) {
      const refused = await statusOfCall(answer(client, { token }, [complete(1)]));
      expect(refused).toMatchObject({ code: Status.INVALID_ARGUMENT });
    }
  });

  test("an abandoned turn comes again", async () => {
    await using server = await openFixture({}, { workers: { firstPauseMs: 1 } });
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const { token } = await nextTurn(stream);
    await client.call("abandonTaskOrchestratorWorkItem", { completionToken: token });
    await answer(client, await nextTurn(stream), [schedule(1)]);
    const { completionToken } = await nextItem(stream);
    await client.call("abandonTaskActivityWorkItem", { completionToken });
    expect((await nextItem(stream)).request.case).toBe("activityRequest");
  });

  test("nonsense is refused, the item comes again, and the instance stalls in the end; others go on", async () => {
    await using server = await openFixture({}, { workers: { firstPauseMs: 1, maxPauseMs: 1, maxTries: 3 } });
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const nonsense = [{ id: 1, orchestratorActionType: { case: "rewindOrchestration", value: {} } }] as const;
    for (let time = 0; time < 3; time++) {
      const { token } = await nextTurn(stream);
      const refused = client.call("completeOrchestratorTask", { completionToken: token, actions: [...nonsense] });
      expect(await statusOfCall(refused)).toMatchObject({ code: Status.INVALID_ARGUMENT });
    }
    await expect.poll(async () => (await server.engine.hub("default").get("i", false))?.stalled).toMatch(/rewinds the orchestration/);
    await client.call("startInstance", { instanceId: "j", name: "o" });
    const turn = await nextTurn(stream);
    expect(turn.request.instanceId).toBe("j");
    await answer(client, turn, [complete(1)]);
    await client.call("waitForInstanceCompletion", { instanceId: "j" });
  });

  test("an answer in parts counts as a whole, and only when its last part has come", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const { token } = await nextTurn(stream);
    const part = (chunkIndex: number, isPartial: boolean, id: number) =>
      client.call("completeOrchestratorTask", {
        completionToken: token,
        actions: [actionToWire(schedule(id))],
        isPartial,
        chunkIndex,
      });
    await part(0, true, 1);
    expect(await statusOfCall(part(2, true, 3))).toMatchObject({ code: Status.FAILED_PRECONDITION });
    await part(0, true, 1);
    await part(1, true, 2);
    await part(2, false, 3);
    const ids = new Set<number>();
    for (let item = 0; item < 3; item++) {
      const { request } = await nextItem(stream);
      if (request.case === "activityRequest") ids.add(request.value.taskId);
    }
    expect(ids).toEqual(new Set([1, 2, 3]));
  });
});

describe("streams of work", () => {
  test("credits bound what a worker has at once", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", { maxConcurrentActivityWorkItems: 2 });
    await client.call("startInstance", { instanceId: "i", name: "o" });
    await answer(
      client,
      await nextTurn(stream),
      [1, 2, 3, 4].map((id) => schedule(id)),
    );
    const [first] = [await nextItem(stream), await nextItem(stream)];
    expect(server.engine.workers.stats()).toMatchObject({ inFlight: { activity: 2 }, queued: { activity: 2 } });
    await client.call("completeActivityTask", { completionToken: first.completionToken });
    const next = [await nextItem(stream), await nextItem(stream)].map(({ request }) => request.case);
    expect(new Set(next)).toEqual(new Set(["activityRequest", "orchestratorRequest"]));
  });

  test("filters: a list is what it takes, an empty one takes nothing", async () => {
    await using server = await openFixture();
    const { client } = server;
    const orchestrations = client.stream("getWorkItems", {
      workItemFilters: { orchestrations: [{ name: "o", versions: ["2"] }], activities: [], entities: [] },
    });
    const activities = client.stream("getWorkItems", { workItemFilters: { activities: [{ name: "a" }] } });
    await expect.poll(() => server.server.stats().streams).toBe(2);
    await client.call("startInstance", { instanceId: "none", name: "o", version: "1" });
    await client.call("startInstance", { instanceId: "i", name: "o", version: "2" });
    const turn = await nextTurn(orchestrations);
    expect(turn.request.instanceId).toBe("i");
    await answer(client, turn, [schedule(1, "a"), schedule(2, "b")]);
    expect(await nextItem(activities)).toMatchObject({ request: { value: { name: "a" } } });
    expect(server.engine.workers.stats().inFlight).toEqual({ orchestration: 0, activity: 1, entity: 0 });
  });

  test("an idle stream is pinged, and none is when the last has gone", async () => {
    await using server = await openFixture({ limits: { pingMs: 20 } });
    const stream = server.client.stream("getWorkItems", {});
    for (let ping = 0; ping < 3; ping++) expect((await stream.next()).request.case).toBe("healthPing");
    stream.cancel();
    await expect.poll(() => server.server.stats().streams).toBe(0);
  });

  test("items of a connection that breaks go to another worker at once", async () => {
    await using server = await openFixture();
    const dying = await server.connectThroughCable();
    const lost = dying.client.stream("getWorkItems", {});
    await server.client.call("startInstance", { instanceId: "i", name: "o" });
    const turn = await nextTurn(lost);
    await using stream = server.client.stream("getWorkItems", {});
    await expect.poll(() => server.server.stats().streams).toBe(2);
    dying.cut();
    const again = await nextTurn(stream);
    expect(again.request.instanceId).toBe(turn.request.instanceId);
    await answer(server.client, again, [complete(1)]);
    await server.client.call("waitForInstanceCompletion", { instanceId: "i" });
  });

  test("a worker that has closed its stream may still answer over its connection", async () => {
    await using server = await openFixture();
    const draining = server.connect();
    const stream = draining.stream("getWorkItems", {});
    await server.client.call("startInstance", { instanceId: "i", name: "o" });
    await answer(draining, await nextTurn(stream), [schedule(1)]);
    const { completionToken } = await nextItem(stream);
    stream.cancel();
    await expect.poll(() => server.server.stats().streams).toBe(0);
    // Another worker is there, and does not get the activity.
    await using other = server.client.stream("getWorkItems", {});
    await expect.poll(() => server.server.stats().streams).toBe(1);
    expect(server.engine.workers.stats().inFlight.activity).toBe(1);
    await draining.call("completeActivityTask", { completionToken, result: "5" });
    const turn = await nextTurn(other);
    expect(turn.fresh).toContain("TaskCompleted");
  });

  test("a worker that reads nothing is cut off, and costs a bounded number of bytes until then; others do not notice", async () => {
    await using server = await openFixture({ limits: { maxStreamBytes: 100_000, stalledStreamMs: 300, pingMs: 100 } });
    const { client } = server;
    const stuck = await server.connectThroughCable();
    const jammed = stuck.client.stream("getWorkItems", { workItemFilters: { orchestrations: [{ name: "o" }] } });
    jammed.raw.pause();
    await jammed.metadata;
    stuck.jam();
    await using stream = client.stream("getWorkItems", { workItemFilters: { orchestrations: [{ name: "quick" }] } });
    await expect.poll(() => server.server.stats().streams).toBe(2);
    const input = "x".repeat(1_000_000);
    for (let index = 0; index < 20; index++) await client.call("startInstance", { instanceId: `i${index}`, name: "o", input });
    await client.call("startInstance", { instanceId: "quick", name: "quick" });
    await answer(client, await nextTurn(stream), [complete(1)]);
    await client.call("waitForInstanceCompletion", { instanceId: "quick" });
    await expect.poll(() => server.server.stats().streams, { timeout: 5_000 }).toBe(1);
    expect(server.logged).toContainEqual(expect.objectContaining({ level: "warn", message: expect.stringContaining("took nothing") }));
  });

  test("a worker that streams histories gets large ones that way, in chunks", async () => {
    await using server = await openFixture({ limits: { streamedHistoryBytes: 50_000, historyChunkBytes: 10_000 } });
    const { client } = server;
    await using stream = client.stream("getWorkItems", { capabilities: [WorkerCapability.HISTORY_STREAMING] });
    await client.call("startInstance", { instanceId: "i", name: "o", input: JSON.stringify("x".repeat(60_000)) });
    const first = await nextTurn(stream);
    expect(first.request.requiresHistoryStreaming).toBe(false);
    await answer(
      client,
      first,
      Array.from({ length: 50 }, (_, index) => ({ ...schedule(index + 1), input: "y".repeat(1_000) })),
    );
    const { completionToken } = await nextItem(stream);
    await client.call("completeActivityTask", { completionToken });
    let turn: WorkItem;
    do turn = await nextItem(stream);
    while (turn.request.case !== "orchestratorRequest");
    expect(turn.request.value).toMatchObject({ requiresHistoryStreaming: true, pastEvents: [] });

    const { instanceId, executionId } = turn.request.value;
    const history = client.stream("streamInstanceHistory", {
      instanceId,
      ...(executionId && { executionId }),
      forWorkItemProcessing: true,
    });
    const chunks: number[] = [];
    for (let count = 0; count < 52; count += chunks.at(-1) ?? 0) chunks.push((await history.next()).events.length);
    expect(await history.ended).toBe(Status.OK);
    expect(chunks.length).toBeGreaterThan(5);
  });

  test("histories of what is not there", async () => {
    await using server = await openFixture();
    const { client } = server;
    expect(await client.stream("streamInstanceHistory", { instanceId: "nobody" }).ended).toBe(Status.NOT_FOUND);
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const other = client.stream("streamInstanceHistory", { instanceId: "i", executionId: "another" });
    expect(await other.ended).toBe(Status.FAILED_PRECONDITION);
  });

  test("our own worker gets the turns of an instance that it holds without a past, and the whole of one that it lost", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", {}, { metadata: { "signalbox-delta-turns": "1" } });
    expect((await stream.metadata).get("signalbox-delta-turns")).toEqual(["1"]);
    await client.call("startInstance", { instanceId: "i", name: "o" });
    await answer(client, await nextTurn(stream), [schedule(1)]);
    const activity = await nextItem(stream);
    expect(activity.request).toMatchObject({ value: { tags: { "signalbox.attempt": "1" } } });
    await client.call("completeActivityTask", { completionToken: activity.completionToken });
    const held = await nextTurn(stream);
    expect(held.past).toEqual([]);
    expect(held.request.properties).toMatchObject({
      "signalbox.delta": { kind: { value: true } },
      "signalbox.historyLength": { kind: { value: 3 } },
    });
    await client.call("completeOrchestratorTask", { completionToken: held.token, requiresHistory: true });
    const whole = await nextTurn(stream);
    expect([whole.past.length, whole.fresh, whole.request.properties]).toEqual([3, held.fresh, {}]);
    await answer(client, whole, [complete(2)]);
    await client.call("waitForInstanceCompletion", { instanceId: "i" });
  });

  test("a worker of another kind is not answered in ours", async () => {
    await using server = await openFixture();
    await using stream = server.client.stream("getWorkItems", {});
    expect((await stream.metadata).get("signalbox-delta-turns")).toEqual([]);
  });

  test("an answer that is larger than a message may be is refused, and the stream lives", async () => {
    await using server = await openFixture({ limits: { maxMessageBytes: 100_000 } });
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const turn = await nextTurn(stream);
    const bytes = encode(OrchestratorResponseSchema, {
      completionToken: turn.token,
      actions: [actionToWire(complete(1, "x".repeat(200_000)))],
    });
    expect(await statusOfCall(client.callBytes("completeOrchestratorTask", bytes))).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    await answer(client, turn, [complete(1)]);
    await client.call("waitForInstanceCompletion", { instanceId: "i" });
  });
});

describe("a server that closes", () => {
  test("lets workers answer what they have, then ends their streams", async () => {
    await using server = await openFixture();
    const { client } = server;
    const stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const turn = await nextTurn(stream);
    const closed = server.server.close({ drainMs: 10_000 });
    expect(await statusOfCall(client.call("getInstance", { instanceId: "i" }))).toMatchObject({ code: Status.UNAVAILABLE });
    expect(await client.stream("getWorkItems", {}).ended).toBe(Status.UNAVAILABLE);
    await answer(client, turn, [complete(1)]);
    await closed;
    expect(await stream.ended).toBe(Status.UNAVAILABLE);
    expect(await server.engine.hub("default").get("i", false)).toMatchObject({ instanceId: asInstanceId("i"), status: "Completed" });
  });

  test("does not wait longer than it was told for those who do not answer", async () => {
    await using server = await openFixture();
    const stream = server.client.stream("getWorkItems", {});
    await server.client.call("startInstance", { instanceId: "i", name: "o" });
    await nextTurn(stream);
    await server.server.close({ drainMs: 20 });
    expect(await stream.ended).toBe(Status.UNAVAILABLE);
    expect(server.server.stats()).toMatchObject({ connections: 0, streams: 0 });
  });
});
