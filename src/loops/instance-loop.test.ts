import { setImmediate } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { SignalboxError } from "../model/errors.ts";
import { defineActivity, defineOrchestrator } from "../runtime/define.ts";
import { openMemoryStore } from "../store/memory/memory-store.ts";
import type { Batch, Store } from "../store/store.ts";
import { drive } from "./engine-fixture.ts";

function withMethods(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get: (_, name) => {
      const value: unknown = Reflect.get(name in methods ? methods : store, name, store);
      return typeof value === "function" && !(name in methods) ? value.bind(store) : value;
    },
  });
}

const sleeper = defineOrchestrator("sleeper", async (ctx) => {
  await ctx.createTimer(1_000);
  return "awake";
});

describe("timers", () => {
  test("while the store is asked for timers that are due, no alarm is armed: it would only spin", async () => {
    const store = await openMemoryStore();
    let isSlow = false;
    const answer = Promise.withResolvers<void>();
    const slow = withMethods(store, {
      dueTimers: async (until, limit) => {
        if (isSlow) await answer.promise;
        return await store.dueTimers(until, limit);
      },
    });
    const driven = drive({ store: slow, orchestrators: [sleeper], activities: [] }, { limits: { idleMs: Number.MAX_SAFE_INTEGER } });
    const id = driven.engine.start(sleeper, undefined);
    await driven.settle();
    isSlow = true;
    await driven.advance(1_000);
    const setTimer = vi.spyOn(driven.clock, "setTimer");
    for (let ring = 0; ring < 3; ring++) await driven.advance(1);
    expect(setTimer).not.toHaveBeenCalled();
    answer.resolve();
    await driven.settle();
    expect((await driven.engine.get(await id))?.output).toBe("awake");
  });

  test("a timer whose turn the store refused is given again", async () => {
    const store = await openMemoryStore();
    let isRefusing = true;
    const choosy = withMethods(store, {
      commit: async (batch: Batch) => {
        const fires = batch.parts.some((part) => part.kind === "turn" && part.append.some(({ kind }) => kind === "TimerFired"));
        if (fires && isRefusing) throw new SignalboxError("STORE_REFUSED", "Not now.");
        return await store.commit(batch);
      },
    });
    const driven = drive({ store: choosy, orchestrators: [sleeper], activities: [] });
    const id = driven.engine.start(sleeper, undefined);
    await driven.settle();
    await driven.advance(1_000);
    expect((await driven.engine.get(await id))?.stalled).toContain("Not now.");
    isRefusing = false;
    const resumed = driven.engine.resume(await id);
    await driven.advance(1);
    await resumed;
    expect(await driven.engine.get(await id)).toMatchObject({ status: "Completed", output: "awake" });
  });
});

describe("an instance that is replaced", () => {
  test("takes its running and its queued activities with it", async () => {
    const begun: string[] = [];
    const aborted: string[] = [];
    const work = defineActivity(
      "work",
      async (context, name: string) => {
        begun.push(name);
        context.signal.addEventListener("abort", () => aborted.push(`${name}: ${String(context.signal.reason.message)}`));
        await new Promise(() => {});
      },
      { maxConcurrent: 1 },
    );
    const leaver = defineOrchestrator("leaver", async (ctx, names: readonly string[]) => {
      for (const name of names) void ctx.callActivity(work, name);
      return names.length;
    });
    const driven = drive({ store: await openMemoryStore(), orchestrators: [leaver], activities: [work] });
    for (const names of [["running", "queued"], ["next"]]) {
      const started = driven.engine.start(leaver, names, { instanceId: "same" });
      await driven.settle();
      await started;
    }
    expect(begun).toEqual(["running", "next"]);
    expect(aborted).toEqual(["running: The instance was replaced."]);
  });
});

test("a timer that a suspension holds in the turn that continues as new is for nobody", async () => {
  const store = await openMemoryStore();
  const gates: { readonly commit: PromiseWithResolvers<void>[]; timers?: PromiseWithResolvers<void> } = { commit: [] };
  const slow = withMethods(store, {
    commit: async (batch: Batch) => {
      await gates.commit.shift()?.promise;
      return await store.commit(batch);
    },
    dueTimers: async (until, limit) => {
      await gates.timers?.promise;
      return await store.dueTimers(until, limit);
    },
  });
  const rounds = defineOrchestrator("rounds", async (ctx, round: number) => {
    if (round === 2) return await ctx.waitForEvent("end");
    void ctx.createTimer(1_000).then(() => {});
    ctx.setCustomStatus(await ctx.waitForEvent("go"));
    return ctx.continueAsNew(round + 1);
  });
  const driven = drive({ store: slow, orchestrators: [rounds], activities: [] });
  const id = driven.engine.start(rounds, 1);
  await driven.settle();
  // A first batch is on its way, so that what follows becomes one batch; its end and the timer come in one tick.
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  gates.commit.push(first, second);
  gates.timers = Promise.withResolvers<void>();
  const calls = [driven.engine.raiseEvent(await id, "noise")];
  await driven.settle();
  calls.push(driven.engine.raiseEvent(await id, "go"), driven.engine.suspend(await id));
  await driven.advance(1_000);
  first.resolve();
  await driven.settle();
  second.resolve();
  await setImmediate();
  gates.timers.resolve();
  await setImmediate();
  await driven.settle();
  await Promise.all(calls);
  const state = await driven.engine.get(await id);
  expect(state).toMatchObject({ status: "Suspended", input: 2 });
  expect(state?.stalled).toBeUndefined();
});

test("the store gets its next batch while turns of the same tick are still to come", async () => {
  const store = await openMemoryStore();
  let begun = 0;
  const begunAtCommits: number[] = [];
  const seen = withMethods(store, {
    commit: async (batch: Batch) => {
      if (batch.parts.some(({ kind }) => kind === "turn")) begunAtCommits.push(begun);
      return await store.commit(batch);
    },
  });
  const counted = defineOrchestrator("counted", async () => {
    begun += 1;
  });
  const count = 600;
  const driven = drive({ store: seen, orchestrators: [counted], activities: [] }, { checkReplays: false });
  const ids = Promise.all(Array.from({ length: count }, () => driven.engine.start(counted, undefined)));
  await driven.settle();
  expect(begun).toBe(count);
  expect(begunAtCommits.filter((before) => before < count).length).toBeGreaterThan(1);
  const states = await Promise.all((await ids).map((id) => driven.engine.get(id)));
  expect(states.every((state) => state?.status === "Completed")).toBe(true);
});
