import type { InstanceRef } from "../model/parts.ts";
import { type Entry, isDirect, isOut } from "./entry.ts";
import type { EngineLimits } from "./environment.ts";

/** The instances in memory, least recently used first; bounded by count and by the bytes of their histories. */
export class WarmSet {
  readonly #limits: Pick<EngineLimits, "maxWarmInstances" | "maxWarmBytes" | "idleMs">;
  readonly #entries = new Map<InstanceRef, Entry>();
  readonly #bytes = new Map<InstanceRef, number>();
  readonly #isRunnable: (entry: Entry) => boolean;
  #total = 0;

  /** `isRunnable`: it is to have a turn. */
  constructor(limits: Pick<EngineLimits, "maxWarmInstances" | "maxWarmBytes" | "idleMs">, isRunnable: (entry: Entry) => boolean) {
    this.#limits = limits;
    this.#isRunnable = isRunnable;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(ref: InstanceRef): Entry | undefined {
    return this.#entries.get(ref);
  }

  add(entry: Entry): void {
    this.#entries.set(entry.ref, entry);
  }

  delete({ ref }: Entry): void {
    this.#entries.delete(ref);
    this.#total -= this.#bytes.get(ref) ?? 0;
    this.#bytes.delete(ref);
  }

  /** After a committed turn. */
  touch(entry: Entry, now: number): void {
    const bytes = entry.state?.row.historyBytes ?? 0;
    entry.usedAt = now;
    this.#entries.delete(entry.ref);
    this.#entries.set(entry.ref, entry);
    this.#total += bytes - (this.#bytes.get(entry.ref) ?? 0);
    this.#bytes.set(entry.ref, bytes);
  }

  /** When the first one will have been idle for too long. */
  get nextIdle(): number | undefined {
    const [first] = this.#entries.values();
    return first === undefined ? undefined : first.usedAt + this.#limits.idleMs;
  }

  /** Those that have to become cold. One that is busy, or is to have a turn, stays and counts as used now. */
  surplus(now: number): readonly Entry[] {
    const { maxWarmInstances, maxWarmBytes, idleMs } = this.#limits;
    const surplus: Entry[] = [];
    let count = this.#entries.size;
    let bytes = this.#total;
    for (const entry of this.#entries.values()) {
      if (count <= maxWarmInstances && bytes <= maxWarmBytes && entry.usedAt + idleMs > now) break;
      if (isBusy(entry) || this.#isRunnable(entry)) {
        if (entry.usedAt + idleMs <= now) this.touch(entry, now);
        continue;
      }
      surplus.push(entry);
      count -= 1;
      bytes -= this.#bytes.get(entry.ref) ?? 0;
    }
    return surplus;
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }
}

function isBusy(entry: Entry): boolean {
  return entry.state === undefined || entry.isOutstanding || entry.isLeaving || isOut(entry) || entry.queue.some(isDirect);
}
