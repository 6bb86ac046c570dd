// Measures time in which the run was owned, with durable timers, which know wall time only. The limit is cut into
// ticks. A tick that fires more than a tick late fired late because nobody owned the run, and counts nothing: a resume
// after a day does not time out. The error is at most one tick for each interruption.

const MIN_TICK_MS = 1_000;
const MAX_TICK_MS = 300_000;

export class OwnedClock {
  readonly #tickMs: number;
  #leftMs: number;

  constructor(limitMs: number) {
    this.#leftMs = limitMs;
    this.#tickMs = Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, limitMs / 60));
  }

  /** How long the next timer takes; 0 when the time is up. */
  get nextTickMs(): number {
    return Math.min(this.#tickMs, this.#leftMs);
  }

  /** A timer of `nextTickMs` fired, `lateMs` after it was due. */
  tick(lateMs: number): void {
    if (lateMs <= this.#tickMs) this.#leftMs -= this.nextTickMs;
  }
}
