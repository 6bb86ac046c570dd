// Versions, and workers that take only some of the work.

import {
  EntityInstanceId,
  type OrchestrationContext,
  OrchestrationStatus,
  type TaskEntityOperation,
  VersionFailureStrategy,
  VersionMatchStrategy,
} from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { TestClient } from "../../../src/server/grpc/server-fixture.ts";
import { leave, sdkClient, sdkWorker } from "./sdk.ts";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

const server = sharedServer({ workers: { firstPauseMs: 20, maxPauseMs: 40, maxTries: 1_000 } });

/** An orchestration whose activity says which worker ran it. */
const asks = {
  async *asks(ctx: OrchestrationContext, activity: string) {
    const answer: string = yield ctx.callActivity(activity);
    return answer;
  },
};

test("the version of an instance is what its orchestrator sees and its activities get", async () => {
  await using sdk = await server.connect({
    orchestrators: { version: (ctx: OrchestrationContext) => [ctx.version, ctx.compareVersionTo("1.9")] },
  });
  const id = await sdk.client.scheduleNewOrchestration("version", undefined, { version: "1.10" });
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '["1.10",1]' });
  const plain = await sdk.client.scheduleNewOrchestration("version");
  expect(await sdk.client.waitForOrchestrationCompletion(plain)).toMatchObject({ serializedOutput: expect.stringContaining('[""') });
});

test("a worker that rejects a version leaves the instance to one that takes it", async () => {
  const hub = "versions";
  const { address } = server;
  const of = (version: string, failureStrategy = VersionFailureStrategy.Reject) =>
    sdkWorker({
      address,
      hub,
      orchestrators: { versioned: () => `ran as ${version}` },
      worker: { versioning: { version, matchStrategy: VersionMatchStrategy.Strict, failureStrategy } },
    });
  const client = sdkClient({ address, hub });
  const old = await of("1.0");
  const id = await client.scheduleNewOrchestration("versioned", undefined, { version: "2.0" });
  await client.scheduleNewOrchestration("versioned", undefined, { version: "1.0", instanceId: "old" });
  expect(await client.waitForOrchestrationCompletion("old")).toMatchObject({ serializedOutput: '"ran as 1.0"' });
  const young = await of("2.0");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '"ran as 2.0"' });
  leave(old);
  leave(young);
  leave(client);
});

test("a worker that fails other versions ends them with a reason", async () => {
  await using sdk = await server.connect({
    orchestrators: { versioned: () => "ran" },
    worker: {
      versioning: { version: "1.0", matchStrategy: VersionMatchStrategy.CurrentOrOlder, failureStrategy: VersionFailureStrategy.Fail },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("versioned", undefined, { version: "1.1" });
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(state).toMatchObject({ runtimeStatus: OrchestrationStatus.FAILED, failureDetails: { errorType: "VersionMismatch" } });
});

test("without filters a worker gets everything, with its own registry as filter only what it has", async () => {
  const hub = "auto";
  const { address } = server;
  const client = sdkClient({ address, hub });
  const workItemFilters = "auto" as const;
  const workers = [
    await sdkWorker({ address, hub, orchestrators: asks, worker: { workItemFilters } }),
    await sdkWorker({ address, hub, activities: { left: () => "left" }, worker: { workItemFilters } }),
    await sdkWorker({ address, hub, activities: { right: () => "right" }, worker: { workItemFilters } }),
  ];
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, index) => client.scheduleNewOrchestration("asks", index % 2 === 0 ? "left" : "right")),
  );
  const states = await Promise.all(ids.map((id) => client.waitForOrchestrationCompletion(id)));
  expect(states.map((state) => state?.serializedOutput)).toEqual(ids.map((_, index) => (index % 2 === 0 ? '"left"' : '"right"')));
  // An activity that nobody takes waits; it fails nowhere.
  const waiting = await client.scheduleNewOrchestration("asks", "nobody's");
  await until(async () => (await client.getOrchestrationHistory(waiting)).length >= 3);
  const everything = await sdkWorker({ address, hub, orchestrators: asks, activities: { "nobody's": () => "at last" } });
  expect(await client.waitForOrchestrationCompletion(waiting)).toMatchObject({ serializedOutput: '"at last"' });
  for (const worker of [...workers, everything]) leave(worker);
  leave(client);
});

test("a filter takes the versions that it lists, an empty list takes any, and entity names are compared in lower case", async () => {
  const hub = "listed";
  const { address } = server;
  const raw = new TestClient(server.port, { hub });
  await using stream = raw.stream("getWorkItems", {
    workItemFilters: {
      orchestrations: [{ name: "listed", versions: ["1", "2"] }, { name: "any" }],
      entities: [{ name: "counter" }],
    },
  });
  await stream.metadata;
  const client = sdkClient({ address, hub });
  const start = (name: string, version: string) =>
    client.scheduleNewOrchestration(name, undefined, { version, instanceId: `${name}-${version}` });
  for (const [name, version] of [
    ["listed", "3"],
    ["listed", "1"],
    ["other", "1"],
    ["any", "7"],
    ["listed", "2"],
  ] as const) {
    await start(name, version);
  }
  await client.signalEntity(new EntityInstanceId("Counter", "Key"), "add", 1);
  await client.signalEntity(new EntityInstanceId("other", "key"), "add", 1);
  const taken: (string | undefined)[] = [];
  while (taken.length < 4) {
    const { request } = await stream.next();
    if (request.case === "orchestratorRequest" || request.case === "entityRequest") taken.push(request.value.instanceId);
  }
  expect(new Set(taken)).toEqual(new Set(["@counter@Key", "any-7", "listed-1", "listed-2"]));
  for (const left of ["listed-3", "other-1"]) {
    expect(await client.getOrchestrationState(left)).toMatchObject({ runtimeStatus: OrchestrationStatus.PENDING });
  }
  leave(client);
  raw.close();
});

test("an empty list of a kind takes none of that kind", async () => {
  const hub = "none";
  const { address } = server;
  const ran: string[] = [];
  const client = sdkClient({ address, hub });
  const only = await sdkWorker({
    address,
    hub,
    orchestrators: asks,
    activities: { work: () => (ran.push("only"), "only") },
    worker: { workItemFilters: { orchestrations: [{ name: "asks" }], activities: [], entities: [] } },
  });
  const id = await client.scheduleNewOrchestration("asks", "work");
  await until(async () => (await client.getOrchestrationHistory(id)).length >= 3);
  const other = await sdkWorker({ address, hub, activities: { work: () => "other" }, worker: { workItemFilters: "auto" } });
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '"other"' });
  expect(ran).toEqual([]);
  leave(only);
  leave(other);
  leave(client);
});

test("a worker that serves entities alone gets no orchestrations", async () => {
  const hub = "entities alone";
  const { address } = server;
  const client = sdkClient({ address, hub });
  const worker = await sdkWorker({
    address,
    hub,
    entities: { Counter: () => ({ run: (operation: TaskEntityOperation) => operation.state.setState(operation.getInput()) }) },
    worker: { workItemFilters: "auto" },
  });
  const id = await client.scheduleNewOrchestration("asks", "work");
  const counter = new EntityInstanceId("COUNTER", "a");
  await client.signalEntity(counter, "set", 7);
  await until(async () => (await client.getEntity(counter))?.state === 7);
  expect(await client.getOrchestrationState(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.PENDING });
  leave(worker);
  leave(client);
});
