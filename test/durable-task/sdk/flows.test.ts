// What orchestrations are made of, with the SDK's own worker and client over a real socket.

import { status } from "@grpc/grpc-js";
import {
  HistoryEventType,
  type OrchestrationContext,
  OrchestrationStatus,
  RetryPolicy,
  type TimerTask,
  whenAll,
  whenAny,
} from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

const server = sharedServer();

test("a sequence hands each result to the next activity", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *sequence(ctx: OrchestrationContext, start: number) {
        let value = start;
        for (let step = 0; step < 10; step += 1) value = yield ctx.callActivity("increment", value);
        return value;
      },
    },
    activities: { increment: (_, value: number) => value + 1 },
  });
  const id = await sdk.client.scheduleNewOrchestration("sequence", 5);
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(state).toMatchObject({ runtimeStatus: OrchestrationStatus.COMPLETED, serializedInput: "5", serializedOutput: "15" });
});

test.each([1_000, 20_000])("a fan-out of %i gathers every result", async (width) => {
  await using sdk = await server.connect({
    orchestrators: {
      async *fanOut(ctx: OrchestrationContext, width: number) {
        const results: number[] = yield whenAll(Array.from({ length: width }, (_, index) => ctx.callActivity("double", index)));
        return results.reduce((sum, result) => sum + result, 0);
      },
    },
    activities: { double: (_, value: number) => value * 2 },
  });
  const id = await sdk.client.scheduleNewOrchestration("fanOut", width);
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: `${width * (width - 1)}` });
});

test("timers fire in order, and one that is due already at once", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *timers(ctx: OrchestrationContext) {
        const fired: string[] = [];
        const past = ctx.createTimer(new Date(ctx.currentUtcDateTime.getTime() - 60_000));
        const waiting = new Map([
          ["late", ctx.createTimer(0.06)],
          ["early", ctx.createTimer(0.02)],
        ]);
        yield past;
        fired.push("past");
        while (waiting.size > 0) {
          const first: TimerTask = yield whenAny(Array.from(waiting.values()));
          for (const [name, timer] of waiting) if (timer === first) fired.push(name);
          for (const name of fired) waiting.delete(name);
        }
        return fired;
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("timers");
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '["past","early","late"]' });
});

test("an external event wins against its timeout, and a timeout against an event that never comes", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *approval(ctx: OrchestrationContext, seconds: number) {
        const event = ctx.waitForExternalEvent("Approved");
        const timeout = ctx.createTimer(seconds);
        const winner: unknown = yield whenAny([event, timeout]);
        if (winner === timeout) return "timed out";
        timeout.cancel();
        return event.getResult();
      },
    },
  });
  const patient = await sdk.client.scheduleNewOrchestration("approval", 600);
  const hasty = await sdk.client.scheduleNewOrchestration("approval", 0.02);
  await sdk.client.raiseOrchestrationEvent(patient, "approved", { by: "hand" });
  expect(await sdk.client.waitForOrchestrationCompletion(patient)).toMatchObject({ serializedOutput: '{"by":"hand"}' });
  expect(await sdk.client.waitForOrchestrationCompletion(hasty)).toMatchObject({ serializedOutput: '"timed out"' });
});

test("events that come before they are awaited are kept, in order", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *collect(ctx: OrchestrationContext, count: number) {
        const seen: unknown[] = [];
        yield ctx.waitForExternalEvent("go");
        for (let index = 0; index < count; index += 1) seen.push(yield ctx.waitForExternalEvent("item"));
        return seen;
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("collect", 50);
  const items = Array.from({ length: 50 }, (_, index) => index);
  for (const item of items) await sdk.client.raiseOrchestrationEvent(id, "Item", item);
  await sdk.client.raiseOrchestrationEvent(id, "GO");
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: JSON.stringify(items) });
});

test("an activity is tried again by its policy, each attempt under a new id", async () => {
  const ids: number[] = [];
  await using sdk = await server.connect({
    orchestrators: {
      async *stubborn(ctx: OrchestrationContext) {
        const retry = new RetryPolicy({ maxNumberOfAttempts: 3, firstRetryIntervalInMilliseconds: 10 });
        const attempts: number = yield ctx.callActivity("weak", undefined, { retry });
        return attempts;
      },
    },
    activities: {
      weak: (ctx) => {
        ids.push(ctx.taskId);
        if (ids.length < 3) throw new RangeError("not yet");
        return ids.length;
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("stubborn");
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "3" });
  expect(new Set(ids).size).toBe(3);
});

test("a failure arrives with its type and its message", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *fails(ctx: OrchestrationContext) {
        yield ctx.callActivity("broken");
      },
    },
    activities: {
      broken: () => {
        throw new TypeError("no such thing");
      },
    },
  });
  const id = await sdk.client.scheduleNewOrchestration("fails");
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(state?.runtimeStatus).toBe(OrchestrationStatus.FAILED);
  expect(state?.failureDetails?.message).toContain("no such thing");
});

const VALUES: readonly unknown[] = [0, "", false, null, [], {}, -0.5, "\u0000 \u{1F600}", { deep: [{ er: null }] }];

