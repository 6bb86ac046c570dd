import { describe, expect, test } from "vitest";
import { SignalboxError } from "../model/errors.ts";
import type { Orchestrator } from "../runtime/context.ts";
import { defineActivity, defineOrchestrator } from "../runtime/define.ts";
import { isActivityError, isChildError } from "../runtime/errors.ts";
import { MemoryState } from "../store/memory/memory-state.ts";
import { openMemoryStore } from "../store/memory/memory-store.ts";
import type { Store } from "../store/store.ts";
import type { EngineOptions, StartOptions } from "./engine.ts";
import { type Driven, drive } from "./engine-fixture.ts";

type Definitions = Partial<Pick<EngineOptions, "orchestrators" | "activities" | "onCommitted">>;

async function over(state: MemoryState, definitions: Definitions, wrap: (store: Store) => Store = (store) => store): Promise<Driven> {
  const driven = drive({ store: wrap(await openMemoryStore({ state })), orchestrators: [], activities: [], ...definitions });
  await driven.settle();
  return driven;
}

const begin = async <Input>(driven: Driven, orchestrator: Orchestrator<Input, unknown> | string, input: Input, options?: StartOptions) => {
  const id = driven.engine.start(orchestrator, input, options);
  await driven.settle();
  return await id;
};
const done = async <T>(driven: Driven, call: Promise<T>): Promise<T> => {
  call.catch(() => {});
  await driven.settle();
  return await call;
};

const double = defineActivity("double", (_context, n: number) => n * 2);
const waiter = defineOrchestrator("waiter", async (ctx) => [await ctx.waitForEvent("a"), await ctx.waitForEvent("A")]);

