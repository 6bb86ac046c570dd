// Instances that have something for a worker: those that wait for a place, and those that have one and are being read. An
// instance that waits need not be in memory; what is there for it lies in the store (E11).

import type { InstanceKey } from "../../model/ids.ts";
import type { InstanceRef } from "../../model/parts.ts";
import type { Market } from "./market.ts";
import type { OpenStream } from "./open-stream.ts";

export interface WorkFor extends Pick<InstanceKey, "hub"> {
  readonly ref: InstanceRef;
  readonly name: string;
  readonly version?: string;
}

interface Place {
  readonly market: Market<InstanceRef>;
  readonly open: OpenStream;
  readonly name: string;
  readonly version: string | undefined;
}

export class WaitingList {
  readonly #market: (hub: string) => Market<InstanceRef>;
  readonly #waiting = new Map<InstanceRef, WorkFor>();
  readonly #placed = new Map<InstanceRef, Place>();

  constructor(market: (hub: string) => Market<InstanceRef>) {
    this.#market = market;
  }

  isWaiting(ref: InstanceRef): boolean {
    return this.#waiting.has(ref);
  }

  /** Some stream takes work of that kind, if not now. */
  hasTaker({ hub, name, version }: WorkFor): boolean {
    return this.#market(hub).hasTaker(name, version);
  }

  /** Those that wait for a worker that is not there. */
  unserved(): readonly InstanceRef[] {
    return [...this.#waiting.values()].filter((work) => !this.hasTaker(work)).map(({ ref }) => ref);
  }

  /** A place for it now; without one it waits, and is called when there is one. */
  claim(work: WorkFor, preferred: OpenStream | undefined): OpenStream | undefined {
    const { hub, ref, name, version } = work;
    const place = this.#placed.get(ref);
    if (place !== undefined) {
      this.#placed.delete(ref);
      const { open } = place;
      if (open.state === "open" && place.name === name && place.version === version) return open;
      place.market.release(open);
    }
    if (this.#waiting.has(ref)) return undefined;
    const market = this.#market(hub);
    const open = market.reserve(name, version, preferred);
    if (open !== undefined) return open;
    this.#waiting.set(ref, work);
    market.enqueue(name, version, ref);
    return undefined;
  }

  /** Those of the market's queues that have a place now. */
  call(market: Market<InstanceRef>): readonly InstanceRef[] {
    const matches = market.take();
    for (const { open, item: ref, name, version } of matches) {
      this.#waiting.delete(ref);
      this.#placed.set(ref, { market, open, name, version });
    }
    return matches.map(({ item }) => item);
  }

  /** It has no use for a place that it was given. */
  giveBack(ref: InstanceRef): void {
    const place = this.#placed.get(ref);
    if (place === undefined) return;
    this.#placed.delete(ref);
    place.market.release(place.open);
  }
}
