import { status as Status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../model/payload.ts";
import { defineOrchestrator } from "../../runtime/define.ts";
import { CreateInstanceRequestSchema, OrchestrationStatus } from "../../wire/generated/durable_task_pb.ts";
import { timestampToWire } from "../../wire/timestamps.ts";
import { encode, openFixture, statusOfCall } from "./server-fixture.ts";

const echo = defineOrchestrator("echo", async (_, input: JsonValue) => input);
const waits = defineOrchestrator("waits", async (context) => await context.waitForEvent("go"));
const open = (limits = {}) => openFixture({ limits }, { orchestrators: [echo, waits] });

describe("single instances over gRPC", () => {
  test("hello", async () => {
    await using server = await open();
    await server.client.call("hello", {});
  });

  test("an instance is started, waited for and read, with and without payloads", async () => {
    await using server = await open();
    const { client } = server;
    const started = await client.call("startInstance", {
      instanceId: "i",
      name: "echo",
      version: "2",
      input: "0",
      tags: { a: "b" },
      scheduledStartTimestamp: timestampToWire(0),
    });
    expect(started.instanceId).toBe("i");
    const whole = await client.call("waitForInstanceCompletion", { instanceId: "i", getInputsAndOutputs: true });
    expect(whole).toMatchObject({
      exists: true,
      orchestrationState: {
        instanceId: "i",
        name: "echo",
        version: "2",
        input: "0",
        output: "0",
        orchestrationStatus: OrchestrationStatus.COMPLETED,
        tags: { a: "b" },
      },
    });
    const bare = await client.call("getInstance", { instanceId: "i" });
    expect(bare.orchestrationState).toMatchObject({ instanceId: "i", name: "echo" });
    expect(bare.orchestrationState).not.toHaveProperty("input");
    expect(bare.orchestrationState).not.toHaveProperty("output");
  });

  test.each(["0", '""', "false", "null", undefined])("the input %s comes back as it was", async (input) => {
    await using server = await open();
    await server.client.call("startInstance", { instanceId: "i", name: "waits", ...(input !== undefined && { input }) });
    const { orchestrationState } = await server.client.call("getInstance", { instanceId: "i", getInputsAndOutputs: true });
    expect(orchestrationState?.input).toBe(input);
  });

  test("an instance without an id gets one", async () => {
    await using server = await open();
    const { instanceId } = await server.client.call("startInstance", { name: "echo" });
    expect(instanceId).not.toBe("");
    expect((await server.client.call("waitForInstanceCompletion", { instanceId })).exists).toBe(true);
  });

  test("an instance that is not there does not exist, for those who read and for those who wait", async () => {
    await using server = await open();
    const { client } = server;
    for (const name of ["getInstance", "waitForInstanceStart", "waitForInstanceCompletion"] as const) {
      expect(await client.call(name, { instanceId: "nobody" })).toMatchObject({ exists: false });
    }
  });

  test("a scheduled start is kept and not begun early", async () => {
    await using server = await open();
    const at = Date.now() + 3_600_000;
    await server.client.call("startInstance", { instanceId: "i", name: "echo", scheduledStartTimestamp: timestampToWire(at) });
    const { orchestrationState } = await server.client.call("getInstance", { instanceId: "i" });
    expect(orchestrationState).toMatchObject({
      orchestrationStatus: OrchestrationStatus.PENDING,
      scheduledStartTimestamp: timestampToWire(at),
    });
  });

  test("events, suspend, resume, terminate", async () => {
    await using server = await open();
    const { client } = server;
    const statusOf = async () => (await client.call("getInstance", { instanceId: "i" })).orchestrationState?.orchestrationStatus;
    await client.call("startInstance", { instanceId: "i", name: "waits" });
    expect(await client.call("waitForInstanceStart", { instanceId: "i" })).toMatchObject({ exists: true });
    await client.call("suspendInstance", { instanceId: "i", reason: "a pause" });
    await expect.poll(statusOf).toBe(OrchestrationStatus.SUSPENDED);
    await client.call("raiseEvent", { instanceId: "i", name: "go", input: "7" });
    await client.call("resumeInstance", { instanceId: "i" });
    const done = await client.call("waitForInstanceCompletion", { instanceId: "i", getInputsAndOutputs: true });
    expect(done.orchestrationState).toMatchObject({ output: "7" });

    await client.call("startInstance", { instanceId: "j", name: "waits" });
    await client.call("terminateInstance", { instanceId: "j", output: '"enough"', recursive: true });
    const ended = await client.call("waitForInstanceCompletion", { instanceId: "j", getInputsAndOutputs: true });
    expect(ended.orchestrationState).toMatchObject({ orchestrationStatus: OrchestrationStatus.TERMINATED, output: '"enough"' });
  });

  test("calls to instances that are not there, or have ended", async () => {
    await using server = await open();
    const { client } = server;
    for (const name of [
      "raiseEvent",
      "suspendInstance",
      "resumeInstance",
      "terminateInstance",
      "rewindInstance",
      "restartInstance",
    ] as const) {
      expect(await statusOfCall(client.call(name, { instanceId: "nobody" }))).toMatchObject({ code: Status.NOT_FOUND });
    }
    await client.call("startInstance", { instanceId: "i", name: "echo" });
    await client.call("waitForInstanceCompletion", { instanceId: "i" });
    expect(await statusOfCall(client.call("raiseEvent", { instanceId: "i", name: "go" }))).toMatchObject({
      code: Status.FAILED_PRECONDITION,
    });
    expect(await statusOfCall(client.call("rewindInstance", { instanceId: "i" }))).toMatchObject({ code: Status.FAILED_PRECONDITION });
    expect(await client.call("restartInstance", { instanceId: "i" })).toMatchObject({ instanceId: "i" });
    const other = await client.call("restartInstance", { instanceId: "i", restartWithNewInstanceId: true });
    expect(other.instanceId).not.toBe("i");
  });

  test("an id in use: replaced when it may be, refused when not, and impossible wishes are refused", async () => {
    await using server = await open();
    const { client } = server;
    const start = (policy?: readonly OrchestrationStatus[]) =>
      client.call("startInstance", {
        instanceId: "i",
        name: "waits",
        ...(policy && { orchestrationIdReusePolicy: { replaceableStatus: [...policy] } }),
      });
    await start();
    expect(await statusOfCall(start())).toMatchObject({ code: Status.ALREADY_EXISTS });
    const impossible = await statusOfCall(start([OrchestrationStatus.RUNNING]));
    expect(impossible).toMatchObject({ code: Status.INVALID_ARGUMENT, details: expect.stringContaining("Invalid reusable statuses") });
    await start([OrchestrationStatus.RUNNING, OrchestrationStatus.PENDING, OrchestrationStatus.TERMINATED]);
    await client.call("terminateInstance", { instanceId: "i" });
    await client.call("waitForInstanceCompletion", { instanceId: "i" });
    expect(await statusOfCall(start([]))).toMatchObject({ code: Status.ALREADY_EXISTS });
    await start();
  });

  test("hubs do not see each other", async () => {
    await using server = await open();
    const other = server.connect({ hub: "other" });
    await server.client.call("startInstance", { instanceId: "i", name: "waits" });
    expect(await other.call("getInstance", { instanceId: "i" })).toMatchObject({ exists: false });
    await other.call("startInstance", { instanceId: "i", name: "waits" });
    await other.call("deleteTaskHub", {});
    expect(await other.call("getInstance", { instanceId: "i" })).toMatchObject({ exists: false });
    expect(await server.client.call("getInstance", { instanceId: "i" })).toMatchObject({ exists: true });
    await server.client.call("createTaskHub", {});
    expect(await server.client.call("getInstance", { instanceId: "i" })).toMatchObject({ exists: true });
    await server.client.call("createTaskHub", { recreateIfExists: true });
    expect(await server.client.call("getInstance", { instanceId: "i" })).toMatchObject({ exists: false });
  });
});

describe("a call that is repeated", () => {
  const repeated = { metadata: { "grpc-previous-rpc-attempts": "1" } };
  const request = { instanceId: "i", name: "waits", input: "1" };

  test("a start of the same bytes is the start that it repeats, while it runs and after it", async () => {
    await using server = await open();
    const { client } = server;
    const executionOf = async () => (await client.call("getInstance", { instanceId: "i" })).orchestrationState?.executionId;
    await client.call("startInstance", request);
    const executionId = await executionOf();
    expect((await client.call("startInstance", request, repeated)).instanceId).toBe("i");
    await client.call("terminateInstance", { instanceId: "i" });
    await client.call("waitForInstanceCompletion", { instanceId: "i" });
    expect((await client.call("startInstance", request, repeated)).instanceId).toBe("i");
    expect(await executionOf()).toBe(executionId);
  });

  test("a start of other bytes, or one that repeats nothing, is refused", async () => {
    await using server = await open();
    const { client } = server;
    await client.call("startInstance", request);
    const other = statusOfCall(client.call("startInstance", { ...request, input: "2" }, repeated));
    expect(await other).toMatchObject({ code: Status.ALREADY_EXISTS });
    expect(await statusOfCall(client.call("startInstance", request))).toMatchObject({ code: Status.ALREADY_EXISTS });
  });

  test("two attempts at once begin one execution", async () => {
    await using server = await open();
    const bytes = encode(CreateInstanceRequestSchema, request);
    const attempts = Array.from({ length: 8 }, () => server.client.callBytes("startInstance", bytes, repeated));
    await Promise.all(attempts);
    expect(await server.client.call("getInstance", { instanceId: "i" })).toMatchObject({ exists: true });
  });

  test("an event with an idempotency key comes once", async () => {
    const collects = defineOrchestrator("collects", async (context) => [
      await context.waitForEvent("go"),
      await context.waitForEvent("go"),
    ]);
    await using server = await openFixture({}, { orchestrators: [collects] });
    const { client } = server;
    await client.call("startInstance", { instanceId: "i", name: "collects" });
    for (let time = 0; time < 3; time++) {
      await client.call("raiseEvent", { instanceId: "i", name: "go", input: "1" }, { metadata: { "idempotency-key": "k" } });
    }
    await client.call("raiseEvent", { instanceId: "i", name: "go", input: "2" });
    const { orchestrationState } = await client.call("waitForInstanceCompletion", { instanceId: "i", getInputsAndOutputs: true });
    expect(orchestrationState?.output).toBe("[1,2]");
  });
});

describe("calls that wait", () => {
  test("a caller that gives up, or loses its connection, leaves nothing behind", async () => {
    await using server = await open();
    await server.client.call("startInstance", { instanceId: "i", name: "waits" });
    const giving = new AbortController();
    const cancelled = statusOfCall(server.client.call("waitForInstanceCompletion", { instanceId: "i" }, { signal: giving.signal }));
    const late = statusOfCall(server.client.call("waitForInstanceCompletion", { instanceId: "i" }, { deadlineMs: 50 }));
    const dying = await server.connectThroughCable();
    const broken = statusOfCall(dying.client.call("waitForInstanceCompletion", { instanceId: "i" }));
    await expect.poll(() => server.server.stats().waiters).toBeGreaterThanOrEqual(2);
    giving.abort();
    dying.cut();
    expect(await cancelled).toMatchObject({ code: Status.CANCELLED });
    expect(await late).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(await broken).toMatchObject({ code: Status.UNAVAILABLE });
    await expect.poll(() => server.server.stats().waiters).toBe(0);
  });

  test("callers that give up at once, by the hundred", async () => {
    await using server = await open();
    await server.client.call("startInstance", { instanceId: "i", name: "waits" });
    const calls = Array.from({ length: 200 }, async () => {
      const giving = new AbortController();
      const waiting = statusOfCall(server.client.call("waitForInstanceCompletion", { instanceId: "i" }, { signal: giving.signal }));
      // A call that has not left the client yet is never cancelled at the server.
      await new Promise((resolve) => void setImmediate(resolve));
      giving.abort();
      return (await waiting).code;
    });
    expect(new Set(await Promise.all(calls))).toEqual(new Set([Status.CANCELLED]));
    await server.client.call("hello", {});
    await expect.poll(() => server.server.stats().waiters).toBe(0);
  });

  test("one more than may wait is refused, and may wait when another has gone", async () => {
    await using server = await open({ maxWaiters: 3 });
    const { client } = server;
    await client.call("startInstance", { instanceId: "i", name: "waits" });
    const waiting = [1, 2, 3].map(() => client.call("waitForInstanceCompletion", { instanceId: "i" }));
    await expect.poll(() => server.server.stats().waiters).toBe(3);
    const refused = await statusOfCall(client.call("waitForInstanceCompletion", { instanceId: "i" }));
    expect(refused).toMatchObject({ code: Status.RESOURCE_EXHAUSTED, details: expect.stringContaining("GetInstance") });
    await client.call("raiseEvent", { instanceId: "i", name: "go", input: "1" });
    await Promise.all(waiting);
    expect(await client.call("waitForInstanceCompletion", { instanceId: "i" })).toMatchObject({ exists: true });
  });

  test("a server that closes lets those who wait go to another", async () => {
    await using server = await open();
    await server.client.call("startInstance", { instanceId: "i", name: "waits" });
    const waiting = statusOfCall(server.client.call("waitForInstanceCompletion", { instanceId: "i" }));
    await expect.poll(() => server.server.stats().waiters).toBe(1);
    await server.server.close();
    expect(await waiting).toMatchObject({ code: Status.UNAVAILABLE });
  });
});
