// How an activity is attempted and bounded; part of both the action that schedules it and the event that records it.

export interface RetryPolicy {
  /** Attempts in all, the first included; at least 1. */
  readonly maxAttempts: number;
  readonly firstDelayMs: number;
  /** Factor from each delay to the next; 1 by default. */
  readonly backoff?: number;
  readonly maxDelayMs?: number;
}

/** How the engine runs an activity; kept in history, so that it is the same after a crash. */
export interface ActivityOptions {
  readonly retry?: RetryPolicy;
  /** Bounds one attempt, from its start. */
  readonly startToCloseMs?: number;
  /** Bounds all attempts together, from the scheduling. */
  readonly scheduleToCloseMs?: number;
}
