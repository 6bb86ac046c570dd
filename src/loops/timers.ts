// Durable timers: one look at the store for the earliest, one alarm for all instances, no timer object per instance.

import type { DueTimer, Store } from "../store/store.ts";

const PAGE = 500;

export class Timers {
  readonly #store: Store;
  /** Given to their instances, not yet removed by a commit; the store still lists them. */
  readonly #firing = new Set<string>();
  #next: number | undefined;
  #isLooking = false;
  #addedMeanwhile: number | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Wall time of the earliest timer that is not firing, as far as is known. */
  get next(): number | undefined {
    return this.#next;
  }

  get isLooking(): boolean {
    return this.#isLooking;
  }

  /** After the commit that armed it. */
  armed(fireAt: number): void {
    if (this.#next === undefined || fireAt < this.#next) this.#next = fireAt;
    if (this.#addedMeanwhile === undefined || fireAt < this.#addedMeanwhile) this.#addedMeanwhile = fireAt;
  }

  isFiring(timer: DueTimer): boolean {
    return this.#firing.has(nameOf(timer));
  }

  fired(timer: DueTimer): void {
    this.#firing.add(nameOf(timer));
  }

  settled(timer: Pick<DueTimer, "ref" | "executionId" | "timerId">): void {
    this.#firing.delete(nameOf(timer));
  }

  /** Reads the earliest ones. */
  async look(): Promise<readonly DueTimer[]> {
    this.#isLooking = true;
    this.#addedMeanwhile = undefined;
    return await this.#store.dueTimers(Number.MAX_SAFE_INTEGER, this.#firing.size + PAGE);
  }

  /** Those of a look that are due now; remembers when to look again. */
  takeDue(seen: readonly DueTimer[], now: number): readonly DueTimer[] {
    this.#isLooking = false;
    const fresh = seen.filter((timer) => !this.isFiring(timer));
    const due = fresh.filter(({ fireAt }) => fireAt <= now);
    const later = fresh.find(({ fireAt }) => fireAt > now)?.fireAt;
    const isCut = due.length > 0 && later === undefined;
    const nexts = [isCut ? now : later, this.#addedMeanwhile].filter((at) => at !== undefined);
    this.#next = nexts.length === 0 ? undefined : Math.min(...nexts);
    return due;
  }
}

/** Unambiguous: two numbers first, the id last. */
function nameOf({ ref, executionId, timerId }: Pick<DueTimer, "ref" | "executionId" | "timerId">): string {
  return `${ref} ${timerId} ${executionId}`;
}
