// Group commit: what ticks add becomes one batch while the batch before it is being written. A refused batch is split until
// the change at fault stands alone; the others commit (E13). Order is the order of adding, also over a split.

import { isSignalboxError, type SignalboxError } from "../model/errors.ts";
import type { Part, PartAnswer, Store } from "../store/store.ts";

/** Parts that stand or fall together, and what follows from each outcome. Nothing of it shows before `landed` (E3). */
export interface Change {
  readonly parts: readonly Part[];
  /** About what it weighs. */
  readonly bytes: number;
  landed(answers: readonly PartAnswer[]): void;
  refused(error: SignalboxError): void;
}

export interface Landed {
  readonly changes: readonly Change[];
  readonly answers: readonly PartAnswer[];
}

export class Committer {
  readonly #store: Store;
  readonly #limits: { readonly maxBatchParts: number; readonly maxBatchBytes: number };
  readonly #onLanded: (landed: Landed) => void;
  readonly #onFailed: (changes: readonly Change[], error: unknown) => void;
  #open: Change[] = [];
  /** Halves of refused batches, which go first. */
  readonly #halves: (readonly Change[])[] = [];
  #isBusy = false;

  constructor(
    store: Store,
    limits: { readonly maxBatchParts: number; readonly maxBatchBytes: number },
    onLanded: (landed: Landed) => void,
    onFailed: (changes: readonly Change[], error: unknown) => void,
  ) {
    this.#store = store;
    this.#limits = limits;
    this.#onLanded = onLanded;
    this.#onFailed = onFailed;
  }

  get isIdle(): boolean {
    return !this.#isBusy && this.#open.length === 0 && this.#halves.length === 0;
  }

  get pending(): number {
    return this.#open.length;
  }

  add(change: Change): void {
    this.#open.push(change);
  }

  /** Sends the next batch, if none is in flight. */
  flush(): void {
    if (this.#isBusy) return;
    const changes = this.#halves.shift() ?? this.#take();
    if (changes.length === 0) return;
    this.#isBusy = true;
    const parts = changes.length === 1 && changes[0] !== undefined ? changes[0].parts : changes.flatMap((change) => change.parts);
    this.#store.commit({ epoch: this.#store.epoch, parts }).then(
      (answers) => this.#onLanded({ changes, answers }),
      (error: unknown) => this.#onFailed(changes, error),
    );
  }

  /** The loop has seen that the batch landed: the next may go. */
  settleLanded({ changes, answers }: Landed): void {
    this.#isBusy = false;
    if (changes.length === 1) return changes[0]?.landed(answers);
    let from = 0;
    for (const change of changes) {
      const to = from + change.parts.length;
      change.landed(answers.slice(from, to));
      from = to;
    }
  }

  /** Splits what was refused for its content; answers false for an error that ends the use of the store. */
  settleFailed(changes: readonly Change[], error: unknown): boolean {
    const isRefusal = isSignalboxError(error, "STORE_REFUSED") || isSignalboxError(error, "LIMIT_EXCEEDED");
    if (!isRefusal) return false;
    this.#isBusy = false;
    const [first] = changes;
    if (changes.length === 1 && first !== undefined) {
      first.refused(error);
      return true;
    }
    const middle = changes.length >> 1;
    this.#halves.unshift(changes.slice(0, middle), changes.slice(middle));
    return true;
  }

  /** Everything that has not landed, when the engine ends. */
  abandon(error: SignalboxError): void {
    const left = [...this.#halves.flat(), ...this.#open];
    this.#halves.length = 0;
    this.#open = [];
    for (const change of left) change.refused(error);
  }

  #take(): readonly Change[] {
    const { maxBatchParts, maxBatchBytes } = this.#limits;
    let parts = 0;
    let bytes = 0;
    let count = 0;
    for (const change of this.#open) {
      parts += change.parts.length;
      bytes += change.bytes;
      if (count > 0 && (parts > maxBatchParts || bytes > maxBatchBytes)) break;
      count += 1;
    }
    if (count === this.#open.length) {
      const all = this.#open;
      this.#open = [];
      return all;
    }
    return this.#open.splice(0, count);
  }
}
