// Orchestrations that go on as new ones, again and again, with the SDK's own worker and client.

import { HistoryEventType, type OrchestrationContext, OrchestrationStatus } from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

const server = sharedServer();

test("an orchestration continues as new 1,000 times, and its history stays that of its last execution", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *counter(ctx: OrchestrationContext, { left, sum }: { left: number; sum: number }) {
        const next: number = yield ctx.callActivity("add", [sum, left]);
        if (left > 1) ctx.continueAsNew({ left: left - 1, sum: next }, true);
        return next;
      },
    },
    activities: { add: (_, [sum, addend]: [number, number]) => sum + addend },
  });
  const id = await sdk.client.scheduleNewOrchestration("counter", { left: 1_000, sum: 0 });
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({
    runtimeStatus: OrchestrationStatus.COMPLETED,
    serializedOutput: "500500",
  });
  const history = await sdk.client.getOrchestrationHistory(id);
  expect(history.map(({ type }) => type)).toEqual([
    HistoryEventType.OrchestratorStarted,
    HistoryEventType.ExecutionStarted,
    HistoryEventType.TaskScheduled,
    HistoryEventType.OrchestratorStarted,
    HistoryEventType.TaskCompleted,
    HistoryEventType.ExecutionCompleted,
  ]);
});

test("no event is lost over continue-as-new, however early or late it comes", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *collector(ctx: OrchestrationContext, seen: number[]) {
        seen.push(yield ctx.waitForExternalEvent("item"));
        if (seen.length < 300) ctx.continueAsNew(seen, true);
        return seen;
      },
    },
  });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("collector", []);
  const items = Array.from({ length: 300 }, (_, index) => index);
  // The first hundred one after the other, so that their order is known; the rest at once.
  for (const item of items.slice(0, 100)) await client.raiseOrchestrationEvent(id, "item", item);
  await Promise.all(items.slice(100).map((item) => client.raiseOrchestrationEvent(id, "item", item)));
  const state = await client.waitForOrchestrationCompletion(id);
  const seen = JSON.parse(state?.serializedOutput ?? "[]") as number[];
  expect(seen.slice(0, 100)).toEqual(items.slice(0, 100));
  expect(seen.toSorted((a, b) => a - b)).toEqual(items);
});

test("what an execution had asked for is carried out, and reaches none of its successors", async () => {
  const ran: string[] = [];
  await using sdk = await server.connect({
    orchestrators: {
      async *restless(ctx: OrchestrationContext, round: number) {
        // Nobody waits for any of these. Each has, in the next execution, a call with the same id and another meaning.
        ctx.callActivity(`noted-${round % 2}`, `activity ${round}`);
        ctx.callSubOrchestrator("child", `child ${round}`);
        ctx.sendEvent("listener", "note", round);
        ctx.createTimer(600);
        yield ctx.createTimer(0);
        if (round < 10) return ctx.continueAsNew(round + 1, true);
        const own: string = yield ctx.callActivity("noted-0", "the last");
        return own;
      },
      async *child(ctx: OrchestrationContext, name: string) {
        yield ctx.callActivity("noted-0", name);
      },
      async *listener(ctx: OrchestrationContext) {
        const heard: number[] = [];
        while (heard.length < 11) heard.push(yield ctx.waitForExternalEvent("note"));
        return heard;
      },
    },
    activities: {
      "noted-0": (_, name: string) => (ran.push(name), name),
      "noted-1": (_, name: string) => (ran.push(name), name),
    },
  });
  const { client } = sdk;
  await client.scheduleNewOrchestration("listener", undefined, "listener");
  const id = await client.scheduleNewOrchestration("restless", 0);
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '"the last"' });
  const rounds = Array.from({ length: 11 }, (_, round) => round);
  expect(await client.waitForOrchestrationCompletion("listener")).toMatchObject({ serializedOutput: JSON.stringify(rounds) });
  const expected = [...rounds.flatMap((round) => [`activity ${round}`, `child ${round}`]), "the last"].toSorted();
  await until(() => ran.length >= expected.length);
  expect(ran.toSorted()).toEqual(expected);
});

test("the tags stay, and the execution is a new one each time", async () => {
  const executions = new Set<string>();
  await using sdk = await server.connect({
    orchestrators: {
      async *again(ctx: OrchestrationContext, left: number) {
        // The SDK builds ids of children from the execution's.
        const child: string = yield ctx.callSubOrchestrator("whoami");
        executions.add(child.slice(0, child.lastIndexOf(":")));
        if (left > 0) ctx.continueAsNew(left - 1, true);
        return left;
      },
      whoami: (ctx: OrchestrationContext) => ctx.instanceId,
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("again", 20, { tags: { keep: "me" } });
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "0", tags: { keep: "me" } });
  expect(executions.size).toBe(21);
});

test("a terminate is not lost on an orchestration that never rests", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *forever(ctx: OrchestrationContext, round: number) {
        yield ctx.createTimer(0);
        ctx.continueAsNew(round + 1, true);
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("forever", 0);
  await until(async () => Number((await sdk.client.getOrchestrationState(id))?.serializedInput) > 20);
  await sdk.client.terminateOrchestration(id, "enough");
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({
    runtimeStatus: OrchestrationStatus.TERMINATED,
    serializedOutput: '"enough"',
  });
});