describe("orchestrations", () => {
  test("activities, children, timers and events come together", async () => {
    const child = defineOrchestrator("child", async (ctx, n: number) => {
      await ctx.createTimer(1_000);
      return await ctx.callActivity(double, n);
    });
    const parent = defineOrchestrator("parent", async (ctx) => {
      const values = await Promise.all([1, 2, 3].map((n) => ctx.callSubOrchestration(child, n)));
      ctx.setCustomStatus({ values });
      return [values, await ctx.waitForEvent("go")];
    });
    const driven = await over(new MemoryState(), { orchestrators: [parent, child], activities: [double] });
    const id = await begin(driven, parent, undefined);
    await driven.advance(1_000);
    expect((await driven.engine.get(id))?.customStatus).toEqual({ values: [2, 4, 6] });
    await done(driven, driven.engine.raiseEvent(id, "GO", null));
    expect(await driven.engine.get(id)).toMatchObject({ status: "Completed", output: [[2, 4, 6], null] });
  });

  test("events keep their order and names compare without case", async () => {
    const driven = await over(new MemoryState(), { orchestrators: [waiter] });
    const id = await begin(driven, waiter, undefined);
    await done(driven, Promise.all([1, 2].map((n) => driven.engine.raiseEvent(id, "a", n))));
    expect((await driven.engine.get(id))?.output).toEqual([1, 2]);
  });

  test("an activity is tried again with the same action id and a growing attempt, after its pause", async () => {
    const seen: [number, string][] = [];
    const flaky = defineActivity("flaky", ({ attempt, idempotencyKey }) => {
      seen.push([attempt, idempotencyKey]);
      if (attempt < 3) throw new Error("not yet");
      return attempt;
    });
    const caller = defineOrchestrator("caller", (ctx) =>
      ctx.callActivity(flaky, undefined, { retry: { maxAttempts: 3, firstDelayMs: 100, backoff: 2 } }),
    );
    const driven = await over(new MemoryState(), { orchestrators: [caller], activities: [flaky] });
    const id = await begin(driven, caller, undefined);
    await driven.advance(99);
    expect(seen).toHaveLength(1);
    await driven.advance(1);
    expect(seen).toHaveLength(2);
    await driven.advance(200);
    expect(seen.map(([attempt]) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(seen.map(([, key]) => key)).size).toBe(1);
    expect((await driven.engine.get(id))?.output).toBe(3);
  });

  test("a start-to-close timeout aborts the activity and fails the call", async () => {
    let signal: AbortSignal | undefined;
    const hang = defineActivity("hang", (context) => {
      signal = context.signal;
      return new Promise<never>(() => {});
    });
    const caller = defineOrchestrator("caller", async (ctx) => {
      try {
        await ctx.callActivity(hang, undefined, { startToCloseMs: 50 });
      } catch (error) {
        return isActivityError(error) ? error.failure.type : "?";
      }
      return "no error";
    });
    const driven = await over(new MemoryState(), { orchestrators: [caller], activities: [hang] });
    const id = await begin(driven, caller, undefined);
    await driven.advance(50);
    expect(signal?.aborted).toBe(true);
    expect((await driven.engine.get(id))?.output).toBe("ActivityTimeout");
  });

  test("a limit per name holds back that name alone", async () => {
    let running = 0;
    let most = 0;
    const release: (() => void)[] = [];
    const narrow = defineActivity(
      "narrow",
      async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => release.push(resolve));
        running -= 1;
      },
      { maxConcurrent: 2 },
    );
    const fan = defineOrchestrator(
      "fan",
      async (ctx) => (await Promise.all([1, 2, 3, 4, 5].map(() => ctx.callActivity(narrow, undefined)))).length,
    );
    const driven = await over(new MemoryState(), { orchestrators: [fan], activities: [narrow] });
    const id = await begin(driven, fan, undefined);
    while (release.length > 0) {
      release.shift()?.();
      await driven.settle();
    }
    expect(most).toBe(2);
    expect((await driven.engine.get(id))?.output).toBe(5);
  });

  test("a child whose id is taken by a living instance fails the call", async () => {
    const parent = defineOrchestrator("parent", async (ctx) => {
      try {
        await ctx.callSubOrchestration(waiter, undefined, { instanceId: "taken", retry: { maxAttempts: 5, firstDelayMs: 1 } });
      } catch (error) {
        return isChildError(error) ? error.failure.type : "?";
      }
      return "no error";
    });
    const driven = await over(new MemoryState(), { orchestrators: [parent, waiter] });
    await begin(driven, waiter, undefined, { instanceId: "taken" });
    const id = await begin(driven, parent, undefined);
    expect((await driven.engine.get(id))?.output).toBe("InstanceAlreadyExists");
  });

  test("E9: what arrives around a continue-as-new reaches the next execution, in order", async () => {
    const rounds = defineOrchestrator("rounds", async (ctx, seen: readonly number[]) => {
      const all = [...seen, (await ctx.waitForEvent("x")) as number];
      if (all.length < 5) ctx.continueAsNew(all);
      return all;
    });
    const driven = await over(new MemoryState(), { orchestrators: [rounds] });
    const id = await begin(driven, rounds, []);
    await done(driven, Promise.all([1, 2, 3, 4, 5].map((n) => driven.engine.raiseEvent(id, "x", n))));
    expect((await driven.engine.get(id))?.output).toEqual([1, 2, 3, 4, 5]);
  });

  test("a suspended instance holds its messages and takes them when it is resumed", async () => {
    const work = defineOrchestrator("work", async (ctx) => [await ctx.createTimer(10), await ctx.waitForEvent("a")]);
    const driven = await over(new MemoryState(), { orchestrators: [work] });
    const id = await begin(driven, work, undefined);
    await done(driven, driven.engine.suspend(id, "lunch"));
    await done(driven, driven.engine.raiseEvent(id, "a", 1));
    await driven.advance(10);
    expect((await driven.engine.get(id))?.status).toBe("Suspended");
    await done(driven, driven.engine.resume(id));
    expect(await driven.engine.get(id)).toMatchObject({ status: "Completed", output: [null, 1] });
  });

  test("E8: terminate reaches children and aborts what runs; a second one is no error", async () => {
    let aborted = false;
    const hang = defineActivity("hang", ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise<never>(() => {});
    });
    const child = defineOrchestrator("child", (ctx) => ctx.callActivity(hang, undefined));
    const parent = defineOrchestrator("parent", (ctx) => ctx.callSubOrchestration(child, undefined, { instanceId: "kid" }));
    const driven = await over(new MemoryState(), { orchestrators: [parent, child], activities: [hang] });
    const id = await begin(driven, parent, undefined);
    await done(driven, driven.engine.terminate(id, { output: "enough" }));
    expect(await driven.engine.get(id)).toMatchObject({ status: "Terminated", output: "enough" });
    expect((await driven.engine.get("kid"))?.status).toBe("Terminated");
    expect(aborted).toBe(true);
    await done(driven, driven.engine.terminate(id));
    await expect(done(driven, driven.engine.raiseEvent(id, "x"))).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
  });

  test("an id is free again after the end, and refused before", async () => {
    const driven = await over(new MemoryState(), { orchestrators: [waiter] });
    await begin(driven, waiter, undefined, { instanceId: "one" });
    await expect(done(driven, driven.engine.start(waiter, undefined, { instanceId: "one" }))).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    await done(driven, driven.engine.terminate("one"));
    await begin(driven, waiter, undefined, { instanceId: "one" });
    expect((await driven.engine.get("one"))?.status).toBe("Running");
  });

  test("a scheduled start waits for its time", async () => {
    const quick = defineOrchestrator("quick", async () => "done");
    const driven = await over(new MemoryState(), { orchestrators: [quick] });
    const id = await begin(driven, quick, undefined, { scheduledStartAt: new Date(driven.clock.now() + 500) });
    expect((await driven.engine.get(id))?.status).toBe("Pending");
    await driven.advance(500);
    expect((await driven.engine.get(id))?.status).toBe("Completed");
  });

  test("purge takes ended children with it and refuses a living instance", async () => {
    const parent = defineOrchestrator("parent", (ctx) => ctx.callSubOrchestration("quick", undefined, { instanceId: "kid" }));
    const quick = defineOrchestrator("quick", async () => 1);
    const driven = await over(new MemoryState(), { orchestrators: [parent, quick, waiter] });
    const id = await begin(driven, parent, undefined);
    const living = await begin(driven, waiter, undefined);
    await expect(done(driven, driven.engine.purge(living))).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    expect(await done(driven, driven.engine.purge(id, { recurse: true }))).toBe(2);
    expect(await driven.engine.get("kid")).toBeUndefined();
  });
});

