import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HistoryEvent } from "../model/events.ts";
import { defineOrchestrator } from "./define.ts";
import { defineEntity } from "./define-entity.ts";
import { type Choice, SmallWorld } from "./small-world.ts";

/** Activities that fail as often as the script says, by input; and how often each ran, and succeeded. */
class Script {
  readonly runs = new Map<string, number>();
  readonly successes = new Map<string, number>();
  readonly #failures: ReadonlyMap<string, number>;

  constructor(failures: Record<string, number>) {
    this.#failures = new Map(Object.entries(failures));
  }

  readonly activity = (_name: string, input: string | undefined): string => {
    const key = String(JSON.parse(input ?? "null"));
    const run = (this.runs.get(key) ?? 0) + 1;
    this.runs.set(key, run);
    if (run <= (this.#failures.get(key) ?? 0)) throw new Error(`${key} failed`);
    this.successes.set(key, (this.successes.get(key) ?? 0) + 1);
    return JSON.stringify(`${key} done`);
  };
}

const kinds = (history: readonly HistoryEvent[]): string[] => history.map(({ kind }) => kind);

/** Rewinds it as often as it fails, and checks each time that what stays is a prefix of what was. */
async function rewindUntilDone(world: SmallWorld, id: string, pick?: (choices: number) => number): Promise<number> {
  for (let rewinds = 0; ; rewinds += 1) {
    await world.settle(pick);
    const { state, history } = world.citizen(id);
    if (state.row.status !== "Failed") return rewinds;
    if (rewinds > 40) throw new Error(`${id} fails for ever: ${state.row.failure?.message}`);
    world.rewind(id);
    await landOnly(world, id);
    const { history: kept, state: again } = world.citizen(id);
    expect(kept).toEqual(history.slice(0, kept.length));
    expect(kept.length).toBeLessThan(history.length);
    expect(again.row).toMatchObject({ status: "Running", historyLength: kept.length });
    expect(again.row.output ?? again.row.failure ?? again.row.completedAt).toBeUndefined();
  }
}

/** The rewind's own commit, and nothing else. */
async function landOnly(world: SmallWorld, id: string): Promise<void> {
  for (const kind of ["turn", "landing"] as const) {
    const choice = world.choices().find((each): each is Choice & { id: string } => each.kind === kind && "id" in each && each.id === id);
    if (choice === undefined) throw new Error(`${id} has no ${kind}`);
    await world.take(choice);
  }
}

describe("a rewind", () => {
  test("tries the failed ones of a fan-out again, keeps what succeeded, and asks for nothing twice", async () => {
    const fan = defineOrchestrator("fan", (ctx, inputs: string[]) => Promise.all(inputs.map((input) => ctx.callActivity("work", input))));
    const script = new Script({ b: 1, d: 2 });
    const world = new SmallWorld({ orchestrators: [fan], activity: script.activity });
    world.start("f", "fan", ["a", "b", "c", "d", "e"]);
    await rewindUntilDone(world, "f");
    const { state, history } = world.citizen("f");
    expect(JSON.parse(state.row.output ?? "")).toEqual(["a done", "b done", "c done", "d done", "e done"]);
    expect(kinds(history).filter((kind) => kind === "TaskScheduled")).toHaveLength(5);
    expect(kinds(history).filter((kind) => kind === "TaskCompleted")).toHaveLength(5);
    expect(kinds(history).filter((kind) => kind === "TaskFailed")).toHaveLength(0);
    expect(kinds(history)).toContain("ExecutionRewound");
    // Promise.all gives up at the first failure: what had not answered by then is begun again.
    for (const key of ["b", "d"]) expect(script.successes.get(key)).toBeLessThanOrEqual(2);
  });

  test("waits for all of a fan-out that collects its failures, and tries just those again", async () => {
    const collect = defineOrchestrator("collect", async (ctx, inputs: string[]) => {
      const results = await Promise.allSettled(inputs.map((input) => ctx.callActivity("work", input)));
      const failed = results.filter(({ status }) => status === "rejected");
      if (failed.length > 0) throw new Error(`${failed.length} failed`);
      return results.length;
    });
    const script = new Script({ a: 1, c: 1, e: 1 });
    const world = new SmallWorld({ orchestrators: [collect], activity: script.activity });
    world.start("f", "collect", ["a", "b", "c", "d", "e"]);
    expect(await rewindUntilDone(world, "f")).toBe(1);
    expect(Object.fromEntries(script.runs)).toEqual({ a: 2, b: 1, c: 2, d: 1, e: 2 });
  });

  test("of calls that are retried begins with the last attempt, under the same id", async () => {
    const persistent = defineOrchestrator("persistent", async (ctx, input: string) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await ctx.callActivity("work", input);
        } catch (error) {
          if (attempt === 3) throw error;
          await ctx.createTimer(10);
        }
      }
    });
    const script = new Script({ a: 4 });
    const world = new SmallWorld({ orchestrators: [persistent], activity: script.activity });
    world.start("f", "persistent", "a");
    expect(await rewindUntilDone(world, "f")).toBe(2);
    expect(script.runs.get("a")).toBe(5);
    expect(kinds(world.citizen("f").history).filter((kind) => kind === "TaskScheduled")).toHaveLength(3);
    expect(kinds(world.citizen("f").history).filter((kind) => kind === "TaskFailed")).toHaveLength(2);
  });