test.each(VALUES.map((value) => [JSON.stringify(value), value]))("%s comes back as it was sent, from everywhere", async (_, value) => {
  await using sdk = await server.connect({
    orchestrators: {
      async *values(ctx: OrchestrationContext, input: unknown) {
        const activity: unknown = yield ctx.callActivity("same", input);
        const child: unknown = yield ctx.callSubOrchestrator("child", input);
        const event: unknown = yield ctx.waitForExternalEvent("value");
        return [input, activity, child, event];
      },
      child: (_ctx: OrchestrationContext, input: unknown) => input,
    },
    activities: { same: (_ctx, input: unknown) => input },
  });
  const id = await sdk.client.scheduleNewOrchestration("values", value);
  await sdk.client.raiseOrchestrationEvent(id, "value", value);
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(state?.serializedInput).toBe(JSON.stringify(value));
  expect(JSON.parse(state?.serializedOutput ?? "")).toEqual([value, value, value, value]);
  const child = (await sdk.client.getOrchestrationHistory(id)).find(
    ({ type }) => type === HistoryEventType.SubOrchestrationInstanceCreated,
  );
  expect(child).toMatchObject({ input: JSON.stringify(value) });
});

test("5 MB go everywhere and come back", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *large(ctx: OrchestrationContext, input: string) {
        const activity: string = yield ctx.callActivity("same", input);
        const event: string = yield ctx.waitForExternalEvent("large");
        return [activity === input, event === input, activity];
      },
    },
    activities: { same: (_, input: string) => input },
  });
  const large = "five megabytes ".repeat(350_000);
  const id = await sdk.client.scheduleNewOrchestration("large", large);
  await sdk.client.raiseOrchestrationEvent(id, "large", large);
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(JSON.parse(state?.serializedInput ?? "") === large).toBe(true);
  const [activity, event, output] = JSON.parse(state?.serializedOutput ?? "[]") as unknown[];
  expect([activity, event, output === large]).toEqual([true, true, true]);
  expect(await sdk.client.getOrchestrationState(id, false)).toMatchObject({ serializedInput: undefined, serializedOutput: undefined });
});

test("custom status and tags are shown while it runs and after it", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *shown(ctx: OrchestrationContext) {
        ctx.setCustomStatus({ at: "first" });
        yield ctx.waitForExternalEvent("on");
        ctx.setCustomStatus({ at: "second" });
        return "done";
      },
    },
  });
  const tags = { team: "durable", "näme with ümlaut": "" };
  const id = await sdk.client.scheduleNewOrchestration("shown", undefined, { tags });
  await until(async () => (await sdk.client.getOrchestrationState(id))?.serializedCustomStatus === '{"at":"first"}');
  expect(await sdk.client.getOrchestrationState(id)).toMatchObject({ tags, runtimeStatus: OrchestrationStatus.RUNNING });
  await sdk.client.raiseOrchestrationEvent(id, "on");
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedCustomStatus: '{"at":"second"}', tags });
});

test("an instance starts when it was scheduled to, not before", async () => {
  await using sdk = await server.connect({ orchestrators: { now: () => Date.now() } });
  const startAt = new Date(Date.now() + 300);
  const id = await sdk.client.scheduleNewOrchestration("now", undefined, { startAt });
  expect(await sdk.client.getOrchestrationState(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.PENDING });
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(Number(state?.serializedOutput)).toBeGreaterThanOrEqual(startAt.getTime());
});

test("one orchestration sends events to another", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *sender(ctx: OrchestrationContext, to: string) {
        ctx.sendEvent("nobody", "greeting", "lost");
        ctx.sendEvent(to, "greeting", { from: ctx.instanceId });
        yield ctx.createTimer(0);
        return "sent";
      },
      async *receiver(ctx: OrchestrationContext) {
        const greeting: unknown = yield ctx.waitForExternalEvent("Greeting");
        return greeting;
      },
    },
  });
  const receiver = await sdk.client.scheduleNewOrchestration("receiver");
  const sender = await sdk.client.scheduleNewOrchestration("sender", receiver);
  expect(await sdk.client.waitForOrchestrationCompletion(sender)).toMatchObject({ serializedOutput: '"sent"' });
  expect(await sdk.client.waitForOrchestrationCompletion(receiver)).toMatchObject({ serializedOutput: JSON.stringify({ from: sender }) });
});

test("an event for nobody is dropped, and not kept for whoever gets that id later", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *sender(ctx: OrchestrationContext) {
        ctx.sendEvent("later", "greeting", "too early");
        yield ctx.createTimer(0);
      },
      async *receiver(ctx: OrchestrationContext) {
        const greeting: unknown = yield ctx.waitForExternalEvent("greeting");
        return greeting;
      },
    },
  });
  const { client } = sdk;
  await client.waitForOrchestrationCompletion(await client.scheduleNewOrchestration("sender"));
  await client.scheduleNewOrchestration("receiver", undefined, "later");
  await client.waitForOrchestrationStart("later");
  await client.raiseOrchestrationEvent("later", "greeting", "in time");
  expect(await client.waitForOrchestrationCompletion("later")).toMatchObject({ serializedOutput: '"in time"' });
  await expect(client.raiseOrchestrationEvent("nobody", "greeting")).rejects.toMatchObject({ code: status.NOT_FOUND });
});
