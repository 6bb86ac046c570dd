// Several nodes on one store in virtual time: hand-overs, take-overs, wrong clocks and lost hints. docs/spec/simulation.md.

import { describe, expect, test } from "vitest";
import type { Fault } from "./shared-state.ts";
import { simulateNodes } from "./simulate-nodes.ts";

const SEEDS = Number(process.env["SIGNALBOX_NODE_SEEDS"] ?? 36);
const MAX_SEEDS = 40;

const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1);

test.each(seeds)("all orders come to their end, once and in order: seed %i", async (seed) => {
  const { violation, trace } = await simulateNodes(seed);
  if (violation !== undefined) throw new Error([`Seed ${seed}: ${violation.message}`, ...trace].join("\n"));
});

test("the same seed gives the same trace, and another one another", async () => {
  const [first, again, other] = [await simulateNodes(4), await simulateNodes(4), await simulateNodes(5)];
  expect(again.traceHash).toBe(first.traceHash);
  expect(other.traceHash).not.toBe(first.traceHash);
});

const FAULTS: readonly (readonly [fault: Fault, check: string])[] = [
  ["fence is not checked", "E4"],
  ["claim does not look at the owner", "Ownership"],
  ["hints are all there is", "E14"],
  ["taken over before the mark", "Ownership"],
  ["inbox out of order", "E7"],
  // In fair weather, where nobody sweeps.
  ["no hint arrives", "E14"],
  ["each goes by its own clock", "E14"],
];

describe("a planted fault is found by the check that is meant for it", () => {
  test.each(FAULTS)("%s: %s", async (fault, check) => {
    const found = new Set<string>();
    for (let seed = 1; seed <= MAX_SEEDS && !found.has(check); seed++) {
      const { violation } = await simulateNodes(seed, fault);
      if (violation !== undefined) found.add(violation.check);
    }
    expect([...found]).toContain(check);
  });
});
