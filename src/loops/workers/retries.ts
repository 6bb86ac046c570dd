// Items that workers give back, do not answer, or answer with nonsense are tried again with growing pauses; after many tries
// in a row their instance is stalled with a reason (E13).

import type { InstanceRef } from "../../model/parts.ts";
import { Deadlines } from "../deadlines.ts";
import type { Clock } from "../environment.ts";
import type { WorkerLimits } from "./worker-limits.ts";

interface Trouble {
  tries: number;
  /** On the monotonic clock; it is not tried before. */
  until: number;
}

export type PauseLimits = Pick<WorkerLimits, "firstPauseMs" | "maxPauseMs" | "maxTries">;

/** The pause after so many tries: 1 s, 2 s, 4 s, ... by default. */
export function pauseAfter(tries: number, { firstPauseMs, maxPauseMs }: PauseLimits): number {
  return Math.min(maxPauseMs, firstPauseMs * 2 ** (tries - 1));
}

export class Retries {
  readonly #clock: Clock;
  readonly #limits: PauseLimits;
  readonly #troubles = new Map<InstanceRef, Trouble>();
  readonly #due = new Deadlines<InstanceRef>();

  constructor(clock: Clock, limits: PauseLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get nextDue(): number | undefined {
    return this.#due.next;
  }

  isPaused(ref: InstanceRef): boolean {
    const trouble = this.#troubles.get(ref);
    return trouble !== undefined && trouble.until > this.#clock.monotonic();
  }

  /** One more try has come to nothing. False after the last one. `paused`: what was tried has waited long enough already. */
  failed(ref: InstanceRef, hasPaused = false): boolean {
    const tries = (this.#troubles.get(ref)?.tries ?? 0) + 1;
    if (tries >= this.#limits.maxTries) {
      this.#troubles.delete(ref);
      return false;
    }
    const until = this.#clock.monotonic() + (hasPaused ? 0 : pauseAfter(tries, this.#limits));
    this.#troubles.set(ref, { tries, until });
    if (!hasPaused) this.#due.add(until, ref);
    return true;
  }

  /** A try has come to something, or nobody will try again. */
  over(ref: InstanceRef): void {
    this.#troubles.delete(ref);
  }

  /** Those whose pause is over. */
  take(): readonly InstanceRef[] {
    const now = this.#clock.monotonic();
    const refs: InstanceRef[] = [];
    for (let ref = this.#due.take(now); ref !== undefined; ref = this.#due.take(now)) if (this.#troubles.has(ref)) refs.push(ref);
    return refs;
  }
}
