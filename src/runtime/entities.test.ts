import { describe, expect, test } from "vitest";
import { call, signal } from "../engine/entity-fixture.ts";
import type { EntityOperation } from "../model/entity.ts";
import type { OrchestrationContext } from "./context.ts";
import { defineOrchestrator } from "./define.ts";
import { defineEntity } from "./define-entity.ts";
import { isEntityError } from "./errors.ts";
import { runEntityBatch } from "./run-entity-batch.ts";
import { SmallWorld } from "./small-world.ts";

const counter = defineEntity<number>("Counter", {
  add(ctx, amount: number) {
    const sum = (ctx.getState() ?? 0) + amount;
    ctx.setState(sum);
    return sum;
  },
  get: (ctx) => ctx.getState(),
  fail(ctx, amount: number) {
    ctx.setState(amount);
    ctx.signalEntity("@counter@other", "add", 1);
    ctx.startOrchestration("flow");
    throw new RangeError("over the limit");
  },
});

/** The output of an orchestration that runs alone with the counter. */
async function outputOf(run: (ctx: OrchestrationContext) => Promise<unknown>): Promise<{ output: unknown; world: SmallWorld }> {
  const world = new SmallWorld({ orchestrators: [defineOrchestrator("o", run)], entities: [counter] });
  world.start("i", "o", null);
  await world.settle();
  const { output, failure, status } = world.citizen("i").state.row;
  expect(failure).toBeUndefined();
  expect(status).toBe("Completed");
  return { output: JSON.parse(output ?? "null"), world };
}

describe("an orchestration and entities", () => {
  test("signals, calls and hears of failures", async () => {
    const { output } = await outputOf(async (ctx) => {
      ctx.signalEntity({ name: "COUNTER", key: "k" }, "add", 2);
      const sum = await ctx.callEntity("@Counter@k", "add", 3);
      const caught = await ctx.callEntity("@counter@k", "fail", 99).catch((error: unknown) => error);
      if (!isEntityError(caught)) throw new Error("no failure");
      return [sum, caught.failure.type, caught.entityId, await ctx.callEntity("@counter@k", "get")];
    });
    expect(output).toEqual([5, "RangeError", "@counter@k", 5]);
  });

  test("a section is one at a time, and within it only what is locked is called, one call at a time", async () => {
    const { output, world } = await outputOf(async (ctx) => {
      const problems: string[] = [];
      const refused = async (what: () => unknown): Promise<void> => {
        try {
          await what();
          problems.push("not refused");
        } catch (error) {
          problems.push(error instanceof Error ? error.message : "");
        }
      };
      const asked = ctx.lockEntities("@counter@a", "@counter@b", "@Counter@a");
      await refused(() => ctx.callEntity("@counter@a", "get"));
      const section = await asked;
      const states = [ctx.isInCriticalSection];
      await refused(() => ctx.lockEntities("@counter@c"));
      await refused(() => ctx.callEntity("@counter@c", "get"));
      await refused(() => ctx.signalEntity("@counter@a", "add", 1));
      const first = ctx.callEntity("@counter@a", "add", 1);
      await refused(() => ctx.callEntity("@counter@a", "add", 1));
      await first;
      const second = await ctx.callEntity("@counter@a", "add", 1);
      section.release();
      section.release();
      states.push(ctx.isInCriticalSection);
      return { problems, second, states, entities: section.entities, after: await ctx.callEntity("@counter@c", "get") };
    });
    expect(output).toMatchObject({ second: 2, states: [true, false], entities: ["@counter@a", "@counter@b"] });
    expect((output as { problems: string[] }).problems).toEqual([
      expect.stringContaining("await ctx.lockEntities"),
      expect.stringContaining("open or asked for already"),
      expect.stringContaining("not locked by this critical section"),
      expect.stringContaining("call it instead"),
      expect.stringContaining("not answered yet"),
    ]);
    const unlocks = world.citizen("i").history.filter(({ kind }) => kind === "EntityUnlockSent");
    expect(unlocks).toHaveLength(2);
  });

  test("`using` releases where the block ends", async () => {
    const { output } = await outputOf(async (ctx) => {
      for (const key of ["a", "b"]) {
        using _ = await ctx.lockEntities({ name: "counter", key });
        await ctx.callEntity({ name: "counter", key }, "add", 1);
      }
      return ctx.isInCriticalSection;
    });
    expect(output).toBe(false);
  });

  test("ids that are none are the caller's error", async () => {
    const { output } = await outputOf(async (ctx) => {
      const codes: unknown[] = [];
      for (const id of ["counter", "@@k", { name: "a@b", key: "k" }, { name: "", key: "k" }]) {
        codes.push(await ctx.callEntity(id, "get").catch((error: { code: string }) => error.code));
      }
      return codes;
    });
    expect(output).toEqual(Array.from({ length: 4 }, () => "INVALID_ARGUMENT"));
  });
});

describe("a batch", () => {
  const operation = (name: string, input?: unknown): EntityOperation => ({
    ...(name === "get" ? call("x", name) : signal(name)),
    operation: name,
    targetInstanceId: "@counter@k" as EntityOperation["targetInstanceId"],
    ...(input !== undefined && { input: JSON.stringify(input) }),
  });
  const run = (state: string | undefined, ...operations: EntityOperation[]) => runEntityBatch(counter, state, operations, 100);

  test("is served in order, and one that throws fails alone", async () => {
    const result = await run("1", operation("add", 2), operation("fail", 50), operation("get"));
    expect(result.results).toMatchObject([{ result: "3" }, { kind: "failed", failure: { type: "RangeError" } }, { result: "3" }]);
    expect(result).toMatchObject({ state: "3", actions: [] });
  });

  test("deletes the state on request, and says which operations there are", async () => {
    const result = await run("1", operation("delete"), operation("get"), operation("toString"));
    expect(result.state).toBeUndefined();
    expect(result.results[1]).toEqual({ kind: "completed" });
    expect(result.results[2]).toMatchObject({ failure: { type: "UnknownOperation", message: expect.stringContaining('"add"') } });
  });

  test("a state over the limit fails the operation that sets it", async () => {
    const big = defineEntity<string>("counter", { set: (ctx, text: string) => ctx.setState(text) });
    const result = await runEntityBatch(big, '"small"', [operation("set", "x".repeat(200))], 100);
    expect(result).toMatchObject({ state: '"small"', results: [{ kind: "failed" }] });
  });

  test("served twice asks for the same: an orchestration that it starts has the same id", async () => {
    const starter = defineEntity("counter", (ctx) => [ctx.startOrchestration("flow", 1), ctx.startOrchestration("flow", 2)]);
    const [first, second] = [
      await runEntityBatch(starter, undefined, [operation("s")], 100),
      await runEntityBatch(starter, undefined, [operation("s")], 100),
    ];
    expect(first).toEqual(second);
    expect(new Set(first.actions.map(({ instanceId }) => instanceId)).size).toBe(2);
  });

  test("what an operation does after its end has no effect", async () => {
    const late: (() => void)[] = [];
    const forgetful = defineEntity<number>("counter", (ctx) => {
      late.push(() => {
        ctx.setState(9);
        ctx.signalEntity("@counter@k", "add", 1);
      });
      for (const act of late.slice(0, -1)) act();
    });
    const result = await runEntityBatch(forgetful, "1", [operation("a"), operation("b"), operation("c")], 100);
    expect(result).toMatchObject({ state: "1", actions: [] });
  });
});