describe("stalls (E13)", () => {
  test("awaiting something that is not ctx stalls that instance alone, and says why", async () => {
    const stray = defineOrchestrator("stray", () => new Promise<never>(() => {}));
    const quick = defineOrchestrator("quick", async () => "done");
    const driven = await over(new MemoryState(), { orchestrators: [stray, quick] });
    const id = await begin(driven, stray, undefined);
    const other = await begin(driven, quick, undefined);
    expect((await driven.engine.get(id))?.stalled).toContain("awaits something that is not ctx");
    expect((await driven.engine.get(other))?.status).toBe("Completed");
  });

  test("changed code is stalled with both sides shown, and goes on when the old code is back", async () => {
    const state = new MemoryState();
    const make = (name: string) =>
      defineOrchestrator("job", async (ctx) => {
        await ctx.callActivity(name, 1);
        return await ctx.waitForEvent("a");
      });
    const first = await over(state, { orchestrators: [make("double")], activities: [double] });
    const id = await begin(first, "job", undefined);
    const second = await over(state, { orchestrators: [make("triple")], activities: [double] });
    await done(second, second.engine.raiseEvent(id, "a", 5));
    const stalled = (await second.engine.get(id))?.stalled;
    expect(stalled).toContain('activity "double" #1');
    expect(stalled).toContain('activity "triple" #1');
    const third = await over(state, { orchestrators: [make("double")], activities: [double] });
    const row = await third.engine.get(id);
    expect(row).toMatchObject({ status: "Completed", output: 5 });
    expect(row?.stalled).toBeUndefined();
  });

  test("a batch that the store refuses is split: the instance at fault stalls, the others commit", async () => {
    const poison = (store: Store): Store =>
      new Proxy(store, {
        get(target, key) {
          if (key !== "commit") {
            const value = Reflect.get(target, key, target);
            return typeof value === "function" ? value.bind(target) : value;
          }
          return async (batch: Parameters<Store["commit"]>[0]) => {
            const isBad = batch.parts.some(
              (part) => part.kind === "turn" && part.append.some((e) => e.kind === "EventSent" && e.name === "poison"),
            );
            if (isBad) throw new SignalboxError("STORE_REFUSED", "cannot hold this");
            return target.commit(batch);
          };
        },
      });
    const sender = defineOrchestrator("sender", async (ctx, name: string) => {
      ctx.sendEvent("nobody", name);
      return name;
    });
    const driven = await over(new MemoryState(), { orchestrators: [sender] }, poison);
    const names = ["a", "b", "poison", "c", "d"];
    const ids = await done(driven, Promise.all(names.map((name) => driven.engine.start(sender, name))));
    await driven.settle();
    const rows = await Promise.all(ids.map((id) => driven.engine.get(id)));
    expect(rows.map((row) => row?.status)).toEqual(["Completed", "Completed", "Pending", "Completed", "Completed"]);
    expect(rows[2]?.stalled).toContain("cannot hold this");
  });
});

