// Kill anywhere: a run is killed at every position of its history and at random moments, and resumed. It ends as if
// nobody had killed it, what had ended never runs again, each attempt executes once, and no process is left.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { eventsIn } from "../command/command-sandbox.ts";
import { KilledRun, type Picture } from "./killed-run.ts";
import { STEPS } from "./workflow.ts";

const RANDOM_KILLS = 100;
/** More than a run of the workflow has: about 115. */
const MOST_COMMITS = 250;
/** At a time: what two cores carry. */
const AT_ONCE = 2;

let built: BuiltCommand;
let undisturbed: Picture;
let tookMs: number;

beforeAll(async () => {
  built = await BuiltCommand.build({ killed: "test/kill-anywhere/killed-command.ts" });
  using run = new KilledRun(built.program);
  const before = performance.now();
  expect(await run.startsRun().ended).toMatchObject({ exitCode: 0, errors: "" });
  tookMs = performance.now() - before;
  undisturbed = await run.picture();
  await run.endedLike(undisturbed, new Map());
});
afterAll(() => built[Symbol.dispose]());

/** Takes cases as they come, a few at a time; the first failure says which case it was. */
async function each<Case>(cases: Iterable<Case>, run: (one: Case) => Promise<void>): Promise<void> {
  const rest = cases[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      try {
        await run(next.value);
      } catch (cause) {
        throw new Error(`${JSON.stringify(next.value)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** After a kill: resumed, perhaps killed again while it does, and resumed once more. */
async function goesOn(run: KilledRun, killedAgainAt?: string): Promise<void> {
  await run.attemptsHaveBegun();
  if ((await run.latest()) === undefined) return expect(run.ledger()).toEqual([]);
  let ended = await run.endedAttempts();
  if (killedAgainAt !== undefined) {
    await run.resume({ program: built.entry("killed"), environment: { DIE_AT: killedAgainAt } });
    await run.attemptsHaveBegun();
    ended = new Map([...ended, ...(await run.endedAttempts())]);
  }
  if ((await run.latest())?.status === "interrupted") expect(await run.resume()).toMatchObject({ exitCode: 0, errors: "", output: "" });
  await run.endedLike(undisturbed, ended);
}

describe.runIf(process.platform === "linux")("a run that is killed and resumed ends as if undisturbed", () => {
  test("the workflow has a job of 40 steps, and each step is told once, before its log", async () => {
    expect(STEPS).toBe(40);
    using run = new KilledRun(built.program);
    const { output } = await run.startRun("kill.yml", ["--json"]).ended;
    const started = new Set<string>();
    for (const event of eventsIn(output)) {
      if (event.type !== "step.started" && event.type !== "step.log") continue;
      const key = `${event.job}/${event.step}`;
      expect([event.type, key, started.has(key)]).toEqual([event.type, key, event.type === "step.log"]);
      started.add(key);
    }
    expect(started.size).toBeGreaterThan(STEPS);
  });

  for (const moment of ["before", "after"] as const)
    test(`killed ${moment} every commit of its history`, { timeout: 300_000 }, async () => {
      const runs = { killed: 0, ended: 0 };
      function* positions(): Iterable<{ readonly at: string; readonly again?: string }> {
        // Grouping depends on timing: a run may have one commit fewer than the one before.
        for (let commit = 1; runs.ended < 4 && commit < MOST_COMMITS; commit += 1) {
          const again = commit % 5 === 0 ? { again: `${commit % 2 === 0 ? "before" : "after"}:${1 + (commit % 23)}` } : {};
          yield { at: `${moment}:${commit}`, ...again };
        }
      }
      await each(positions(), async ({ at, again }) => {
        using run = new KilledRun(built.program);
        const { signal } = await run.startsRun({ program: built.entry("killed"), environment: { DIE_AT: at } }).ended;
        if (signal === "SIGKILL") runs.killed += 1;
        else runs.ended += 1;
        await goesOn(run, again);
      });
      expect(runs.killed).toBeGreaterThan(STEPS * 2);
      expect(runs.ended).toBeGreaterThan(0);
    });

  test(`killed from outside at ${RANDOM_KILLS} random moments`, { timeout: 300_000 }, async () => {
    const delays = Array.from({ length: RANDOM_KILLS }, (_unused, index) => (index + Math.random()) * (tookMs / RANDOM_KILLS) * 1.2);
    await each(delays, async (delayMs) => {
      using run = new KilledRun(built.program);
      const command = run.startsRun();
      const kill = setTimeout(() => command.kill("SIGKILL"), delayMs);
      await command.ended;
      clearTimeout(kill);
      await goesOn(run);
    });
  });
});
