import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HistoryEvent } from "../model/events.ts";
import { asExecutionId, asInstanceId } from "../model/ids.ts";
import { defineOrchestrator } from "./define.ts";
import { LiveOrchestration } from "./live-orchestration.ts";
import { runTurns } from "./run-turns.ts";

const hop = (callback: () => void): void => void setImmediate(callback);
const watch = { started: () => {}, ended: () => {} };
const turnBegins: HistoryEvent = { kind: "OrchestratorStarted", eventId: -1, timestamp: 1 };
const started: HistoryEvent = {
  kind: "ExecutionStarted",
  eventId: -1,
  timestamp: 1,
  name: "race",
  instanceId: asInstanceId("i"),
  executionId: asExecutionId("e"),
};

/** Its decisions hang on the order in which results arrive. */
const race = defineOrchestrator("race", async (ctx) => {
  const order: unknown[] = [];
  const lane = async (name: string): Promise<void> => {
    order.push(await ctx.callActivity(name, undefined));
    order.push([name, await Promise.race([ctx.waitForEvent("e"), ctx.callActivity(`${name}2`, order.length)])]);
  };
  await Promise.all([lane("a"), lane("b"), lane("c")]);
  return order;
});

/** Leads one live function through events that fall into turns as given; answers all that it asked for. */
async function lead(groups: readonly (readonly HistoryEvent[])[]): Promise<unknown[]> {
  const live = new LiveOrchestration(race, [], 1_000_000);
  const asked: unknown[] = [];
  for (const group of groups) {
    await runTurns([{ live, history: [], events: [turnBegins, ...group], consumed: 0 }], hop, watch);
    asked.push(...live.takeTurn().actions);
  }
  return asked;
}

describe("turns", () => {
  test("how events fall into turns never changes what an orchestration asks for", async () => {
    const events = [1, 2, 3, 4, 5, 6].map(
      (taskScheduledId): HistoryEvent => ({
        kind: "TaskCompleted",
        eventId: -1,
        timestamp: 1,
        taskScheduledId,
        result: `${taskScheduledId}`,
      }),
    );
    const raised: HistoryEvent[] = ["x", "y"].map((input) => ({
      kind: "EventRaised",
      eventId: -1,
      timestamp: 1,
      name: "E",
      input: `"${input}"`,
    }));
    const order = fc.shuffledSubarray([...events, ...raised], { minLength: 4 });
    await fc.assert(
      fc.asyncProperty(order, fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), async (messages, cuts) => {
        const groups: HistoryEvent[][] = [[started]];
        for (const [index, message] of messages.entries()) {
          if (cuts[index]) groups.push([message]);
          else groups.at(-1)?.push(message);
        }
        expect(await lead(groups)).toEqual(await lead([[started], ...messages.map((message) => [message])]));
      }),
      { numRuns: 60 },
    );
  });

  test("a dropped orchestration is inert: its ctx does nothing and its promises never settle", async () => {
    let calls = 0;
    const orchestrator = defineOrchestrator("o", async (ctx) => {
      await ctx.callActivity("a", undefined);
      calls += 1;
    });
    const live = new LiveOrchestration(orchestrator, [], 1_000);
    await runTurns([{ live, history: [], events: [turnBegins, started], consumed: 0 }], hop, watch);
    live.drop();
    const late: HistoryEvent = { kind: "TaskCompleted", eventId: -1, timestamp: 1, taskScheduledId: 1 };
    await runTurns([{ live, history: [], events: [late], consumed: 0 }], hop, watch);
    expect(calls).toBe(0);
  });

  test("patched is true for who gets there first now, and false for who passed before", async () => {
    const seen: boolean[] = [];
    const old = defineOrchestrator("race", async (ctx) => void (await ctx.callActivity("a", undefined)));
    const next = defineOrchestrator("race", async (ctx) => {
      seen.push(ctx.patched("p"));
      await ctx.callActivity("a", undefined);
    });
    const scheduled: HistoryEvent = { kind: "TaskScheduled", eventId: 1, timestamp: 1, name: "a" };
    const history = [turnBegins, started, scheduled];
    for (const [orchestrator, past] of [[old, history] as const, [next, history] as const, [next, []] as const]) {
      const live = new LiveOrchestration(orchestrator, past, 1_000);
      await runTurns([{ live, history: past, events: past.length > 0 ? [turnBegins] : [turnBegins, started], consumed: 0 }], hop, watch);
      expect(live.problem).toBeUndefined();
    }
    expect(seen).toEqual([false, true]);
  });
});
