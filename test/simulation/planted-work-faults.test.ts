// Faults about workers out of process and entities, planted one at a time: each is found by the check that is meant for it.

import { afterEach, describe, expect, test, vi } from "vitest";
import type * as applyEntity from "../../src/engine/apply-entity.ts";
import type * as applyTurn from "../../src/engine/apply-turn.ts";
import type * as entityRules from "../../src/engine/entity-rules.ts";
import type * as entityTriage from "../../src/engine/entity-triage.ts";
import type * as turnCommits from "../../src/loops/turn-commits.ts";
import type * as batchDesk from "../../src/loops/workers/batch-desk.ts";
import type * as inFlight from "../../src/loops/workers/in-flight.ts";
import type * as markets from "../../src/loops/workers/markets.ts";
import type * as openStream from "../../src/loops/workers/open-stream.ts";
import type { Part } from "../../src/store/store.ts";
import { firstFinding, MAX_SEEDS } from "./first-finding.ts";
import type { Plant } from "./plant.ts";
import * as planted from "./planted-faults.ts";

/** The one fault in the modules that is switched on. */
const fault = vi.hoisted(() => ({ name: "none" }));

const isUnlock = (part: Part): boolean => part.kind === "deliverToEntity" && part.message.kind === "EntityUnlockSent";
const isAnswer = (part: Part): boolean => part.kind === "deliver" && part.message.kind === "EntityOperationCompleted";

vi.mock(import("../../src/engine/apply-turn.ts"), async (original) => {
  const real: typeof applyTurn = await original();
  return {
    ...real,
    applyTurn: (...call) => {
      const committing = real.applyTurn(...call);
      if (fault.name !== "locks kept at continue-as-new" || committing.turn.next === undefined) return committing;
      return { ...committing, sends: committing.sends.filter((part) => !isUnlock(part)) };
    },
    applyTerminate: (...call) => {
      const committing = real.applyTerminate(...call);
      if (fault.name !== "locks kept at terminate") return committing;
      return { ...committing, sends: committing.sends.filter((part) => !isUnlock(part)) };
    },
  };
});

vi.mock(import("../../src/engine/apply-entity.ts"), async (original) => {
  const real: typeof applyEntity = await original();
  return {
    ...real,
    applyEntitySystem: (...call) => {
      const committing = real.applyEntitySystem(...call);
      if (fault.name !== "unlock not forwarded") return committing;
      return { ...committing, sends: committing.sends.filter((part) => !isUnlock(part)) };
    },
    applyEntityBatch: (...call) => {
      const committing = real.applyEntityBatch(...call);
      if (fault.name !== "call not answered") return committing;
      return { ...committing, sends: committing.sends.filter((part) => !isAnswer(part)) };
    },
  };
});

vi.mock(import("../../src/engine/entity-rules.ts"), async (original) => {
  const real: typeof entityRules = await original();
  return {
    ...real,
    classifyForEntity: (...call) => {
      const kind = real.classifyForEntity(...call);
      return fault.name === "stranger served" && kind === "operation" ? "own" : kind;
    },
  };
});

vi.mock(import("../../src/engine/entity-triage.ts"), async (original) => {
  const real: typeof entityTriage = await original();
  return {
    ...real,
    triageEntity: (state, queue, now, maxBatch) =>
      real.triageEntity(state, queue, fault.name === "scheduled signal served early" ? now + 1_000_000 : now, maxBatch),
  };
});

vi.mock(import("../../src/loops/turn-commits.ts"), async (original) => {
  const real: typeof turnCommits = await original();
  /** A worker hears that its answer is taken when its commit is asked for. */
  class TurnCommits extends real.TurnCommits {
    override commit(...call: Parameters<turnCommits.TurnCommits["commit"]>): void {
      if (fault.name === "answer taken before its commit") call[3]?.accept();
      super.commit(...call);
    }
  }
  return { ...real, TurnCommits };
});