  test("of parallel retries comes to the end, if it is repeated for each that gave up before another went on", async () => {
    const lanes = defineOrchestrator("lanes", async (ctx, inputs: string[]) => {
      const lane = async (input: string) => {
        try {
          return await ctx.callActivity("work", input);
        } catch {
          await ctx.createTimer(5);
          return await ctx.callActivity("work", input);
        }
      };
      const settled = await Promise.allSettled(inputs.map(lane));
      if (settled.some(({ status }) => status === "rejected")) throw new Error("a lane gave up");
      return settled.length;
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(4), { minLength: 2, maxLength: 4 }),
        fc.array(fc.nat(99), { minLength: 1 }),
        async (failures, picks) => {
          const script = new Script(Object.fromEntries(failures.map((count, index) => [`l${index}`, count])));
          const world = new SmallWorld({ orchestrators: [lanes], activity: script.activity });
          world.start(
            "f",
            "lanes",
            failures.map((_, index) => `l${index}`),
          );
          let at = 0;
          await rewindUntilDone(world, "f", () => picks[at++ % picks.length] ?? 0);
          expect(world.citizen("f").state.row).toMatchObject({ status: "Completed", output: `${failures.length}` });
        },
      ),
      { numRuns: 60 },
    );
  });

  test("without any failure in history repeats the last turn: the code may have been mended", async () => {
    let isBroken = true;
    const mended = defineOrchestrator("mended", async (ctx) => {
      const before = await ctx.callActivity("work", "a");
      if (isBroken) throw new Error("a bug");
      return [before, await ctx.callActivity("work", "b")];
    });
    const script = new Script({});
    const world = new SmallWorld({ orchestrators: [mended], activity: script.activity });
    world.start("f", "mended", null);
    await world.settle();
    isBroken = false;
    expect(await rewindUntilDone(world, "f")).toBe(1);
    expect(JSON.parse(world.citizen("f").state.row.output ?? "")).toEqual(["a done", "b done"]);
    expect(script.runs.get("a")).toBe(1);
  });

  test("of one that failed in its first turn begins anew, with the same input", async () => {
    let isBroken = true;
    const first = defineOrchestrator("first", async (_, input: string) => {
      if (isBroken) throw new Error("a bug");
      return input;
    });
    const world = new SmallWorld({ orchestrators: [first] });
    world.start("f", "first", "in");
    await world.settle();
    isBroken = false;
    await rewindUntilDone(world, "f");
    expect(world.citizen("f").state.row.output).toBe('"in"');
    expect(kinds(world.citizen("f").history).filter((kind) => kind === "ExecutionStarted")).toHaveLength(1);
  });

  test("takes failed children with it, and hears again from one that ended meanwhile", async () => {
    const child = defineOrchestrator("child", (ctx, input: string) => ctx.callActivity("work", input));
    const parent = defineOrchestrator("parent", (ctx, inputs: string[]) =>
      Promise.all(inputs.map((input) => ctx.callSubOrchestration("child", input))),
    );
    const inputs = ["a", "b", "c", "d"];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
        fc.array(fc.nat(99), { minLength: 1 }),
        async (failures, picks) => {
          const script = new Script(Object.fromEntries(failures.map((count, index) => [inputs[index] ?? "", count])));
          const world = new SmallWorld({ orchestrators: [parent, child], activity: script.activity });
          world.start("f", "parent", inputs);
          let at = 0;
          await rewindUntilDone(world, "f", () => picks[at++ % picks.length] ?? 0);
          expect(JSON.parse(world.citizen("f").state.row.output ?? "")).toEqual(inputs.map((input) => `${input} done`));
          // A child that succeeded is never run again.
          for (const input of inputs) expect(script.successes.get(input)).toBe(1);
          for (const [id, { state }] of world.citizens) expect(state.row.status, id).toBe("Completed");
        },
      ),
      { numRuns: 60 },
    );
  });

  test("never stands in a critical section whose locks went with the failure", async () => {
    const account = defineEntity<number>("account", {
      add: (ctx, amount: number) => ctx.setState((ctx.getState() ?? 0) + amount),
    });
    const transfer = defineOrchestrator("transfer", async (ctx) => {
      using _ = await ctx.lockEntities("@account@b", "@account@a");
      await ctx.callEntity("@account@a", "add", 1);
      await ctx.callActivity("work", "check");
      await ctx.callEntity("@account@b", "add", 1);
    });
    const script = new Script({ check: 2 });
    const world = new SmallWorld({ orchestrators: [transfer], entities: [account], activity: script.activity });
    world.start("f", "transfer", null);
    expect(await rewindUntilDone(world, "f")).toBe(2);
    // What the section did before its failure was done, and is done again with it.
    expect(world.citizen("@account@a").state.row.entityState).toBe("3");
    expect(world.citizen("@account@b").state.row.entityState).toBe("1");
    for (const id of ["@account@a", "@account@b"]) expect(world.citizen(id).state.row.entityLock).toBeUndefined();
    expect(kinds(world.citizen("f").history).filter((kind) => kind === "EntityLockGranted")).toHaveLength(1);
  });

  test("gives events that the cut-off turns had been given once more, in order, and only once", async () => {
    const listener = defineOrchestrator("listener", async (ctx) => {
      const first = await ctx.waitForEvent("e");
      await ctx.callActivity("work", "a");
      return [first, await ctx.waitForEvent("e"), await ctx.waitForEvent("e")];
    });
    const script = new Script({ a: 2 });
    const world = new SmallWorld({ orchestrators: [listener], activity: script.activity });
    world.start("f", "listener", null);
    world.raise("f", "e", 1);
    await world.take(world.choices()[0] as Choice);
    for (const value of [2, 3]) world.raise("f", "e", value);
    await rewindUntilDone(world, "f");
    expect(JSON.parse(world.citizen("f").state.row.output ?? "")).toEqual([1, 2, 3]);
    expect(kinds(world.citizen("f").history).filter((kind) => kind === "EventRaised")).toHaveLength(3);
  });

  test("calls an entity again whose operation failed", async () => {
    let failures = 2;
    const flaky = defineEntity<number>("flaky", (ctx) => {
      if (failures-- > 0) throw new Error("not yet");
      ctx.setState((ctx.getState() ?? 0) + 1);
    });
    const caller = defineOrchestrator("caller", (ctx) => ctx.callEntity("@flaky@k", "op"));
    const world = new SmallWorld({ orchestrators: [caller], entities: [flaky] });
    world.start("f", "caller", null);
    expect(await rewindUntilDone(world, "f")).toBe(2);
    expect(world.citizen("@flaky@k").state.row.entityState).toBe("1");
    expect(kinds(world.citizen("f").history).filter((kind) => kind === "EntityOperationCalled")).toHaveLength(1);
  });

  test("starts a child whose id was taken, and says again of one that is gone that it failed", async () => {
    const waiting = defineOrchestrator("waiting", (ctx) => ctx.waitForEvent("go"));
    const failing = defineOrchestrator("failing", async () => {
      throw new Error("for good");
    });
    const parent = defineOrchestrator("parent", (ctx, name: string) => ctx.callSubOrchestration(name, null, { instanceId: "c" }));
    const world = new SmallWorld({ orchestrators: [waiting, failing, parent] });
    world.start("c", "waiting", null);
    await world.settle();
    world.start("f", "parent", "waiting");
    await world.settle();
    expect(world.citizen("f").state.row.failure?.cause?.type).toBe("InstanceAlreadyExists");
    world.terminate("c");
    await world.settle();
    world.rewind("f");
    await world.settle();
    world.raise("c", "go", "went");
    await world.settle();
    expect(world.citizen("f").state.row).toMatchObject({ status: "Completed", output: '"went"' });

    world.start("g", "parent", "failing");
    await world.settle();
    world.citizens.delete("c");
    world.rewind("g");
    await world.settle();
    expect(world.citizen("g").state.row).toMatchObject({ status: "Failed", failure: { cause: { message: "for good" } } });
  });

  test("is not left suspended by a pause that the cut-off turn had lifted", async () => {
    const paused = defineOrchestrator("paused", (ctx) => ctx.callActivity("work", "a"));
    const world = new SmallWorld({ orchestrators: [paused], activity: new Script({ a: 1 }).activity });
    world.start("f", "paused", null);
    const act = async (kind: Choice["kind"]): Promise<void> => {
      const choice = world.choices().find((each) => each.kind === kind);
      if (choice === undefined) throw new Error(`there is no ${kind}`);
      await world.take(choice);
    };
    await act("turn");
    await act("landing");
    world.suspend("f");
    await act("turn");
    await act("landing");
    await act("activity");
    world.resume("f");
    await world.settle();
    expect(world.citizen("f").state.row.status).toBe("Failed");
    world.rewind("f");
    await act("turn");
    await act("landing");
    expect(world.citizen("f").state.row.status).toBe("Suspended");
    await world.settle();
    expect(world.citizen("f").state.row.status).toBe("Completed");
    const pauses = kinds(world.citizen("f").history).filter((kind) => kind === "ExecutionSuspended" || kind === "ExecutionResumed");
    expect(pauses).toEqual(["ExecutionSuspended", "ExecutionResumed"]);
  });

  test("takes back what only the cut-off turns had asked for: its id is another's then", async () => {
    const hasty = defineOrchestrator("hasty", async (ctx) => {
      const first = await ctx.callActivity("work", "a").catch(async (error: unknown) => {
        void ctx.callActivity("work", "cleanup");
        throw error;
      });
      return [first, await ctx.callActivity("work", "b")];
    });
    const world = new SmallWorld({ orchestrators: [hasty], activity: new Script({ a: 1 }).activity });
    world.start("f", "hasty", null);
    // The cleanup stays queued as long as there is anything else to do.
    const settleButCleanup = async (): Promise<void> => {
      const next = (): Choice | undefined =>
        world.choices().find((each) => each.kind !== "activity" || each.job.activity.input !== '"cleanup"');
      for (let choice = next(); choice !== undefined; choice = next()) await world.take(choice);
    };
    await settleButCleanup();
    world.rewind("f");
    await settleButCleanup();
    expect(JSON.parse(world.citizen("f").state.row.output ?? "null")).toEqual(["a done", "b done"]);
    expect(world.choices()).toEqual([]);
  });

  test("of whatever mixture of calls comes to the right end, whatever fails and in whatever order it happens", async () => {
    const flaky = (script: Script) => defineEntity<null>("flaky", (_, input) => JSON.parse(script.activity("", JSON.stringify(input))));
    const child = defineOrchestrator("child", (ctx, input: string) => ctx.callActivity("work", input));
    const mixed = defineOrchestrator("mixed", async (ctx, stages: readonly (readonly string[])[]) => {
      const one = async (call: string): Promise<unknown> => {
        if (call.startsWith("timer")) return await ctx.createTimer(5);
        if (call.startsWith("child")) return await ctx.callSubOrchestration("child", call);
        if (call.startsWith("entity")) return await ctx.callEntity({ name: "flaky", key: call }, "op", call);
        if (!call.startsWith("locked")) return await ctx.callActivity("work", call);
        using _ = await ctx.lockEntities({ name: "flaky", key: "l1" }, { name: "flaky", key: "l2" });
        await ctx.callEntity({ name: "flaky", key: "l1" }, "op", call);
        return await ctx.callActivity("work", call);
      };
      const results: unknown[] = [];
      for (const stage of stages) {
        // One critical section at a time, and other entities are not called from within it.
        if (stage.some((call) => call.startsWith("locked"))) for (const call of stage) results.push(await one(call));
        else results.push(...(await Promise.all(stage.map(one))));
      }
      return results;
    });
    const kind = fc.constantFrom("activity", "timer", "child", "entity", "locked");
    const stages = fc.array(fc.array(fc.tuple(kind, fc.nat(2)), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(stages, fc.array(fc.nat(99), { minLength: 1, maxLength: 50 }), async (shape, picks) => {
        const named = shape.map((stage, row) => stage.map(([call, count], column) => [`${call} ${row}.${column}`, count] as const));
        const script = new Script(Object.fromEntries(named.flat()));
        const world = new SmallWorld({ orchestrators: [mixed, child], entities: [flaky(script)], activity: script.activity });
        world.start(
          "f",
          "mixed",
          named.map((stage) => stage.map(([call]) => call)),
        );
        let at = 0;
        await rewindUntilDone(world, "f", () => picks[at++ % picks.length] ?? 0);
        const expected = named.flat().map(([call]) => (call.startsWith("timer") ? null : `${call} done`));
        expect(JSON.parse(world.citizen("f").state.row.output ?? "")).toEqual(expected);
        for (const [id, { state, queue }] of world.citizens) {
          expect(state.row.entityLock, id).toBeUndefined();
          expect(queue, id).toEqual([]);
        }
      }),
      { numRuns: 80 },
    );
  });
});
