import type { Clock } from "./environment.ts";

/** Longer waits are armed in parts. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The one timer of a loop, set to the earliest of what is due. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #cancel: (() => void) | undefined;
  #at: number | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  arm(due: { readonly wall: number | undefined; readonly monotonic: number | undefined }): void {
    const now = this.#clock.monotonic();
    const delays: number[] = [];
    if (due.wall !== undefined) delays.push(due.wall - this.#clock.now());
    if (due.monotonic !== undefined) delays.push(due.monotonic - now);
    if (delays.length === 0) return this.stop();
    const delay = Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil(Math.min(...delays))));
    const at = now + delay;
    // An alarm that rings too early finds nothing and is set again: cheaper than to move it at every tick.
    if (this.#at !== undefined && this.#at <= at) return;
    this.stop();
    this.#at = at;
    this.#cancel = this.#clock.setTimer(delay, this.#ring);
  }

  rang(): void {
    this.#at = undefined;
    this.#cancel = undefined;
  }

  stop(): void {
    this.#cancel?.();
    this.rang();
  }
}
