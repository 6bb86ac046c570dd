// All that the loop gets from outside, so that a simulation can run the whole engine in virtual time under a seed.

import type { ActivityOutcome } from "../model/work-item.ts";
import type { Hop } from "../runtime/run-turns.ts";
import type { ActivityTask } from "./activity-task.ts";

export interface Clock {
  /** Wall time in milliseconds since the epoch; may jump. */
  now(): number;
  /** Milliseconds from some moment; never goes back. */
  monotonic(): number;
  /** Calls back once, not before the delay; the answer cancels it. The delay is at most 2^31 - 1. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

export interface Ids {
  /** Unique for ever; with a seed in simulations. */
  uuid(): string;
}

/**
 * Runs activities, wherever. Each delivery may be reported never, late or twice; the loop settles an activity by the first
 * report that counts (E5). `report` may be called at once. `abort` asks a running one to stop; it need not answer.
 */
export interface ActivityExecutor {
  run(task: ActivityTask, attempt: number, report: (outcome: ActivityOutcome) => void): void;
  abort(task: ActivityTask, attempt: number, reason: string): void;
  /** How many of that name may run at once. */
  maxConcurrent(activityName: string): number;
  /** Absent: it runs them all. Else those of other names go to workers out of process, if there may be any. */
  serves?(activityName: string): boolean;
  /** All that it serves; absent: whatever comes. */
  readonly names?: readonly string[];
}

export interface EngineLimits {
  /** Activities that run at once. */
  readonly maxActivities: number;
  /** Activities that wait for their turn in memory; more wait in the store. */
  readonly maxQueuedActivities: number;
  /** Calls that wait for their commit; one more is refused with LIMIT_EXCEEDED. */
  readonly maxPendingCalls: number;
  /** Messages that wait for one instance; one more event is refused with LIMIT_EXCEEDED, or dropped if it came from another instance. */
  readonly maxInboxMessages: number;
  readonly maxWarmInstances: number;
  readonly maxWarmBytes: number;
  /** An instance without an event for this long becomes cold. */
  readonly idleMs: number;
  readonly maxBatchParts: number;
  readonly maxBatchBytes: number;
  /** In bytes of JSON. */
  readonly maxPayloadLength: number;
  /** Of ids and names that callers and workers give, in UTF-16 units. */
  readonly maxNameLength: number;
  /** An execution with more events than this is stalled instead of having another turn. */
  readonly maxHistoryLength: number;
  /** The same in bytes of its encoded history. */
  readonly maxHistoryBytes: number;
}

export const DEFAULT_LIMITS: EngineLimits = {
  maxActivities: 1_000,
  maxQueuedActivities: 10_000,
  maxPendingCalls: 1_000_000,
  maxInboxMessages: 10_000,
  maxWarmInstances: 10_000,
  maxWarmBytes: 256 * 1024 * 1024,
  idleMs: 30_000,
  maxBatchParts: 5_000,
  maxBatchBytes: 16 * 1024 * 1024,
  maxPayloadLength: 16 * 1024 * 1024,
  maxNameLength: 2_048,
  maxHistoryLength: 1_000_000,
  maxHistoryBytes: 1024 * 1024 * 1024,
};

export interface EngineEnvironment {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly hop: Hop;
  readonly limits?: Partial<EngineLimits>;
  /** Absent: activities run in this process, on its event loop. */
  readonly executor?: ActivityExecutor;
  /** Test mode: each turn of a warm instance is checked against a full replay. */
  readonly checkReplays?: boolean;
  /** An observer of ours threw; real ones rethrow out of band. */
  readonly defect: (error: unknown) => void;
}
