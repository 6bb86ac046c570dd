// Orchestrations and their children, with the SDK's own worker and client.

import {
  HistoryEventType,
  type OrchestrationContext,
  OrchestrationStatus,
  RetryPolicy,
  type TaskFailedError,
  terminateOptions,
  whenAll,
} from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

const server = sharedServer();

test("children of children give their results to their parents", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *tree(ctx: OrchestrationContext, depth: number) {
        if (depth === 0) return 1;
        const sums: number[] = yield whenAll([1, 2, 3].map(() => ctx.callSubOrchestrator("tree", depth - 1)));
        return sums.reduce((sum, leaves) => sum + leaves, 0);
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("tree", 4);
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "81" });
});

test("a child knows its parent, and its tags and version are its own", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *parent(ctx: OrchestrationContext) {
        const seen: unknown = yield ctx.callSubOrchestrator("child", undefined, {
          instanceId: `${ctx.instanceId}-child`,
          tags: { of: "child" },
          version: "2.1",
        });
        return seen;
      },
      child: (ctx: OrchestrationContext) => [ctx.parent?.instanceId, ctx.parent?.name, ctx.version],
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("parent", undefined, { tags: { of: "parent" } });
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: JSON.stringify([id, "parent", "2.1"]) });
  expect(await sdk.client.getOrchestrationState(`${id}-child`)).toMatchObject({ tags: { of: "child" } });
});

test("a child that is tried again replaces the failed one of the same id", async () => {
  const executions: string[] = [];
  await using sdk = await server.connect({
    orchestrators: {
      async *parent(ctx: OrchestrationContext) {
        const retry = new RetryPolicy({ maxNumberOfAttempts: 4, firstRetryIntervalInMilliseconds: 5 });
        const options = { retry, instanceId: `${ctx.instanceId}-child` };
        const attempts: number = yield ctx.callSubOrchestrator("child", undefined, options);
        return attempts;
      },
      async *child(ctx: OrchestrationContext) {
        const attempt: number = yield ctx.callActivity("attempt", ctx.instanceId);
        if (attempt < 3) throw new Error(`attempt ${attempt}`);
        return attempt;
      },
    },
    activities: { attempt: (_, instanceId: string) => executions.push(instanceId) },
  });
  const id = await sdk.client.scheduleNewOrchestration("parent");
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "3" });
  expect(executions).toEqual([`${id}-child`, `${id}-child`, `${id}-child`]);
  const history = await sdk.client.getOrchestrationHistory(id);
  const created = history.filter(({ type }) => type === HistoryEventType.SubOrchestrationInstanceCreated);
  expect(created.map((event) => "instanceId" in event && event.instanceId)).toEqual(executions);
  expect(new Set(created.map(({ eventId }) => eventId)).size).toBe(3);
});

test("a child whose id an active instance has fails its call, and nothing hangs", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *parent(ctx: OrchestrationContext, taken: string) {
        try {
          yield ctx.callSubOrchestrator("busy", undefined, { instanceId: taken });
        } catch (error) {
          return (error as TaskFailedError).message;
        }
        return "no failure";
      },
      async *busy(ctx: OrchestrationContext) {
        yield ctx.waitForExternalEvent("end");
      },
    },
  });
  const taken = await sdk.client.scheduleNewOrchestration("busy");
  const id = await sdk.client.scheduleNewOrchestration("parent", taken);
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(state?.serializedOutput).toContain(taken);
  expect(await sdk.client.getOrchestrationState(taken)).not.toMatchObject({ runtimeStatus: OrchestrationStatus.FAILED });
});

test("terminate reaches every living child if it is told to, and only then", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *family(ctx: OrchestrationContext, depth: number) {
        const children = [0, 1].map((index) => `${ctx.instanceId}-${index}`);
        if (depth === 0) yield ctx.waitForExternalEvent("never");
        yield whenAll(children.map((instanceId) => ctx.callSubOrchestrator("family", depth - 1, { instanceId })));
      },
    },
  });
  const { client } = sdk;
  const members = (root: string): string[] => [root, ...[0, 1].flatMap((a) => [`${root}-${a}`, `${root}-${a}-0`, `${root}-${a}-1`])];
  const statuses = async (root: string): Promise<unknown[]> =>
    Promise.all(members(root).map(async (member) => (await client.getOrchestrationState(member))?.runtimeStatus));
  for (const instanceId of ["all", "one"]) await client.scheduleNewOrchestration("family", 2, { instanceId });
  for (const root of ["all", "one"]) {
    await until(async () => (await statuses(root)).every((status) => status === OrchestrationStatus.RUNNING));
  }
  await client.terminateOrchestration("all", terminateOptions({ output: "enough", recursive: true }));
  await client.terminateOrchestration("one", "enough");
  const ended = await Promise.all([...members("all"), "one"].map((member) => client.waitForOrchestrationCompletion(member)));
  for (const state of ended) expect(state).toMatchObject({ runtimeStatus: OrchestrationStatus.TERMINATED });
  expect(ended[0]).toMatchObject({ serializedOutput: '"enough"' });
  expect((await statuses("one")).slice(1)).toEqual(Array.from({ length: 6 }, () => OrchestrationStatus.RUNNING));
});

test("the parent of a terminated child gets its failure", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *parent(ctx: OrchestrationContext) {
        try {
          yield ctx.callSubOrchestrator("child", undefined, { instanceId: `${ctx.instanceId}-child` });
        } catch {
          return "told";
        }
        return "not told";
      },
      async *child(ctx: OrchestrationContext) {
        yield ctx.waitForExternalEvent("never");
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("parent");
  await until(async () => (await sdk.client.getOrchestrationState(`${id}-child`)) !== undefined);
  await sdk.client.terminateOrchestration(`${id}-child`, "enough");
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '"told"' });
});

test("terminate finds the living children of earlier executions too", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *restless(ctx: OrchestrationContext, round: number) {
        ctx.callSubOrchestrator("waits", undefined, { instanceId: `${ctx.instanceId}-${round}` });
        yield ctx.createTimer(0);
        if (round < 3) ctx.continueAsNew(round + 1, true);
        else yield ctx.waitForExternalEvent("never");
      },
      async *waits(ctx: OrchestrationContext) {
        yield ctx.waitForExternalEvent("never");
      },
    },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("restless", 0);
  const children = [0, 1, 2, 3].map((round) => `${id}-${round}`);
  await until(async () => {
    const states = await Promise.all(children.map((child) => client.getOrchestrationState(child)));
    return states.every((state) => state?.runtimeStatus === OrchestrationStatus.RUNNING);
  });
  await client.terminateOrchestration(id, terminateOptions({ recursive: true }));
  for (const child of children) {
    expect(await client.waitForOrchestrationCompletion(child)).toMatchObject({ runtimeStatus: OrchestrationStatus.TERMINATED });
  }
});
