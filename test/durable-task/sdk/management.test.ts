// What operators do to instances, with the SDK's own client and worker.

import { status } from "@grpc/grpc-js";
import {
  HistoryEventType,
  type OrchestrationContext,
  OrchestrationStatus,
  PurgeInstanceCriteria,
  RetryPolicy,
  whenAll,
} from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { statusOfCall, TestClient } from "../../../src/server/grpc/server-fixture.ts";
import { OrchestrationStatus as Wire } from "../../../src/wire/generated/durable_task_pb.ts";
import { leave, sdkClient, sdkWorker } from "./sdk.ts";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

const server = sharedServer();

const waiting = {
  async *waiting(ctx: OrchestrationContext, count = 1) {
    const seen: unknown[] = [];
    while (seen.length < count) seen.push(yield ctx.waitForExternalEvent("go"));
    return seen;
  },
};

test("a suspended instance keeps its events until it is resumed", async () => {
  await using sdk = await server.connect({ orchestrators: waiting });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("waiting", 3);
  await client.raiseOrchestrationEvent(id, "go", 1);
  await client.suspendOrchestration(id);
  await until(async () => (await client.getOrchestrationState(id))?.runtimeStatus === OrchestrationStatus.SUSPENDED);
  await client.raiseOrchestrationEvent(id, "go", 2);
  await client.raiseOrchestrationEvent(id, "go", 3);
  await expect(client.waitForOrchestrationCompletion(id, true, 0.2)).rejects.toThrow(/Timed out/);
  expect(await client.getOrchestrationState(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.SUSPENDED });
  await client.resumeOrchestration(id);
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "[1,2,3]" });
});

test("a suspended instance can be terminated", async () => {
  await using sdk = await server.connect({ orchestrators: waiting });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("waiting");
  await client.suspendOrchestration(id);
  await until(async () => (await client.getOrchestrationState(id))?.runtimeStatus === OrchestrationStatus.SUSPENDED);
  await client.terminateOrchestration(id, { why: "enough" });
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({
    runtimeStatus: OrchestrationStatus.TERMINATED,
    serializedOutput: '{"why":"enough"}',
  });
});

