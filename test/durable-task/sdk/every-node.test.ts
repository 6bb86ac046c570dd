// Several nodes on one PostgreSQL: any call may arrive at any of them. Each unary call of the protocol is sent to the next node, and
// to the one after it when that node has been lost.

import { expect, test } from "vitest";
import type { TestClient } from "../../../src/server/grpc/server-fixture.ts";
import { OrchestrationStatus, TaskHubSidecarService } from "../../../src/wire/generated/durable_task_pb.ts";
import { startPostgres } from "../../postgres/server.ts";
import { RoundRobin } from "./chaos/clients.ts";
import { RawWorker, type Turn } from "./raw-worker.ts";
import { type RunningServer, startServer } from "./start-server.ts";

type Call = TestClient["call"];

const UNARY = Object.values(TaskHubSidecarService.method)
  .filter(({ methodKind }) => methodKind === "unary")
  .map(({ localName }) => localName);

test("every unary call may arrive at any node, also while one of them is lost", async () => {
  await using postgres = await startPostgres();
  await using resources = new AsyncDisposableStack();
  const nodes: RunningServer[] = [];
  for (let node = 0; node < 3; node += 1) nodes.push(resources.use(await startServer({}, postgres.url)));
  const ports = nodes.map(({ port }) => port);
  for (const lost of [undefined, nodes[1]]) {
    const hub = lost === undefined ? "all nodes" : "one is lost";
    using clients = new RoundRobin(ports, hub, 60_000);
    const called = new Set<string>();
    const call: Call = (name, request, options) => {
      called.add(name);
      return clients.ask((_, raw) => raw.call(name, request, options));
    };
    // The worker stays with a node that stays; its answers go round like everything else.
    await using worker = await RawWorker.connect(ports[0] ?? 0, hub);
    const dies = lost?.kill();
    await everyCall(call, worker);
    await dies;
    expect([...called].toSorted()).toEqual(UNARY.toSorted());
  }
}, 120_000);

async function everyCall(call: Call, worker: RawWorker): Promise<void> {
  await call("hello", {});
  await call("createTaskHub", {});
  const start = (instanceId: string): Promise<unknown> => call("startInstance", { instanceId, name: "flow", input: "1" });
  const answer = ({ instanceId, token }: Turn, actions: Parameters<RawWorker["answer"]>[1]): Promise<unknown> =>
    call("completeOrchestratorTask", { instanceId, completionToken: token, actions });
  const stateOf = async (instanceId: string) => (await call("getInstance", { instanceId, getInputsAndOutputs: true })).orchestrationState;

  // One that fails, is rewound, and ends well.
  await start("a");
  const first = await worker.turn();
  await call("abandonTaskOrchestratorWorkItem", { completionToken: first.token });
  await answer(await worker.turn(), [task(1)]);
  await call("waitForInstanceStart", { instanceId: "a" });
  const given = await worker.activity();
  await call("abandonTaskActivityWorkItem", { completionToken: given.token });
  const failed = await worker.activity();
  const failureDetails = { errorType: "Error", errorMessage: "no" };
  await call("completeActivityTask", { instanceId: "a", taskId: failed.taskId, completionToken: failed.token, failureDetails });
  await answer(await worker.turn(), [end(2, OrchestrationStatus.FAILED)]);
  await call("waitForInstanceCompletion", { instanceId: "a" });
  const rewound = call("rewindInstance", { instanceId: "a" });
  const again = await worker.activity();
  await rewound;
  await call("completeActivityTask", { instanceId: "a", taskId: again.taskId, completionToken: again.token, result: "2" });
  for (let turn = await worker.turn(); ; turn = await worker.turn()) {
    const isDone = [...turn.pastEvents, ...turn.newEvents].some(({ eventType }) => eventType.case === "taskCompleted");
    await answer(turn, isDone ? [end(3, OrchestrationStatus.COMPLETED)] : []);
    if (isDone) break;
  }
  await call("waitForInstanceCompletion", { instanceId: "a" });
  expect(await stateOf("a")).toMatchObject({ orchestrationStatus: OrchestrationStatus.COMPLETED, output: "done" });

  // One that is controlled.
  await call("restartInstance", { instanceId: "a" });
  await answer(await worker.turn(), []);
  await call("suspendInstance", { instanceId: "a" });
  await expect.poll(async () => (await stateOf("a"))?.orchestrationStatus).toBe(OrchestrationStatus.SUSPENDED);
  await call("raiseEvent", { instanceId: "a", name: "go", input: "3" }, { metadata: { "idempotency-key": "go" } });
  await call("resumeInstance", { instanceId: "a" });
  const resumed = await worker.turn();
  expect(resumed.newEvents.some(({ eventType }) => eventType.case === "eventRaised")).toBe(true);
  await answer(resumed, []);
  await call("terminateInstance", { instanceId: "a", output: "over", recursive: true });
  await call("waitForInstanceCompletion", { instanceId: "a" });
  expect(await stateOf("a")).toMatchObject({ orchestrationStatus: OrchestrationStatus.TERMINATED, output: "over" });
  await start("b");
  await worker.turn();
  expect(await call("skipGracefulOrchestrationTerminations", { instanceBatch: { instanceIds: ["b"] } })).toMatchObject({
    unterminatedInstanceIds: [],
  });
  await call("waitForInstanceCompletion", { instanceId: "b" });
  expect((await call("queryInstances", { query: {} })).orchestrationState.map(({ instanceId }) => instanceId)).toEqual(["a", "b"]);
  expect((await call("listInstanceIds", { pageSize: 10 })).instanceIds).toEqual(["a", "b"]);
  // A repeated purge finds nothing more.
  await call("purgeInstances", { request: { case: "instanceId", value: "a" } });
  expect(await call("getInstance", { instanceId: "a" })).toMatchObject({ exists: false });

  // An entity.
  await call("signalEntity", { instanceId: "@counter@k", name: "add", input: "1", requestId: "one" });
  const batch = await worker.entity();
  await call("abandonTaskEntityWorkItem", { completionToken: batch.token });
  const { token } = await worker.entity();
  const results = [{ resultType: { case: "success", value: { result: "1" } } } as const];
  await call("completeEntityTask", { completionToken: token, results, entityState: "1" });
  // An answer given to another node is stored when it is accepted, and carried out by the owner after that.
  const counter = async () => (await call("getEntity", { instanceId: "@counter@k", includeState: true })).entity?.serializedState;
  await expect.poll(counter).toBe("1");
  expect((await call("queryEntities", { query: { includeState: true } })).entities).toHaveLength(1);
  await call("cleanEntityStorage", { removeEmptyEntities: true, releaseOrphanedLocks: true });
  await call("deleteTaskHub", {});
  expect((await call("queryInstances", { query: {} })).orchestrationState).toEqual([]);
}

const task = (id: number) => ({ id, orchestratorActionType: { case: "scheduleTask", value: { name: "work" } } }) as const;

const end = (id: number, orchestrationStatus: OrchestrationStatus) =>
  ({ id, orchestratorActionType: { case: "completeOrchestration", value: { orchestrationStatus, result: "done" } } }) as const;
