// The whole engine with simulated workers, activities and crashes, in virtual time under a seed. SIGNALBOX_SEEDS=N takes more seeds,
// SIGNALBOX_SEED=N takes that one alone. docs/spec/simulation.md says what is simulated and what is checked.

import { describe, expect, test } from "vitest";
import { memoryBackend, sqliteBackend } from "./backends.ts";
import { e15SameAsUndisturbed } from "./outcomes.ts";
import { reportOf } from "./report.ts";
import { type Report, simulate } from "./simulate.ts";

const MEMORY_SEEDS = 300;
const SQLITE_SEEDS = 50;
const SEEDS_PER_TEST = 50;

const one = process.env["SIGNALBOX_SEED"];
const asked = Number(process.env["SIGNALBOX_SEEDS"] ?? MEMORY_SEEDS);
const seeds = one === undefined ? Array.from({ length: asked }, (_, index) => index + 1) : [Number(one)];
const onSqlite = one === undefined ? seeds.slice(0, Math.max(SQLITE_SEEDS, Math.round(asked / 6))) : seeds;

async function disturbed(seed: number, store: "memory" | "SQLite"): Promise<Report> {
  await using backend = store === "memory" ? await memoryBackend() : await sqliteBackend();
  return await simulate({ seed, backend });
}

async function undisturbed(seed: number): Promise<Report> {
  return await simulate({ seed, backend: await memoryBackend(), isCalm: true });
}

function holds(report: Report, difference?: string): void {
  const finding = report.violation?.message ?? difference;
  if (finding !== undefined) throw new Error(reportOf(report, finding));
}

describe("the invariants E1 to E16 hold over all seeds on the memory store", () => {
  const groups = Map.groupBy(seeds, (seed) => Math.floor((seed - 1) / SEEDS_PER_TEST));
  test.each([...groups.values()].map((group) => [group[0], group.at(-1), group] as const))("seeds %i to %i", async (_from, _to, group) => {
    for (const seed of group) {
      const [calm, stormy] = [await undisturbed(seed), await disturbed(seed, "memory")];
      holds(calm);
      holds(stormy);
      holds(stormy, differenceOf(stormy, calm));
    }
  });
});

describe("SQLite, with real statements, does the same", () => {
  test.each(onSqlite.map((seed) => [seed]))("seed %i", async (seed) => {
    const [memory, sqlite] = [await disturbed(seed, "memory"), await disturbed(seed, "SQLite")];
    holds(sqlite);
    expect(sqlite.traceHash, "the same seed gives the same trace").toBe(memory.traceHash);
    expect(sqlite.rows).toEqual(memory.rows);
  });
});

test("the same seed gives the same trace twice, and another one another", async () => {
  const [first, again, other] = [await disturbed(7, "memory"), await disturbed(7, "memory"), await disturbed(8, "memory")];
  expect(again.traceHash).toBe(first.traceHash);
  expect(again.drawn).toEqual(first.drawn);
  expect(other.traceHash).not.toBe(first.traceHash);
});

test("seeds meet what they are for: deaths in and around commits, refusals, lost and late reports, workers that lie", async () => {
  const traces = (await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((seed) => disturbed(seed, "memory")))).map(({ trace }) =>
    trace.join("\n"),
  );
  const met = [
    "crash before a commit",
    "crash in a commit",
    "crash after a commit",
    "crash out of the blue",
    "the disk fails",
    "the store refuses",
    "shutdown",
    "clock jumps",
    "suspend",
    "terminate",
    "purge",
    "abort",
    "rewind",
    "restart",
    "clear",
    "delta",
    "ends and drains",
    "gives back",
    "is refused: INVALID_ARGUMENT",
    "is started again",
  ];
  for (const what of met)
    expect(
      traces.some((trace) => trace.includes(what)),
      what,
    ).toBe(true);
});

function differenceOf(stormy: Report, calm: Report): string | undefined {
  const difference = e15SameAsUndisturbed(stormy.plan, stormy.outcomes, calm.outcomes);
  return difference === undefined ? undefined : `E15: ${difference}`;
}
