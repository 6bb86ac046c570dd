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
});
