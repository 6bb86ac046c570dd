import fc from "fast-check";
import { expect, test } from "vitest";
import { isTerminal } from "../model/status.ts";
import { defineOrchestrator } from "./define.ts";
import { defineEntity } from "./define-entity.ts";
import { SmallWorld } from "./small-world.ts";

interface Plan {
  readonly locks: readonly string[];
  readonly end: "release" | "return" | "throw" | "again";
  readonly rounds: number;
}

/** Reads and then writes each entity that it has locked; nothing of another's may come in between. */
const visitor = defineOrchestrator("visitor", async (ctx, { locks, end, rounds }: Plan): Promise<string> => {
  const who = ctx.executionId;
  const section = await ctx.lockEntities(...locks);
  for (const id of locks) await ctx.callEntity(id, "read", who);
  await ctx.callActivity("pause", null);
  await Promise.all([...new Set(locks)].map((id) => ctx.callEntity(id, "write", who)));
  if (end === "throw") throw new Error("within the section");
  if (end === "again" && rounds > 0) ctx.continueAsNew({ locks: locks.toReversed(), end, rounds: rounds - 1 });
  if (end === "return") return "held to the end";
  section.release();
  ctx.signalEntity(locks[0] ?? "", "greet", who);
  await ctx.callEntity(locks[0] ?? "", "greet", who);
  return "released";
});

const log = defineEntity<string[]>("log", (ctx, who) => {
  ctx.setState([...(ctx.getState() ?? []), `${ctx.operation} ${JSON.stringify(who)}`]);
});

const ENTITIES = ["@log@a", "@log@b", "@log@c"];

const plans = fc.array(
  fc.record({
    locks: fc.shuffledSubarray(ENTITIES, { minLength: 1 }),
    end: fc.constantFrom<Plan["end"]>("release", "return", "throw", "again"),
    rounds: fc.constant(2),
  }),
  { minLength: 2, maxLength: 5 },
);

/** E16, seen from the holder: what it was granted is its own until it lets go. */
function expectSafe(world: SmallWorld): void {
  for (const [id, { state }] of world.citizens) {
    if (isTerminal(state.row.status)) continue;
    for (const [section, { entities, isGranted }] of state.open.sections) {
      for (const entity of isGranted ? entities : []) {
        const lock = world.citizens.get(entity)?.state.row.entityLock;
        expect(lock, `${entity} for ${id}`).toMatchObject({ criticalSectionId: section, instanceId: id });
      }
    }
  }
}

/** What the entities served: a read under a lock is followed by its own write, unless its reader was ended. */
function expectUndisturbed(world: SmallWorld): void {
  for (const id of ENTITIES) {
    const served = JSON.parse(world.citizens.get(id)?.state.row.entityState ?? "[]") as string[];
    for (const [index, entry] of served.entries()) {
      const [operation, who] = entry.split(" ");
      if (operation === "write") expect(served[index - 1], `before ${entry} of ${id}`).toBe(`read ${who}`);
    }
  }
}

async function run(script: readonly Plan[], steps: readonly number[], terminations: ReadonlyMap<number, number>): Promise<SmallWorld> {
  const world = new SmallWorld({ orchestrators: [visitor], entities: [log] });
  for (const [index, plan] of script.entries()) world.start(`v${index}`, "visitor", plan);
  let step = 0;
  for (;;) {
    const victim = terminations.get(step);
    if (victim !== undefined && victim < script.length) world.terminate(`v${victim}`);
    const choices = world.choices();
    const pick = steps[step % steps.length] ?? 0;
    const choice = choices[pick % Math.max(1, choices.length)];
    if (choice === undefined) return world;
    await world.take(choice, (pick % 5) / 4);
    expectSafe(world);
    step += 1;
    if (step > 3_000) throw new Error("it does not come to rest");
  }
}

test("E16: under any interleaving, and with holders ended at any step, locks are safe and none is left behind", async () => {
  const ends = fc.array(fc.tuple(fc.nat(120), fc.nat(4)), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(plans, fc.array(fc.nat(1_000), { minLength: 1, maxLength: 60 }), ends, async (script, steps, terminations) => {
      const world = await run(script, steps, new Map(terminations));
      expectUndisturbed(world);
      for (const [id, { state, queue }] of world.citizens) {
        expect(queue, `what waits for ${id}`).toEqual([]);
        expect(state.row.entityLock, `the lock of ${id}`).toBeUndefined();
        if (id.startsWith("v")) expect(state.row.status, id).toMatch(/Completed|Failed|Terminated/);
      }
      if (terminations.length > 0) return;
      for (const [index, { end }] of script.entries()) {
        expect(world.citizen(`v${index}`).state.row.status).toBe(end === "throw" ? "Failed" : "Completed");
      }
    }),
    { numRuns: 120 },
  );
});

test("an unlock overtakes a request that is under way to a later entity, and still nothing stays locked", async () => {
  const plan: Plan = { locks: ["@log@a", "@log@b"], end: "release", rounds: 0 };
  // Ended at each step of its life, with the steps of the entities before and after everything else.
  for (const order of [0, 1]) {
    for (let step = 0; step < 40; step += 1) {
      const world = await run([plan, plan], [order, order + 1, 0], new Map([[step, 0]]));
      for (const id of ["@log@a", "@log@b"]) expect(world.citizens.get(id)?.state.row.entityLock).toBeUndefined();
      expect(world.citizen("v1").state.row.status).toBe("Completed");
    }
  }
});

test("a lock that was never granted is taken back when its asker ends", async () => {
  const holder = defineOrchestrator("holder", async (ctx) => {
    using _ = await ctx.lockEntities("@log@a");
    await ctx.waitForEvent("go");
  });
  const world = new SmallWorld({ orchestrators: [visitor, holder], entities: [log] });
  world.start("h", "holder", null);
  await world.settle();
  world.start("v", "visitor", { locks: ["@log@a", "@log@b"], end: "return", rounds: 0 });
  await world.settle();
  expect(world.citizen("@log@a").state.row.entityLock).toMatchObject({ instanceId: "h" });
  expect(world.citizen("@log@a").queue).toHaveLength(1);
  world.terminate("v");
  await world.settle();
  expect(world.citizen("@log@a").queue).toEqual([]);
  expect(world.citizen("@log@a").state.row.entityLock).toMatchObject({ instanceId: "h" });
  world.terminate("h");
  await world.settle();
  expect(world.citizen("@log@a").state.row.entityLock).toBeUndefined();
});
