import { describe, expect, test } from "vitest";
import { defineOrchestrator } from "../runtime/define.ts";
import { MemoryState } from "../store/memory/memory-state.ts";
import { openMemoryStore } from "../store/memory/memory-store.ts";
import { type Driven, drive, VirtualClock } from "./engine-fixture.ts";

const sleeper = defineOrchestrator("sleeper", async (ctx) => {
  await ctx.createTimer(1_000);
  return "woken";
});

/** A process that dies in the turn whose timer fires: nothing of that engine happens after it. */
async function dieOfTheTimer(state: MemoryState, clock: VirtualClock, advanceMs: number): Promise<void> {
  let isDead = false;
  const { promise: died, resolve: die } = Promise.withResolvers<void>();
  const killer = defineOrchestrator("sleeper", async (ctx) => {
    await ctx.createTimer(1_000);
    isDead = true;
    die();
  });
  const hop = (callback: () => void): void => void (isDead || setImmediate(callback));
  const driven = drive({ store: await openMemoryStore({ state }), orchestrators: [killer], activities: [] }, { clock, hop });
  await Promise.race([driven.settle(), died]);
  clock.move(advanceMs);
  await Promise.race([driven.settle(), died]);
  expect(isDead).toBe(true);
}

describe("E5: a timer whose turn kills the process", () => {
  test("is counted once it has been found due at an opening: after three such crashes its instance is stalled", async () => {
    const [state, clock] = [new MemoryState(), new VirtualClock()];
    const first = drive({ store: await openMemoryStore({ state }), orchestrators: [sleeper], activities: [] }, { clock });
    await over(first, first.engine.start(sleeper, undefined, { instanceId: "deadly" }));
    await dieOfTheTimer(state, clock, 2_000);
    for (let crash = 0; crash < 3; crash += 1) await dieOfTheTimer(state, clock, 0);
    const last = drive({ store: await openMemoryStore({ state }), orchestrators: [sleeper], activities: [] }, { clock });
    await last.settle();
    expect(await get(last, "deadly")).toMatchObject({ status: "Running", stalled: expect.stringContaining("3 crashes in a row") });
    await over(last, last.engine.resume("deadly"));
    expect(await get(last, "deadly")).toMatchObject({ status: "Completed", output: "woken" });
  });
});

describe("a stalled instance (E13)", () => {
  test("is purged only after it was terminated", async () => {
    const driven = await withStalled();
    await expect(over(driven, driven.engine.purge("stuck"))).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    await over(driven, driven.engine.terminate("stuck", { output: "enough" }));
    const ended = await get(driven, "stuck");
    expect(ended).toMatchObject({ status: "Terminated", output: "enough" });
    expect(ended?.stalled).toBeUndefined();
    expect(await over(driven, driven.engine.purge("stuck"))).toBe(1);
    expect(await get(driven, "stuck")).toBeUndefined();
  });

  test("keeps the events that are raised for it, and has them in order when it goes on", async () => {
    const state = new MemoryState();
    const driven = await withStalled(state);
    for (const name of ["one", "two"]) await over(driven, driven.engine.raiseEvent("stuck", "word", name));
    expect((await get(driven, "stuck"))?.stalled).toBeDefined();
    const mended = await open(state, true);
    expect(await get(mended, "stuck")).toMatchObject({ status: "Completed", output: ["one", "two"] });
  });

  test("takes a suspend when it goes on, before what came after it", async () => {
    const state = new MemoryState();
    const driven = await withStalled(state);
    await over(driven, driven.engine.raiseEvent("stuck", "word", "one"));
    await over(driven, driven.engine.suspend("stuck"));
    await over(driven, driven.engine.raiseEvent("stuck", "word", "two"));
    expect((await get(driven, "stuck"))?.stalled).toBeDefined();
    const mended = await open(state, true);
    expect(await get(mended, "stuck")).toMatchObject({ status: "Suspended" });
    expect((await get(mended, "stuck"))?.stalled).toBeUndefined();
    await over(mended, mended.engine.resume("stuck"));
    expect(await get(mended, "stuck")).toMatchObject({ status: "Completed", output: ["one", "two"] });
  });

  test("E11: refuses events over its inbox's bound, and still takes resume and terminate", async () => {
    const driven = await withStalled(new MemoryState(), { maxInboxMessages: 3 });
    const raise = (): Promise<void> => over(driven, driven.engine.raiseEvent("stuck", "word", "x"));
    // Its start is the first that waits.
    for (let count = 0; count < 2; count += 1) await raise();
    await expect(raise()).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", message: expect.stringContaining("3 messages wait") });
    await over(driven, driven.engine.resume("stuck"));
    await over(driven, driven.engine.terminate("stuck"));
    expect((await get(driven, "stuck"))?.status).toBe("Terminated");
  });
});

/** Two words; without the mend it awaits something that is not ctx. */
async function open(state: MemoryState, isMended: boolean, limits = {}): Promise<Driven> {
  const words = defineOrchestrator("words", async (ctx) => {
    if (!isMended) await new Promise(() => {});
    return [await ctx.waitForEvent("word"), await ctx.waitForEvent("word")];
  });
  const driven = drive({ store: await openMemoryStore({ state }), orchestrators: [words], activities: [] }, { limits });
  await driven.settle();
  return driven;
}

async function withStalled(state = new MemoryState(), limits = {}): Promise<Driven> {
  const driven = await open(state, false, limits);
  await over(driven, driven.engine.start("words", undefined, { instanceId: "stuck" }));
  expect((await get(driven, "stuck"))?.stalled).toContain("awaits something that is not ctx");
  return driven;
}

async function over<Answer>(driven: Driven, call: Promise<Answer>): Promise<Answer> {
  const answered = call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await driven.settle();
  const answer = await answered;
  if ("error" in answer) throw answer.error;
  return answer.value;
}

const get = ({ engine }: Driven, id: string) => engine.get(id);
