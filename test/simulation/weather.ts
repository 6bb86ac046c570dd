// What goes wrong in one seed, and how narrow its engine is. Every seed has its own weather, so that each fault is met alone
// as well as together with others.

import type { EngineLimits } from "../../src/loops/environment.ts";
import type { Random } from "./random.ts";

/** Probabilities, unless they say otherwise. */
export interface Weather {
  readonly crashBeforeCommit: number;
  readonly crashInCommit: number;
  readonly crashAfterCommit: number;
  readonly ioError: number;
  readonly refusal: number;
  /** Milliseconds that a call of the store takes at most. */
  readonly storeDelayMs: number;
  readonly duplicateDelivery: number;
  readonly duplicateReport: number;
  readonly lateReport: number;
  readonly lostReport: number;
  readonly impatientClient: number;
  /** Crashes, restarts and clock jumps that come at their own time. */
  readonly strikes: number;
  readonly strikePauseMs: number;
  /** At most this many processes die, in all. */
  readonly maxDeaths: number;
  readonly clockJumps: boolean;
  readonly checkReplays: boolean;
  readonly limits: Partial<EngineLimits>;
}

export const CALM: Weather = {
  crashBeforeCommit: 0,
  crashInCommit: 0,
  crashAfterCommit: 0,
  ioError: 0,
  refusal: 0,
  storeDelayMs: 1,
  duplicateDelivery: 0,
  duplicateReport: 0,
  lateReport: 0,
  lostReport: 0,
  impatientClient: 0,
  strikes: 0,
  strikePauseMs: 0,
  maxDeaths: 0,
  clockJumps: false,
  checkReplays: false,
  limits: {},
};

export function drawWeather(random: Random): Weather {
  const sometimes = (what: string, probability: number): number => (random.chance(`has ${what}`, 0.5) ? probability : 0);
  return {
    crashBeforeCommit: sometimes("crashBeforeCommit", 0.03),
    crashInCommit: sometimes("crashInCommit", 0.03),
    crashAfterCommit: sometimes("crashAfterCommit", 0.03),
    ioError: sometimes("ioError", 0.01),
    refusal: sometimes("refusal", 0.03),
    storeDelayMs: random.pick("storeDelayMs", [0, 1, 20, 200]),
    duplicateDelivery: sometimes("duplicateDelivery", 0.1),
    duplicateReport: sometimes("duplicateReport", 0.15),
    lateReport: sometimes("lateReport", 0.1),
    lostReport: sometimes("lostReport", 0.05),
    impatientClient: sometimes("impatientClient", 0.1),
    strikes: random.int("strikes", 0, 8),
    strikePauseMs: random.pick("strikePauseMs", [50, 400, 3_000]),
    maxDeaths: random.int("maxDeaths", 1, 10),
    clockJumps: random.chance("clockJumps", 0.5),
    checkReplays: random.chance("checkReplays", 0.25),
    limits: {
      idleMs: random.pick("idleMs", [30_000, 5_000, 40, 10]),
      maxWarmInstances: random.pick("maxWarmInstances", [10_000, 4, 1]),
      maxBatchParts: random.pick("maxBatchParts", [5_000, 7, 1]),
      maxActivities: random.pick("maxActivities", [1_000, 3, 1]),
      maxQueuedActivities: random.pick("maxQueuedActivities", [10_000, 2]),
      maxPendingCalls: random.pick("maxPendingCalls", [1_000_000, 8]),
    },
  };
}
