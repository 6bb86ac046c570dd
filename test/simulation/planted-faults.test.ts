// The checks bite: each of these faults is put in from outside, one at a time, and is found within a bounded number of seeds
// by the check that is meant for it. Faults in the rules and loops replace a module's function; those about workers out of
// process and entities are in planted-work-faults.test.ts.

import { afterEach, describe, expect, test, vi } from "vitest";
import type * as applyTurn from "../../src/engine/apply-turn.ts";
import type * as rules from "../../src/engine/rules.ts";
import type * as triage from "../../src/engine/triage.ts";
import type * as committer from "../../src/loops/committer.ts";
import type * as dispatch from "../../src/loops/dispatch.ts";
import type * as turnCommits from "../../src/loops/turn-commits.ts";
import type * as warmSet from "../../src/loops/warm-set.ts";
import type { PartAnswer } from "../../src/store/store.ts";
import { memoryBackend } from "./backends.ts";
import { firstFinding, MAX_SEEDS } from "./first-finding.ts";
import { e15SameAsUndisturbed } from "./outcomes.ts";
import type { Plant } from "./plant.ts";
import * as planted from "./planted-faults.ts";
import { reportOf } from "./report.ts";
import { simulate } from "./simulate.ts";

/** The one fault in the modules that is switched on. */
const fault = vi.hoisted(() => ({ name: "none" }));

vi.mock(import("../../src/engine/rules.ts"), async (original) => {
  const real: typeof rules = await original();
  return {
    ...real,
    classify: (message, meantFor, current, open) =>
      real.classify(message, fault.name === "token without execution" ? undefined : meantFor, current, open),
    turnTime: (state, queue, now) => (fault.name === "time goes back" ? now : real.turnTime(state, queue, now)),
  };
});

vi.mock(import("../../src/engine/triage.ts"), async (original) => {
  const real: typeof triage = await original();
  return {
    ...real,
    triage: (state, queue, now, retryStalled) => {
      const isFresh = queue[0]?.message.kind === "ExecutionStarted" && queue[0].source.kind === "inbox" && queue[0].source.key < 0;
      const terminates = queue.filter(({ message }) => message.kind === "ExecutionTerminated");
      if (fault.name !== "terminate lost" || !isFresh || terminates.length === 0) return real.triage(state, queue, now, retryStalled);
      const rest = queue.filter(({ message }) => message.kind !== "ExecutionTerminated");
      const sorted = real.triage(state, rest, now, retryStalled);
      return sorted.kind === "turn" ? { ...sorted, dropped: [...sorted.dropped, ...terminates] } : sorted;
    },
  };
});

vi.mock(import("../../src/engine/apply-turn.ts"), async (original) => {
  const real: typeof applyTurn = await original();
  return {
    ...real,
    applyTurn: (state, turn, ports) => {
      const committing = real.applyTurn(state, turn, ports);
      if (fault.name !== "end arms timers" || committing.turn.next === undefined) return committing;
      return { ...committing, turn: { ...committing.turn, addTimers: [{ timerId: 999, fireAt: turn.time + 10 }] } };
    },
    applyTerminate: (...call) => {
      const committing = real.applyTerminate(...call);
      if (fault.name !== "children not terminated") return committing;
      return { ...committing, sends: committing.sends.filter(({ kind }) => kind !== "deliverToChildren") };
    },
  };
});

vi.mock(import("../../src/loops/committer.ts"), async (original) => {
  const real: typeof committer = await original();
  /** A refused turn is taken for a landed one: what it changed in memory stays. */
  class Committer extends real.Committer {
    override add(change: committer.Change): void {
      if (fault.name !== "warm state kept" || change.parts[0]?.kind !== "turn") return super.add(change);
      const answers = change.parts.map(({ kind }): PartAnswer => (kind === "turn" ? { kind: "turned", inboxKeys: [] } : { kind: "done" }));
      super.add({
        parts: change.parts,
        bytes: change.bytes,
        landed: (landed) => change.landed(landed),
        refused: () => change.landed(answers),
      });
    }
  }
  return { ...real, Committer };
});

vi.mock(import("../../src/loops/dispatch.ts"), async (original) => {
  const real: typeof dispatch = await original();
  /** An activity begins when its mark is asked for. */
  class Dispatch extends real.Dispatch {
    constructor(ports: dispatch.DispatchPorts) {
      const commit = (change: committer.Change): void => {
        ports.commit(change);
        const [part] = change.parts;
        if (fault.name === "dispatch before commit" && part?.kind === "attempt" && part.inFlight) change.landed([{ kind: "done" }]);
      };
      super({ ...ports, commit });
    }
  }
  return { ...real, Dispatch };
});

