// Work of one hub and one sort meets the streams that take it: credits on one side, one queue per kind on the other.

import { type KindQueue, KindQueues } from "./kind-queues.ts";
import { hasRoom, type OpenStream } from "./open-stream.ts";
import { StreamGroups, takesVersion } from "./stream-groups.ts";
import type { WorkSort } from "./work-item.ts";

export interface Match<Item> {
  readonly open: OpenStream;
  readonly item: Item;
  readonly name: string;
  readonly version: string | undefined;
}

export class Market<Item> {
  readonly #sort: WorkSort;
  readonly #maxInFlight: number;
  readonly #stirred: () => void;
  readonly #groups: StreamGroups;
  readonly #queues = new KindQueues<Item>();
  /** Kinds that have got items, and streams that have got room, since the last match. */
  readonly #fresh = new Set<KindQueue<Item>>();
  readonly #roomy = new Set<OpenStream>();
  #inFlight = 0;

  /** `stirred`: work may meet a stream; `take` shows it. */
  constructor(sort: WorkSort, maxInFlight: number, stirred: () => void) {
    this.#sort = sort;
    this.#maxInFlight = maxInFlight;
    this.#stirred = stirred;
    this.#groups = new StreamGroups(sort);
  }

  get queued(): number {
    return this.#queues.length;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#groups.isEmpty && this.#queues.isEmpty;
  }

  get queues(): KindQueues<Item> {
    return this.#queues;
  }

  opened(open: OpenStream): void {
    if (this.#groups.add(open)) this.changed(open);
  }

  closed(open: OpenStream): void {
    this.#groups.remove(open);
    this.#roomy.delete(open);
  }

  hasTaker(name: string, version: string | undefined): boolean {
    return this.#groups.hasTaker(name, version);
  }

  enqueue(name: string, version: string | undefined, item: Item): void {
    const queue = this.#queues.of(name, version);
    this.#queues.push(queue, item);
    this.#fresh.add(queue);
    this.#stirred();
  }

  /** A place at once, unless others of the kind wait for one; `preferred` before any other stream. */
  reserve(name: string, version: string | undefined, preferred?: OpenStream): OpenStream | undefined {
    if (this.#inFlight >= this.#maxInFlight || (this.#queues.find(name, version)?.length ?? 0) > 0) return undefined;
    const isPreferred = preferred !== undefined && hasRoom(preferred, this.#sort) && this.#takes(preferred, name, version);
    const open = isPreferred ? preferred : this.#groups.find(name, version);
    if (open !== undefined) this.#use(open);
    return open;
  }

  /** The place of an item that is with the stream no more. */
  release(open: OpenStream): void {
    open.used[this.#sort] -= 1;
    this.#inFlight -= 1;
    this.changed(open);
    // At the hub's bound others have room and got nothing.
    this.#stirred();
  }

  /** The stream has become silent, or is no more. */
  changed(open: OpenStream): void {
    this.#groups.changed(open);
    if (!hasRoom(open, this.#sort)) return;
    this.#roomy.add(open);
    this.#stirred();
  }

  /** The next items that have a place; the place is theirs. At the hub's bound the rest is looked at when there is room. */
  take(): readonly Match<Item>[] {
    const matches: Match<Item>[] = [];
    while (this.#fresh.size > 0 && this.#inFlight < this.#maxInFlight) {
      // One item of each kind, then the next of each.
      for (const queue of this.#fresh) {
        const open = queue.length === 0 ? undefined : this.#groups.find(queue.name, queue.version);
        if (open === undefined) this.#fresh.delete(queue);
        else this.#match(matches, open, queue);
        if (this.#inFlight >= this.#maxInFlight) break;
      }
    }
    while (this.#roomy.size > 0 && this.#inFlight < this.#maxInFlight) {
      // One item for each stream, then the next for each.
      for (const open of this.#roomy) {
        const group = open.groups[this.#sort];
        const queue = group === undefined || !hasRoom(open, this.#sort) ? undefined : this.#queues.nextFor(group);
        if (queue === undefined) this.#roomy.delete(open);
        else this.#match(matches, open, queue);
        if (this.#inFlight >= this.#maxInFlight) break;
      }
    }
    return matches;
  }

  #match(matches: Match<Item>[], open: OpenStream, queue: KindQueue<Item>): void {
    const item = this.#queues.shift(queue);
    if (item === undefined) return;
    this.#use(open);
    matches.push({ open, item, name: queue.name, version: queue.version });
  }

  #use(open: OpenStream): void {
    open.used[this.#sort] += 1;
    this.#inFlight += 1;
    this.#groups.used(open);
  }

  #takes(open: OpenStream, name: string, version: string | undefined): boolean {
    const group = open.groups[this.#sort];
    return group !== undefined && takesVersion(group, name, version);
  }
}
