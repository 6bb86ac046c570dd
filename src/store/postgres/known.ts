// What was read for a batch, under the locks that keep it true until its end; and what a node remembers of the instances
// that it owns, which nobody else may change.

import type { PostgresHead } from "./heads.ts";
import type { ActivityName } from "./looks.ts";

const MAX_REMEMBERED = 16_384;

export interface Known {
  readonly heads: readonly PostgresHead[];
  /** By parent, in order of creation. */
  readonly children: ReadonlyMap<number, readonly number[]>;
  readonly inboxLengths: ReadonlyMap<number, number>;
  /** Those that are there; ours: this node has it, or nobody alive. */
  readonly activities: readonly (ActivityName & { readonly isOurs: boolean })[];
  /** Until when, by `pairKey` of hub and key. */
  readonly deliveries: ReadonlyMap<string, number>;
  readonly hubRefs: readonly number[];
  readonly hubDeliveries: number;
  readonly inboxKeys: readonly number[];
  readonly newRefs: readonly number[];
}

export const NOTHING_KNOWN: Known = {
  heads: [],
  children: new Map(),
  inboxLengths: new Map(),
  activities: [],
  deliveries: new Map(),
  hubRefs: [],
  hubDeliveries: 0,
  inboxKeys: [],
  newRefs: [],
};

/** Unambiguous for any two texts. */
export function pairKey(first: string, second: string): string {
  return `${first.length} ${first}${second}`;
}

/** Heads of owned instances, the longest unused forgotten first. */
export class RememberedHeads {
  readonly #heads = new Map<number, PostgresHead>();

  get(ref: number): PostgresHead | undefined {
    return this.#heads.get(ref);
  }

  set(head: PostgresHead): void {
    this.#heads.delete(head.ref);
    this.#heads.set(head.ref, head);
    if (this.#heads.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#heads.keys();
    if (oldest !== undefined) this.#heads.delete(oldest);
  }

  delete(ref: number): void {
    this.#heads.delete(ref);
  }

  clear(): void {
    this.#heads.clear();
  }
}
