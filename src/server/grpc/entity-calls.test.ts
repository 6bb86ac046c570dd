import { status as Status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { actionToWire } from "../../wire/actions.ts";
import type { WorkItem } from "../../wire/generated/durable_task_pb.ts";
import { timestampToWire } from "../../wire/timestamps.ts";
import { type Fixture, openFixture, statusOfCall, type TestStream } from "./server-fixture.ts";

type Batch = Extract<WorkItem["request"], { case: "entityRequest" }>["value"] & { readonly token: string };

async function nextBatch(stream: TestStream<WorkItem>): Promise<Batch> {
  for (;;) {
    const { request, completionToken: token } = await stream.next();
    if (request.case === "entityRequest") return { ...request.value, token };
  }
}

/** Answers every operation with its input, which becomes the state. */
async function serve(server: Fixture, batch: Batch): Promise<void> {
  const inputs = batch.operations.map(({ input }) => input ?? "");
  await server.client.call("completeEntityTask", {
    completionToken: batch.token,
    results: inputs.map((result) => ({ resultType: { case: "success", value: { result } } })),
    entityState: inputs.at(-1) ?? "",
  });
}

const signal = (server: Fixture, instanceId: string, input: string, requestId = "") =>
  server.client.call("signalEntity", { instanceId, name: "set", input, requestId });

describe("entities over gRPC", () => {
  test("a signal goes to a worker, the state that it answers is read back", async () => {
    await using server = await openFixture();
    await using stream = server.client.stream("getWorkItems", {});
    await signal(server, "@Counter@Key", "1");
    const batch = await nextBatch(stream);
    expect(batch).toMatchObject({ instanceId: "@counter@Key", operations: [{ operation: "set", input: "1" }] });
    expect(batch).not.toHaveProperty("entityState");
    await serve(server, batch);
    const read = (includeState: boolean) => server.client.call("getEntity", { instanceId: "@COUNTER@Key", includeState });
    await expect.poll(async () => (await read(true)).entity?.serializedState).toBe("1");
    const bare = await read(false);
    expect(bare).toMatchObject({ exists: true, entity: { instanceId: "@counter@Key", backlogQueueSize: 0 } });
    expect(bare.entity).not.toHaveProperty("serializedState");
  });

  test("a worker of the newer kind gets history events; a scheduled signal waits", async () => {
    await using server = await openFixture();
    await using stream = server.client.stream("getWorkItems", {}, { metadata: { "entity-request-version": "2" } });
    const later = { scheduledTime: timestampToWire(Date.now() + 3_600_000) };
    await server.client.call("signalEntity", { instanceId: "@c@later", name: "set", requestId: "r", ...later });
    await signal(server, "@c@k", "1", "now");
    const { request, completionToken } = await stream.next();
    expect(request).toMatchObject({
      case: "entityRequestV2",
      value: {
        instanceId: "@c@k",
        operationRequests: [{ eventType: { case: "entityOperationSignaled", value: { operation: "set", requestId: "now" } } }],
      },
    });
    await server.client.call("completeEntityTask", {
      completionToken,
      results: [{ resultType: { case: "success", value: {} } }],
      entityState: "1",
      operationInfos: [{ requestId: "now" }],
    });
    const entities = async () => (await server.client.call("queryEntities", { query: {} })).entities.map(({ instanceId }) => instanceId);
    await expect.poll(entities).toEqual(["@c@k"]);
    const transient = await server.client.call("queryEntities", { query: { includeTransient: true } });
    expect(transient.entities.map(({ instanceId }) => instanceId).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["@c@k", "@c@later"]);
  });

  test("a repeated signal has no effect", async () => {
    await using server = await openFixture();
    for (let time = 0; time < 3; time++) await signal(server, "@c@k", "1", "same");
    await signal(server, "@c@k", "2", "other");
    await using stream = server.client.stream("getWorkItems", {});
    expect((await nextBatch(stream)).operations.map(({ input }) => input)).toEqual(["1", "2"]);
  });

  test("an orchestration's call is answered, its failure too", async () => {
    await using server = await openFixture();
    const { client } = server;
    await using stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const { request, completionToken } = await stream.next();
    if (request.case !== "orchestratorRequest") throw new Error("a turn was expected");
    const called = (id: number) =>
      ({
        id,
        orchestratorActionType: {
          case: "sendEntityMessage",
          value: {
            EntityMessageType: {
              case: "entityOperationCalled",
              value: {
                requestId: `r${id}`,
                operation: "set",
                targetInstanceId: "@c@k",
                parentInstanceId: "i",
                parentExecutionId: request.value.executionId ?? "",
              },
            },
          },
        },
      }) as const;
    await client.call("completeOrchestratorTask", { completionToken, actions: [called(1), called(2)] });
    const batch = await nextBatch(stream);
    const failureDetails = { errorType: "Broken", errorMessage: "it broke" };
    await client.call("completeEntityTask", {
      completionToken: batch.token,
      results: [
        { resultType: { case: "success", value: { result: "7" } } },
        { resultType: { case: "failure", value: { failureDetails } } },
      ],
      entityState: "1",
    });
    const turn = await stream.next();
    if (turn.request.case !== "orchestratorRequest") throw new Error("a turn was expected");
    expect(turn.request.value.newEvents.slice(1).map(({ eventType }) => eventType)).toMatchObject([
      { case: "entityOperationCompleted", value: { requestId: "r1", output: "7" } },
      { case: "entityOperationFailed", value: { requestId: "r2", failureDetails } },
    ]);
    const complete = actionToWire({ kind: "CompleteOrchestration", id: 3, status: "Completed" });
    await client.call("completeOrchestratorTask", { completionToken: turn.completionToken, actions: [complete] });
    await client.call("waitForInstanceCompletion", { instanceId: "i" });
  });

  test("lists by prefix, page by page, and the clean-up of those without a state", async () => {
    await using server = await openFixture();
    await using stream = server.client.stream("getWorkItems", {});
    for (const id of ["@a@1", "@a@2", "@b@1"]) {
      await signal(server, id, "1");
      await serve(server, await nextBatch(stream));
    }
    const query = (fields: object) => server.client.call("queryEntities", { query: fields });
    await expect.poll(async () => (await query({})).entities.length).toBe(3);
    expect((await query({ instanceIdStartsWith: "@A@" })).entities).toHaveLength(2);
    expect((await query({ instanceIdStartsWith: "b" })).entities).toHaveLength(1);
    const first = await query({ pageSize: 2, includeState: true });
    expect(first.entities.map(({ serializedState }) => serializedState)).toEqual(["1", "1"]);
    expect((await query({ pageSize: 2, continuationToken: first.continuationToken })).entities).toHaveLength(1);

    await signal(server, "@a@1", "1");
    const { token } = await nextBatch(stream);
    await server.client.call("completeEntityTask", { completionToken: token, results: [{ resultType: { case: "success", value: {} } }] });
    await expect.poll(async () => (await server.client.call("getEntity", { instanceId: "@a@1" })).exists).toBe(false);
    await server.client.call("cleanEntityStorage", { removeEmptyEntities: true, releaseOrphanedLocks: true });
    expect((await query({ includeTransient: true })).entities).toHaveLength(2);
  });

  test("what is no entity is refused, and entities are no instances", async () => {
    await using server = await openFixture();
    for (const instanceId of ["", "plain", "@", "@@", "@name"]) {
      expect(await statusOfCall(signal(server, instanceId, "1"))).toMatchObject({ code: Status.INVALID_ARGUMENT });
    }
    await signal(server, "@c@k", "1");
    expect(await server.client.call("getInstance", { instanceId: "@c@k" })).toMatchObject({ exists: false });
    const start = server.client.call("startInstance", { instanceId: "@c@k", name: "o" });
    expect(await statusOfCall(start)).toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  test("results of no kind are refused, and the batch comes again", async () => {
    await using server = await openFixture({}, { workers: { firstPauseMs: 1 } });
    await using stream = server.client.stream("getWorkItems", {});
    await signal(server, "@c@k", "1");
    const { token } = await nextBatch(stream);
    const refused = server.client.call("completeEntityTask", { completionToken: token, results: [{}] });
    expect(await statusOfCall(refused)).toMatchObject({ code: Status.INVALID_ARGUMENT });
    const again = await nextBatch(stream);
    await server.client.call("completeEntityTask", { completionToken: again.token, requiresState: true });
    const third = await nextBatch(stream);
    await server.client.call("abandonTaskEntityWorkItem", { completionToken: third.token });
    await serve(server, await nextBatch(stream));
    await expect.poll(async () => (await server.client.call("getEntity", { instanceId: "@c@k" })).exists).toBe(true);
  });
});
