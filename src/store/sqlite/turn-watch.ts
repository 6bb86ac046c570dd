// The watchdog of E13, in two halves that share 16 bytes. The main thread notes which instance computes a turn; the store's
// thread looks now and then whether the same turn is still noted. Looking costs nothing at idle: the thread disarms its
// timer when it finds no turn, and the next turn to start wakes it by one message.

import type { InstanceRef, TurnWatch } from "../store.ts";

/** Cells of the shared words. The turn's number is odd while it computes. */
const TURN = 0;
const IS_ARMED = 1;
const WORDS_BYTES = 8;
const REF_BYTES = 8;

export function newWatchMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS_BYTES + REF_BYTES);
}

/** The main thread's half. */
export class TurnNotes implements TurnWatch {
  readonly #words: Int32Array;
  readonly #ref: Float64Array;
  readonly #arm: () => void;

  constructor(memory: SharedArrayBuffer, arm: () => void) {
    this.#words = new Int32Array(memory, 0, 2);
    this.#ref = new Float64Array(memory, WORDS_BYTES, 1);
    this.#arm = arm;
  }

  turnStarted(ref: InstanceRef): void {
    this.#ref[0] = ref;
    Atomics.add(this.#words, TURN, 1);
    if (Atomics.load(this.#words, IS_ARMED) === 0 && Atomics.exchange(this.#words, IS_ARMED, 1) === 0) this.#arm();
  }

  turnEnded(): void {
    Atomics.add(this.#words, TURN, 1);
  }
}

/** The store thread's half. */
export class TurnWatcher {
  readonly #words: Int32Array;
  readonly #ref: Float64Array;
  readonly #limitMs: number;
  readonly #onStalled: (ref: InstanceRef) => void;
  #seen: { readonly turn: number; readonly sinceMs: number } | undefined;

  constructor(memory: SharedArrayBuffer, limitMs: number, onStalled: (ref: InstanceRef) => void) {
    this.#words = new Int32Array(memory, 0, 2);
    this.#ref = new Float64Array(memory, WORDS_BYTES, 1);
    this.#limitMs = limitMs;
    this.#onStalled = onStalled;
  }

  /** Looks four times within the limit, as long as there are turns. */
  arm(): void {
    setTimeout(() => this.#look(), this.#limitMs / 4).unref();
  }

  #look(): void {
    const turn = Atomics.load(this.#words, TURN);
    if (turn === this.#seen?.turn) {
      if (turn % 2 === 0) return this.#disarm(turn);
      if (performance.now() - this.#seen.sinceMs >= this.#limitMs) return this.#onStalled(this.#ref[0] ?? 0);
    } else {
      this.#seen = { turn, sinceMs: performance.now() };
    }
    this.arm();
  }

  /** First says so and then looks again: a turn that starts in between finds the flag down, or is seen here. */
  #disarm(turn: number): void {
    Atomics.store(this.#words, IS_ARMED, 0);
    if (Atomics.load(this.#words, TURN) !== turn && Atomics.exchange(this.#words, IS_ARMED, 1) === 0) this.arm();
  }
}
