// Who holds locks, or asks for them, is killed at every single step: nothing stays locked by the dead, and whoever waits for
// the same entities goes on (E16).

import { describe, expect, test } from "vitest";
import { isTerminal } from "../../src/model/status.ts";
import { memoryBackend } from "./backends.ts";
import type { Ledger } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import type { Place, Plan, Program, Root, Section, Step } from "./program.ts";
import { reportOf } from "./report.ts";
import { type Report, simulate } from "./simulate.ts";

const ENTITIES = ["@desk@a", "@stock@b", "@desk@c"];
const pause: Step = { kind: "timer", delayMs: 5 };
const far: Step = { kind: "activity", node: 1, name: "far", behaviour: { kind: "succeeds" } };

const section = (isLeft: boolean, inside: Step = pause, entities = ENTITIES): Section => ({
  kind: "section",
  entities,
  inside: [inside],
  isCareful: true,
  isLeft,
});

const program = (where: Place, steps: readonly Step[], rounds = 1): Program => ({ node: 0, steps, rounds, where });

const root = (instanceId: string, startAfterMs: number, of: Program): Root => ({
  instanceId,
  program: of,
  startAfterMs,
  acts: [],
  isRacy: false,
  isTerminated: false,
  isBroken: false,
  restart: "no",
  purge: "no",
});

/** The victim ends in a way of its own, if it is not killed before; two others want what it holds. */
const planOf = (where: Place, victim: readonly Step[], rounds = 1): Plan => ({
  roots: [
    root("victim", 0, program(where, victim, rounds)),
    root("other", 1, program("elsewhere", [section(false, far), section(true, pause, ["@desk@c"])])),
    root("another", 2, program("here", [section(false)])),
  ],
});

const VICTIMS: readonly (readonly [ends: string, steps: readonly Step[], rounds: number])[] = [
  ["completes and leaves its locks", [section(true)], 1],
  ["fails in its section", [section(true), { kind: "throw" }], 1],
  ["continues as new in its section", [section(true)], 2],
];

const DEATHS: readonly (readonly [name: string, does: (machine: Machine) => void])[] = [
  ["is terminated", (machine) => void machine.running?.engine.terminate("victim").catch(() => undefined)],
  [
    "is replaced",
    (machine) => {
      const input = { program: program("here", [section(false)]), path: "victim*", round: 0, results: [] };
      const replaceable = ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"] as const;
      void machine.running?.engine.start("program", input, { instanceId: "victim", replaceable }).catch(() => undefined);
    },
  ],
  ["loses its process", (machine) => void machine.crash("the engine is killed")],
];

interface Struck {
  readonly report: Report;
  /** It was too late: the victim had ended. */
  readonly isOver: boolean;
}

async function struck(plan: Plan, at: number, does: (machine: Machine) => void): Promise<Struck> {
  let isOver = false;
  const strike = {
    at,
    does: (machine: Machine, ledger: Ledger): void => {
      isOver = isTerminal(ledger.byId("victim")?.status ?? "Pending");
      does(machine);
    },
  };
  // One seed for all: what comes before the strike is the same each time.
  const report = await simulate({ seed: 1, backend: await memoryBackend(), isCalm: true, plan, strike });
  return { report, isOver };
}

describe.each<Place>(["here", "elsewhere"])("code %s", (where) => {
  describe.each(VICTIMS)("one that %s", (_, victim, rounds) => {
    test.each(DEATHS)("%s at every step", async (_death, does) => {
      const plan = planOf(where, victim, rounds);
      let steps = 0;
      for (let isOver = false; !isOver; ) {
        steps += 1;
        const { report, ...end } = await struck(plan, steps, does);
        if (report.violation !== undefined) throw new Error(reportOf(report, `struck at ${steps}: ${report.violation.message}`));
        isOver = end.isOver;
      }
      expect(steps).toBeGreaterThan(50);
    });
  });
});
