import type { WorkSort } from "./work-item.ts";

/** How the engine deals with workers out of process. */
export interface WorkerLimits {
  /** Items that are with the workers of one hub at once, by sort; more wait, whatever credits their streams have. */
  readonly maxInFlight: { readonly [Sort in WorkSort]: number };
  /** Activities of one name and version that wait in memory; more wait in the store. */
  readonly maxQueuedPerKind: number;
  /** An item that is not answered for this long goes to another stream (E10). Activities may take as long as they like. */
  readonly answerMs: { readonly orchestration: number; readonly entity: number };
  /** How long a worker whose stream has ended may take to complete what it has, while its connection lives (E10). */
  readonly drainMs: { readonly [Sort in WorkSort]: number };
  /** Pauses between tries of an item that workers give back, do not answer, or answer with nonsense. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  /** After so many tries in a row the instance is stalled. */
  readonly maxTries: number;
  /** Operations that an entity's worker gets at once. */
  readonly maxEntityBatch: number;
}

export const DEFAULT_WORKER_LIMITS: WorkerLimits = {
  maxInFlight: { orchestration: 10_000, activity: 100_000, entity: 10_000 },
  maxQueuedPerKind: 10_000,
  answerMs: { orchestration: 60_000, entity: 60_000 },
  drainMs: { orchestration: 2_000, activity: 30_000, entity: 2_000 },
  firstPauseMs: 1_000,
  maxPauseMs: 60_000,
  maxTries: 10,
  maxEntityBatch: 100,
};