test("an ended instance restarts with its input, under its own id or a new one", async () => {
  let runs = 0;
  await using sdk = await server.connect({
    orchestrators: { once: (_: OrchestrationContext, input: string) => ((runs += 1), `${input} ${runs}`), ...waiting },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("once", "input");
  await client.waitForOrchestrationCompletion(id);
  expect(await client.restartOrchestration(id)).toBe(id);
  await until(async () => (await client.getOrchestrationState(id))?.serializedOutput === '"input 2"');
  const other = await client.restartOrchestration(id, true);
  expect(other).not.toBe(id);
  expect(await client.waitForOrchestrationCompletion(other)).toMatchObject({ serializedInput: '"input"', serializedOutput: '"input 3"' });
  expect(await client.getOrchestrationState(id)).toMatchObject({ serializedOutput: '"input 2"' });

  const active = await client.scheduleNewOrchestration("waiting");
  await expect(client.restartOrchestration(active)).rejects.toThrow("cannot be restarted");
  await expect(client.restartOrchestration("nobody")).rejects.toThrow("was not found");
});

test("a failed tree is rewound: what had failed runs again, what had succeeded does not", async () => {
  let isBroken = true;
  const ran: string[] = [];
  await using sdk = await server.connect({
    orchestrators: {
      async *root(ctx: OrchestrationContext) {
        const first: string = yield ctx.callActivity("note", "first");
        const branches: string[] = yield whenAll(
          ["left", "right"].map((name) => ctx.callSubOrchestrator("branch", name, { instanceId: `${ctx.instanceId}-${name}` })),
        );
        const last: string = yield ctx.callActivity("note", "last");
        return [first, ...branches, last];
      },
      async *branch(ctx: OrchestrationContext, name: string) {
        yield ctx.callActivity("note", `${name} before`);
        const result: string = yield ctx.callActivity(name === "left" ? "weak" : "note", name);
        yield ctx.createTimer(0);
        return result;
      },
    },
    activities: {
      note: (_, name: string) => (ran.push(name), name),
      weak: (_, name: string) => {
        ran.push(`weak ${name}`);
        if (isBroken) throw new Error("the disk is full");
        return name;
      },
    },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("root");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.FAILED });
  await client.waitForOrchestrationCompletion(`${id}-right`);
  expect(await client.getOrchestrationState(`${id}-left`)).toMatchObject({ runtimeStatus: OrchestrationStatus.FAILED });

  isBroken = false;
  await client.rewindInstance(id, "there is room again");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({
    runtimeStatus: OrchestrationStatus.COMPLETED,
    serializedOutput: '["first","left","right","last"]',
    failureDetails: undefined,
  });
  expect(ran.toSorted()).toEqual(["first", "last", "left before", "right", "right before", "weak left", "weak left"]);
  const history = await client.getOrchestrationHistory(id);
  expect(history).toContainEqual(expect.objectContaining({ type: HistoryEventType.ExecutionRewound, reason: "there is room again" }));
  expect(history.map(({ type }) => type)).not.toContain(HistoryEventType.SubOrchestrationInstanceFailed);

  await expect(client.rewindInstance(id, "again")).rejects.toThrow();
  await expect(client.rewindInstance("nobody", "again")).rejects.toThrow("was not found");
});

test("a rewound orchestration can fail and be rewound again", async () => {
  let failures = 0;
  await using sdk = await server.connect({
    orchestrators: {
      async *root(ctx: OrchestrationContext) {
        const results: number[] = yield whenAll([1, 2, 3].map((item) => ctx.callActivity("weak", item)));
        return results;
      },
    },
    activities: {
      weak: (_, item: number) => {
        if (item === 2 && (failures += 1) < 4) throw new Error(`failure ${failures}`);
        return item;
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("root");
  for (let failure = 1; failure < 4; failure += 1) {
    const state = await sdk.client.waitForOrchestrationCompletion(id);
    expect(state?.failureDetails?.message).toContain(`failure ${failure}`);
    await sdk.client.rewindInstance(id, "again");
  }
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "[1,2,3]" });
});

test("ended instances are purged: one, a tree, a batch, or those that a filter means", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      ...waiting,
      async *parent(ctx: OrchestrationContext) {
        yield whenAll([0, 1].map((index) => ctx.callSubOrchestrator("leaf", undefined, { instanceId: `${ctx.instanceId}-${index}` })));
      },
      leaf: () => "done",
    },
  });
  const { client, hub } = sdk;
  const ended = async (instanceId: string, name = "leaf"): Promise<string> => {
    await client.scheduleNewOrchestration(name, undefined, instanceId);
    await client.waitForOrchestrationCompletion(instanceId);
    return instanceId;
  };
  const isThere = async (instanceId: string): Promise<boolean> => (await client.getOrchestrationState(instanceId)) !== undefined;

  await ended("single");
  expect(await client.purgeOrchestration("single")).toEqual({ deletedInstanceCount: 1 });
  expect(await client.purgeOrchestration("single")).toEqual({ deletedInstanceCount: 0 });
  expect(await isThere("single")).toBe(false);

  await ended("tree", "parent");
  expect(await client.purgeOrchestration("tree", { recursive: true })).toEqual({ deletedInstanceCount: 3 });
  expect(await isThere("tree-0")).toBe(false);
  await ended("parted", "parent");
  expect(await client.purgeOrchestration("parted")).toEqual({ deletedInstanceCount: 1 });
  expect(await isThere("parted-0")).toBe(true);

  const active = await client.scheduleNewOrchestration("waiting");
  expect(await client.purgeOrchestration(active)).toEqual({ deletedInstanceCount: 0 });

  const raw = new TestClient(server.port, { hub });
  const instanceIds = [await ended("a"), await ended("b"), active, "nobody"];
  const request = { case: "instanceBatch" as const, value: { instanceIds } };
  expect(await raw.call("purgeInstances", { request })).toMatchObject({ deletedInstanceCount: 2, isComplete: true });
  raw.close();

  const early = new Date();
  await until(() => Date.now() > early.getTime());
  for (let index = 0; index < 5; index += 1) await ended(`filtered-${index}`);
  const criteria = new PurgeInstanceCriteria();
  criteria.setCreatedTimeFrom(new Date(early.getTime() + 1));
  criteria.setRuntimeStatusList([OrchestrationStatus.COMPLETED]);
  expect(await client.purgeOrchestration(criteria)).toEqual({ deletedInstanceCount: 5 });
  expect(await isThere("parted-0")).toBe(true);
  expect(await isThere(active)).toBe(true);
});

test("an id in use is refused, an ended one is taken anew, and the rules for that can be given", async () => {
  await using sdk = await server.connect({ orchestrators: { ...waiting, leaf: (_: OrchestrationContext, input: unknown) => input } });
  const { client, hub } = sdk;
  await client.scheduleNewOrchestration("waiting", undefined, "taken");
  await expect(client.scheduleNewOrchestration("waiting", undefined, "taken")).rejects.toMatchObject({ code: status.ALREADY_EXISTS });

  await client.scheduleNewOrchestration("leaf", 1, "ended");
  await client.waitForOrchestrationCompletion("ended");
  await client.scheduleNewOrchestration("leaf", 2, "ended");
  await until(async () => (await client.getOrchestrationState("ended"))?.serializedOutput === "2");

  const raw = new TestClient(server.port, { hub });
  const start = (instanceId: string, name: string, replaceableStatus: Wire[]) =>
    raw.call("startInstance", { instanceId, name, input: "3", orchestrationIdReusePolicy: { replaceableStatus } });
  expect(await statusOfCall(start("ended", "leaf", [Wire.FAILED]))).toMatchObject({ code: status.ALREADY_EXISTS });
  expect(await statusOfCall(start("taken", "waiting", [Wire.RUNNING]))).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining("Invalid reusable statuses"),
  });
  await start("ended", "leaf", [Wire.COMPLETED]);
  await until(async () => (await client.getOrchestrationState("ended"))?.serializedOutput === "3");
  // Terminated and created again in one step; nobody sees neither of them.
  await until(async () => (await client.getOrchestrationState("taken"))?.runtimeStatus === OrchestrationStatus.RUNNING);
  await start("taken", "leaf", [Wire.RUNNING, Wire.PENDING, Wire.TERMINATED]);
  expect(await client.waitForOrchestrationCompletion("taken")).toMatchObject({ name: "leaf", serializedOutput: "3" });
  raw.close();
});