describe("after a crash (E15)", () => {
  test("E5: a turn that was in flight at three crashes in a row is stalled, and a resume tries it again", async () => {
    const state = new MemoryState();
    const quick = defineOrchestrator("quick", async () => "done");
    const crash = drive({ store: await openMemoryStore({ state }), orchestrators: [quick], activities: [] });
    const start = crash.engine.start(quick, undefined, { instanceId: "poison" });
    start.catch(() => {});
    // Two ticks: the opening and the start are committed, no turn was.
    await crash.engine.loop.tick();
    await new Promise<void>((resolve) => void setImmediate(resolve));
    for (let crashes = 0; crashes < 3; crashes += 1) {
      const store = await openMemoryStore({ state });
      await store.commit({ epoch: store.epoch, parts: [{ kind: "raiseAttempts" }] });
    }
    const driven = await over(state, { orchestrators: [quick] });
    expect((await driven.engine.get("poison"))?.stalled).toContain("crashes in a row");
    await done(driven, driven.engine.resume("poison"));
    expect((await driven.engine.get("poison"))?.status).toBe("Completed");
  });

  test("E11: more activities than memory holds wait in the store, and each runs once", async () => {
    let runs = 0;
    const count = defineActivity("count", async () => void (runs += 1));
    const fan = defineOrchestrator(
      "fan",
      async (ctx) => (await Promise.all(Array.from({ length: 60 }, () => ctx.callActivity(count, undefined)))).length,
    );
    const limits = { maxActivities: 3, maxQueuedActivities: 8 };
    const driven = drive({ store: await openMemoryStore(), orchestrators: [fan], activities: [count] }, { limits });
    await driven.settle();
    const id = await begin(driven, fan, undefined);
    expect((await driven.engine.get(id))?.output).toBe(60);
    expect(runs).toBe(60);
  });

  test("what was in flight is attempted again with a durable attempt, and the rest goes on", async () => {
    const state = new MemoryState();
    const attempts: number[] = [];
    const once = defineActivity("once", ({ attempt }) => {
      attempts.push(attempt);
      return attempt === 1 ? new Promise<number>(() => {}) : attempt;
    });
    const job = defineOrchestrator("job", async (ctx) => {
      const doubled = await ctx.callActivity(double, 4);
      return [doubled, await ctx.callActivity(once, undefined)];
    });
    const definitions = { orchestrators: [job], activities: [double, once] };
    const id = await begin(await over(state, definitions), job, undefined);
    const second = await over(state, definitions);
    expect(attempts).toEqual([1, 2]);
    expect((await second.engine.get(id))?.output).toEqual([8, 2]);
  });

  test("timers that came due meanwhile fire, and history before the crash is a prefix of history after it", async () => {
    const state = new MemoryState();
    const sleeper = defineOrchestrator("sleeper", async (ctx) => {
      await ctx.createTimer(1_000);
      return ctx.newGuid();
    });
    const first = await over(state, { orchestrators: [sleeper] });
    const id = await begin(first, sleeper, undefined);
    const before = await first.engine.history(id);
    const second = await over(state, { orchestrators: [sleeper] });
    await second.advance(2_000);
    const after = await second.engine.history(id);
    expect(after.slice(0, before.length)).toEqual(before);
    expect((await second.engine.get(id))?.status).toBe("Completed");
  });

  test("the error that ends the store reaches everybody who waits", async () => {
    let isBroken = false;
    const breakable = (store: Store): Store =>
      new Proxy(store, {
        get(target, key) {
          const value = Reflect.get(target, key, target);
          if (key === "commit" && isBroken) return async () => Promise.reject(new SignalboxError("STORE_IO", "disk full"));
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    const driven = await over(new MemoryState(), { orchestrators: [waiter] }, breakable);
    const id = await begin(driven, waiter, undefined);
    const waiting = driven.engine.waitForCompletion(id);
    waiting.catch(() => {});
    isBroken = true;
    await expect(done(driven, driven.engine.raiseEvent(id, "a"))).rejects.toMatchObject({ code: "STORE_IO" });
    await expect(waiting).rejects.toMatchObject({ code: "STORE_IO" });
    expect(await driven.engine.stopped).toMatchObject({ code: "STORE_IO" });
    await expect(driven.engine.start(waiter, undefined)).rejects.toMatchObject({ code: "STORE_IO" });
  });

  test("E14: closing drains what runs, makes the last commit and refuses what comes later", async () => {
    const state = new MemoryState();
    let finish: (value: number) => void = () => {};
    const slow = defineActivity("slow", () => new Promise<number>((resolve) => (finish = resolve)));
    const job = defineOrchestrator("job", async (ctx) => ctx.callActivity(slow, undefined));
    const driven = await over(state, { orchestrators: [job], activities: [slow] });
    const id = await begin(driven, job, undefined);
    const closing = driven.engine.close();
    await driven.settle();
    await expect(driven.engine.start(job, undefined)).rejects.toMatchObject({ code: "SHUT_DOWN" });
    finish(9);
    await driven.settle();
    await closing;
    const next = await over(state, { orchestrators: [job], activities: [slow] });
    expect((await next.engine.get(id))?.output).toBe(9);
  });
});

test("a cold instance is nothing: no entry, and at most one timer for all", async () => {
  const driven = await over(new MemoryState(), { orchestrators: [waiter] });
  await done(driven, Promise.all(Array.from({ length: 500 }, () => driven.engine.start(waiter, undefined))));
  await driven.settle();
  expect(driven.engine.loop.warmInstances()).toBe(500);
  await driven.advance(60_000);
  expect(driven.engine.loop.warmInstances()).toBe(0);
  expect(driven.clock.armed).toBe(0);
});