vi.mock(import("../../src/loops/turn-commits.ts"), async (original) => {
  const real: typeof turnCommits = await original();
  /** The next turn does not wait for the commit of the one before it. */
  class TurnCommits extends real.TurnCommits {
    override commit(...call: Parameters<turnCommits.TurnCommits["commit"]>): void {
      super.commit(...call);
      if (fault.name === "two turns outstanding") call[0].isOutstanding = false;
    }
  }
  return { ...real, TurnCommits };
});

vi.mock(import("../../src/loops/warm-set.ts"), async (original) => {
  const real: typeof warmSet = await original();
  /** Whatever is idle for a moment is forgotten. */
  class WarmSet extends real.WarmSet {
    override surplus(...call: Parameters<warmSet.WarmSet["surplus"]>): ReturnType<warmSet.WarmSet["surplus"]> {
      if (fault.name !== "warm instances forgotten") return super.surplus(...call);
      return [...this].filter(
        ({ state, queue, isOutstanding, isLeaving }) => state !== undefined && queue.length === 0 && !isOutstanding && !isLeaving,
      );
    }
  }
  return { ...real, WarmSet };
});

afterEach(() => {
  fault.name = "none";
});

describe(`planted faults are found within ${MAX_SEEDS} seeds`, () => {
  const nothing = (): Plant => ({});
  test.each<[fault: string, check: string, says: RegExp, plant: () => Plant]>([
    ["two turns outstanding", "E1", /two turns/, nothing],
    ["commit not atomic", "E2", /, not |than was committed|only in/, planted.commitNotAtomic],
    ["reply before commit", "E3", /told of something that is not committed/, planted.replyBeforeCommit],
    ["dispatch before commit", "E3", /runs and is not/, nothing],
    ["warm state kept", "E3", /events of .* that are not committed/, nothing],
    ["fence ignored", "E4", /earlier epoch/, planted.fenceIgnored],
    ["attempt not durable", "E5", /attempt 1, committed is 2/, planted.attemptNotDurable],
    ["token without execution", "E6", /not open|of execution/, planted.tokenWithoutExecution],
    ["old timer fires", "E6", /takes a timer/, planted.oldTimerFires],
    ["inbox read past a mark", "E7", /read were/, planted.inboxReadPastMark],
    ["terminate lost", "E8", /consumes a terminate and goes on/, nothing],
    ["end arms timers", "E9", /arms timers/, nothing],
    ["children not terminated", "E9", /not told that its parent/, nothing],
    ["limits ignored", "E11", /at most/, planted.limitsIgnored],
    ["warm instances forgotten", "E12", /read again/, nothing],
    ["innocent refused", "E13", /stalls/, planted.innocentRefused],
    ["wake-up dropped", "E14", /nothing is under way|clients wait|not answered/, planted.wakeUpDropped],
    ["time goes back", "Time", /goes back|takes a timer/, nothing],
  ])("%s: by %s", async (name, check, says, plant) => {
    fault.name = name;
    const finding = await firstFinding(plant, check);
    expect(finding?.check, finding?.message).toBe(check);
    expect(finding?.message).toMatch(says);
  });

  test("attempt in result: by E15", async () => {
    let difference: string | undefined;
    for (let seed = 1; seed <= MAX_SEEDS && difference === undefined; seed++) {
      const run = async (isCalm: boolean) => simulate({ seed, backend: await memoryBackend(), isCalm, plant: planted.attemptInResult() });
      const [stormy, calm] = [await run(false), await run(true)];
      difference = e15SameAsUndisturbed(stormy.plan, stormy.outcomes, calm.outcomes);
    }
    expect(difference).toMatch(/came to .*undisturbed/);
  });

  test("a finding is shown with its seed, all that was drawn, and what happened", async () => {
    const report = await simulate({ seed: 3, backend: await memoryBackend(), plant: planted.fenceIgnored() });
    const text = reportOf(report, report.violation?.message ?? "nothing");
    expect(text).toMatch(/^Seed 3: /);
    expect(text).toContain("SIGNALBOX_SEED=3 ");
    expect(report.drawn.length).toBeGreaterThan(100);
    for (const drawn of report.drawn) expect(text).toContain(drawn);
    expect(text).toContain(report.trace.at(-1));
  });

  test("without a fault the same seeds find nothing", async () => {
    expect(await firstFinding(nothing)).toBeUndefined();
  });
});
