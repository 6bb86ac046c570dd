// What goes wrong in one seed, and how narrow its engine is. Every seed has its own weather, so that each fault is met alone
// as well as together with others.

import type { EngineLimits } from "../../src/loops/environment.ts";
import type { WorkerLimits } from "../../src/loops/workers/worker-limits.ts";
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
  readonly workers: WorkerWeather;
}

/** What workers out of process do to each item that they get. */
export interface WorkerWeather {
  /** It is never answered. */
  readonly silence: number;
  /** It is answered when others have it too. */
  readonly lateAnswer: number;
  readonly answersTwice: number;
  /** An answer that was given before is given again, to whatever process there is. */
  readonly repeatsOld: number;
  readonly nonsense: number;
  readonly givesBack: number;
  /** What the worker held warm is gone. */
  readonly forgets: number;
  /** A batch of operations is answered in part. */
  readonly fewerResults: number;
  /** Streams that end at their own time, in all; some with their connection. */
  readonly cuts: number;
  readonly limits: Partial<WorkerLimits>;
}

export const CALM_WORKERS: WorkerWeather = {
  silence: 0,
  lateAnswer: 0,
  answersTwice: 0,
  repeatsOld: 0,
  nonsense: 0,
  givesBack: 0,
  forgets: 0,
  fewerResults: 0,
  cuts: 0,
  limits: {},
};

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
  workers: CALM_WORKERS,
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
    workers: {
      silence: sometimes("silence", 0.03),
      lateAnswer: sometimes("lateAnswer", 0.03),
      answersTwice: sometimes("answersTwice", 0.15),
      repeatsOld: sometimes("repeatsOld", 0.15),
      nonsense: sometimes("nonsense", 0.05),
      givesBack: sometimes("givesBack", 0.05),
      forgets: sometimes("forgets", 0.1),
      fewerResults: sometimes("fewerResults", 0.3),
      cuts: random.pick("cuts", [0, 2, 8]),
      limits: {
        maxTries: random.pick("maxTries", [10, 2]),
        maxEntityBatch: random.pick("maxEntityBatch", [100, 2, 1]),
        maxQueuedPerKind: random.pick("maxQueuedPerKind", [10_000, 2, 1]),
        maxInFlight: random.pick("maxInFlight", [MANY, FEW]),
      },
    },
  };
}

const MANY = { orchestration: 10_000, activity: 10_000, entity: 10_000 };
const FEW = { orchestration: 2, activity: 2, entity: 1 };