vi.mock(import("../../src/loops/workers/batch-desk.ts"), async (original) => {
  const real: typeof batchDesk = await original();
  class BatchDesk extends real.BatchDesk {
    readonly #instances: batchDesk.BatchDeskPorts["instances"];

    constructor(...[sort, ports, market]: ConstructorParameters<typeof batchDesk.BatchDesk>) {
      super(sort, ports, market);
      this.#instances = ports.instances;
    }

    /** Whatever answer comes is for the batch that is out. */
    override answered(...[ref, token, answer]: Parameters<batchDesk.BatchDesk["answered"]>): ReturnType<batchDesk.BatchDesk["answered"]> {
      const answered = super.answered(ref, token, answer);
      const entry = this.#instances.get(ref);
      if (fault.name !== "stale token accepted" || answered.current !== undefined || entry === undefined) return answered;
      const { state, batch } = entry;
      if (state === undefined || batch === undefined || entry.isOutstanding || entry.isLeaving) return answered;
      return { ...answered, current: { entry, state, batch } };
    }

    /** Whichever stream gets the next turn is taken to hold the instance. */
    override claim(...[entry, kind, preferred]: Parameters<batchDesk.BatchDesk["claim"]>): ReturnType<batchDesk.BatchDesk["claim"]> {
      if (fault.name !== "delta turn to anybody") return super.claim(entry, kind, preferred);
      const open = super.claim(entry, kind);
      if (open !== undefined && entry.holder !== undefined) Object.assign(entry.holder, { open });
      return open;
    }
  }
  return { ...real, BatchDesk };
});

vi.mock(import("../../src/loops/workers/in-flight.ts"), async (original) => {
  const real: typeof inFlight = await original();
  /** What was with a stream that has died is nobody's. */
  class InFlight extends real.InFlight {
    constructor(ports: inFlight.InFlightPorts) {
      super({
        ...ports,
        lost: (delivery, why) => {
          if (fault.name !== "lost item not returned" || why !== "stream") ports.lost(delivery, why);
        },
      });
    }
  }
  return { ...real, InFlight };
});

vi.mock(import("../../src/loops/workers/markets.ts"), async (original) => {
  const real: typeof markets = await original();
  class Markets extends real.Markets {
    override release(...[open, sort]: Parameters<markets.Markets["release"]>): void {
      if (fault.name !== "credits leaked" || sort !== "entity") super.release(open, sort);
    }
  }
  return { ...real, Markets };
});

vi.mock(import("../../src/loops/workers/open-stream.ts"), async (original) => {
  const real: typeof openStream = await original();
  return {
    ...real,
    hasRoom: (open, sort) => (fault.name === "credits ignored" ? open.state === "open" : real.hasRoom(open, sort)),
  };
});

afterEach(() => {
  fault.name = "none";
});

describe(`planted faults are found within ${MAX_SEEDS} seeds`, () => {
  const nothing = (): Plant => ({});
  test.each<[fault: string, check: string, says: RegExp, plant: () => Plant]>([
    ["answer taken before its commit", "E3", /a worker was told/, nothing],
    ["stale token accepted", "E5", /no worker has answered exactly that batch/, nothing],
    ["activity settled twice", "E5", /settled, and was not open/, planted.settledTwice],
    ["once-key forgotten", "E5", /has an effect a second time/, planted.keysForgotten],
    ["lost item not returned", "E10", /was lost with its stream and is never sent again/, nothing],
    ["credits leaked", "E11", /are taken to be with workers/, nothing],
    ["credits ignored", "E11", /are with a stream that takes/, nothing],
    ["delta turn to anybody", "E12", /goes to a stream that does not hold it/, nothing],
    ["locks kept at continue-as-new", "E16", /does not live/, nothing],
    ["locks kept at terminate", "E16", /does not live/, nothing],
    ["unlock not forwarded", "E16", /the unlock does not go on/, nothing],
    ["stranger served", "E16", /serve[sd]* somebody else|has served somebody else/, nothing],
    ["call not answered", "E16", /with 0 answers/, nothing],
    ["scheduled signal served early", "Time", /serves an operation of/, nothing],
  ])("%s: by %s", async (name, check, says, plant) => {
    fault.name = name;
    const finding = await firstFinding(plant, check);
    expect(finding?.check, finding?.message).toBe(check);
    expect(finding?.message).toMatch(says);
  });

  test("without a fault the same seeds find nothing", async () => {
    expect(await firstFinding(nothing)).toBeUndefined();
  });
});
