import { status as Status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../model/payload.ts";
import { defineOrchestrator } from "../../runtime/define.ts";
import { OrchestrationStatus } from "../../wire/generated/durable_task_pb.ts";
import { timestampToWire } from "../../wire/timestamps.ts";
import { type Fixture, openFixture, statusOfCall } from "./server-fixture.ts";

const echo = defineOrchestrator("echo", async (_, input: JsonValue) => input);
const waits = defineOrchestrator("waits", async (context) => await context.waitForEvent("go"));
const parent = defineOrchestrator("parent", async (context) => await context.callSubOrchestration("echo", 1));
const open = (limits = {}) => openFixture({ limits }, { orchestrators: [echo, waits, parent] });

async function run(server: Fixture, ids: readonly string[], name = "echo"): Promise<void> {
  for (const instanceId of ids) {
    await server.client.call("startInstance", { instanceId, name, input: '"in"' });
    if (name !== "waits") await server.client.call("waitForInstanceCompletion", { instanceId });
  }
}

/** The ids of all pages. */
async function idsOf(server: Fixture, query: Parameters<typeof pageOf>[1]): Promise<string[]> {
  const ids: string[] = [];
  let continuationToken: string | undefined;
  do {
    const page = await pageOf(server, { ...query, ...(continuationToken !== undefined && { continuationToken }) });
    ids.push(...page.orchestrationState.map(({ instanceId }) => instanceId));
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
  return ids;
}

function pageOf(server: Fixture, query: { readonly [field: string]: unknown }) {
  return server.client.call("queryInstances", { query });
}

describe("lists of instances", () => {
  test("by pages, by status, by prefix, by time; payloads only if asked for", async () => {
    await using server = await open();
    const before = Date.now();
    await run(server, ["a1", "a2", "b1"]);
    await run(server, ["w"], "waits");
    expect(await idsOf(server, {})).toEqual(["a1", "a2", "b1", "w"]);
    expect(await idsOf(server, { maxInstanceCount: 1 })).toEqual(["a1", "a2", "b1", "w"]);
    expect(await idsOf(server, { instanceIdPrefix: "a" })).toEqual(["a1", "a2"]);
    expect(await idsOf(server, { runtimeStatus: [OrchestrationStatus.RUNNING] })).toEqual(["w"]);
    expect(
      await idsOf(server, { createdTimeFrom: timestampToWire(before), createdTimeTo: timestampToWire(Date.now() + 1_000) }),
    ).toHaveLength(4);
    expect(await idsOf(server, { createdTimeTo: timestampToWire(before - 1_000) })).toEqual([]);
    expect(await idsOf(server, { taskHubNames: [{ value: "other" }] })).toEqual([]);
    expect(await idsOf(server, { taskHubNames: [{ value: "other" }, { value: "default" }] })).toHaveLength(4);
    const [bare] = (await pageOf(server, {})).orchestrationState;
    expect(bare).not.toHaveProperty("input");
    const [whole] = (await pageOf(server, { fetchInputsAndOutputs: true })).orchestrationState;
    expect(whole).toMatchObject({ input: '"in"', output: '"in"' });
  });

  test("no page is larger than the server allows", async () => {
    await using server = await open({ maxPageSize: 2 });
    await run(server, ["a", "b", "c"]);
    expect((await pageOf(server, { maxInstanceCount: 1_000_000 })).orchestrationState).toHaveLength(2);
    expect(await idsOf(server, { maxInstanceCount: -5 })).toEqual(["a", "b", "c"]);
  });

  test("a token that nobody gave, and a status that is none, are refused", async () => {
    await using server = await open();
    expect(await statusOfCall(pageOf(server, { continuationToken: "made up" }))).toMatchObject({ code: Status.INVALID_ARGUMENT });
    expect(await statusOfCall(pageOf(server, { runtimeStatus: [99] }))).toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  test("ids of instances by when they ended, page by page", async () => {
    await using server = await open();
    await run(server, ["a", "b", "c"]);
    await run(server, ["w"], "waits");
    const ids: string[] = [];
    let lastInstanceKey: string | undefined;
    do {
      const page = await server.client.call("listInstanceIds", {
        pageSize: 2,
        completedTimeFrom: timestampToWire(1),
        ...(lastInstanceKey !== undefined && { lastInstanceKey }),
      });
      ids.push(...page.instanceIds);
      lastInstanceKey = page.lastInstanceKey;
    } while (lastInstanceKey !== undefined);
    expect(ids).toEqual(["a", "b", "c"]);
  });
});

describe("removal", () => {
  const instanceId = (value: string) => ({ request: { case: "instanceId", value } }) as const;

  test("of one, of many, by filter, with children", async () => {
    await using server = await open();
    const { client } = server;
    await run(server, ["a", "b", "c", "d"]);
    await run(server, ["p"], "parent");
    expect(await client.call("purgeInstances", instanceId("a"))).toMatchObject({ deletedInstanceCount: 1, isComplete: true });
    const batch = await client.call("purgeInstances", {
      request: { case: "instanceBatch", value: { instanceIds: ["b", "nobody", "c"] } },
    });
    expect(batch).toMatchObject({ deletedInstanceCount: 2 });
    expect(await client.call("purgeInstances", { ...instanceId("p"), recursive: true })).toMatchObject({ deletedInstanceCount: 2 });
    const filtered = await client.call("purgeInstances", {
      request: { case: "purgeInstanceFilter", value: { runtimeStatus: [OrchestrationStatus.COMPLETED], timeout: { seconds: 10n } } },
    });
    expect(filtered).toMatchObject({ deletedInstanceCount: 1, isComplete: true });
    expect(await idsOf(server, {})).toEqual([]);
  });

  test("of what is not there or has not ended: none, and no error; of nothing at all: refused", async () => {
    await using server = await open();
    await run(server, ["w"], "waits");
    for (const id of ["w", "nobody"]) {
      expect(await server.client.call("purgeInstances", instanceId(id))).toMatchObject({ deletedInstanceCount: 0 });
    }
    expect(await statusOfCall(server.client.call("purgeInstances", {}))).toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  test("instances that are ended at once: those that are not there are told", async () => {
    await using server = await open();
    await run(server, ["w", "v"], "waits");
    const { unterminatedInstanceIds } = await server.client.call("skipGracefulOrchestrationTerminations", {
      instanceBatch: { instanceIds: ["w", "nobody", "v"] },
      reason: "enough",
    });
    expect(unterminatedInstanceIds).toEqual(["nobody"]);
    const { orchestrationState } = await server.client.call("waitForInstanceCompletion", { instanceId: "w", getInputsAndOutputs: true });
    expect(orchestrationState).toMatchObject({ orchestrationStatus: OrchestrationStatus.TERMINATED, output: '"enough"' });
  });
});