test("calls wait while no worker is there, and end when one comes", async () => {
  const hub = "nobody works here yet";
  const client = sdkClient({ address: server.address, hub });
  const id = await client.scheduleNewOrchestration("waiting");
  const started = client.waitForOrchestrationStart(id);
  const completed = client.waitForOrchestrationCompletion(id);
  expect(await client.getOrchestrationState(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.PENDING });
  const worker = await sdkWorker({ address: server.address, hub, orchestrators: waiting });
  expect(await started).toMatchObject({ instanceId: id });
  await client.raiseOrchestrationEvent(id, "go", "on");
  expect(await completed).toMatchObject({ serializedOutput: '["on"]' });
  // And of an instance that is not there they say so.
  expect(await client.waitForOrchestrationCompletion("nobody")).toBeUndefined();
  leave(worker);
  leave(client);
});

test("an instance is terminated although no worker is there, or its time has not come", async () => {
  const client = sdkClient({ address: server.address, hub: "terminated alone" });
  const unserved = await client.scheduleNewOrchestration("waiting");
  const startAt = new Date(Date.now() + 3_600_000);
  const early = await client.scheduleNewOrchestration("waiting", undefined, { startAt });
  for (const id of [unserved, early]) {
    await client.terminateOrchestration(id, "enough");
    expect(await client.waitForOrchestrationCompletion(id, true, 5)).toMatchObject({
      runtimeStatus: OrchestrationStatus.TERMINATED,
      serializedOutput: '"enough"',
    });
    expect(await client.purgeOrchestration(id)).toEqual({ deletedInstanceCount: 1 });
  }
  leave(client);
});

test("events that come before the scheduled start of an instance are kept", async () => {
  await using sdk = await server.connect({ orchestrators: waiting });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("waiting", 2, { startAt: new Date(Date.now() + 200) });
  await client.raiseOrchestrationEvent(id, "go", 1);
  await client.raiseOrchestrationEvent(id, "go", 2);
  expect(await client.getOrchestrationState(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.PENDING });
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "[1,2]" });
});

test("a restart keeps tags and version", async () => {
  await using sdk = await server.connect({ orchestrators: { version: (ctx: OrchestrationContext) => ctx.version } });
  const { client } = sdk;
  const tags = { keep: "me" };
  const id = await client.scheduleNewOrchestration("version", undefined, { tags, version: "1.5" });
  await client.waitForOrchestrationCompletion(id);
  const again = await client.restartOrchestration(id, true);
  expect(await client.waitForOrchestrationCompletion(again)).toMatchObject({ tags, serializedOutput: '"1.5"' });
});

test("an orchestration that fails after side effects is rewound to before its failure, with its events and timers", async () => {
  let isBroken = true;
  const ran: string[] = [];
  await using sdk = await server.connect({
    orchestrators: {
      async *mixed(ctx: OrchestrationContext) {
        const event: string = yield ctx.waitForExternalEvent("go");
        yield ctx.createTimer(0.01);
        ctx.sendEvent("nobody", "note");
        const results: string[] = yield whenAll(["one", "two", "weak", "three"].map((name) => ctx.callActivity("note", name)));
        const late: string = yield ctx.waitForExternalEvent("late");
        if (isBroken) throw new Error("by the orchestrator itself");
        return [event, ...results, late];
      },
    },
    activities: { note: (_, name: string) => (ran.push(name), name) },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("mixed");
  await client.raiseOrchestrationEvent(id, "go", "the event");
  await until(() => ran.length === 4);
  await client.raiseOrchestrationEvent(id, "late", "the late one");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.FAILED });
  isBroken = false;
  await client.rewindInstance(id, "mended");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({
    serializedOutput: '["the event","one","two","weak","three","the late one"]',
  });
  expect(ran.toSorted()).toEqual(["one", "three", "two", "weak"]);
});

test("a retried activity that failed for good is rewound", async () => {
  let isBroken = true;
  await using sdk = await server.connect({
    orchestrators: {
      async *retried(ctx: OrchestrationContext) {
        const retry = new RetryPolicy({ maxNumberOfAttempts: 3, firstRetryIntervalInMilliseconds: 5 });
        const results: string[] = yield whenAll(["weak", "fine"].map((name) => ctx.callActivity(name, undefined, { retry })));
        return results;
      },
    },
    activities: {
      fine: () => "fine",
      weak: () => {
        if (isBroken) throw new Error("weak");
        return "strong";
      },
    },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("retried");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.FAILED });
  isBroken = false;
  await client.rewindInstance(id, "mended");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '["strong","fine"]' });
});
