// The instances in memory: summoned from the store when there is something for them, runnable when their queue has grown,
// gone again when they are cold, stalled or ended.

import { fold } from "../engine/state.ts";
import type { Waiting } from "../engine/triage.ts";
import type { InboxRow, InstanceRef, InstanceRow, Part, StoredInstance } from "../model/parts.ts";
import type { Store } from "../store/store.ts";
import type { Change } from "./committer.ts";
import { type Entry, fromInbox, newEntry } from "./entry.ts";
import type { Clock, EngineLimits } from "./environment.ts";
import type { Readings } from "./readings.ts";
import { WarmSet } from "./warm-set.ts";

export interface InstancesPorts {
  readonly store: Store;
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly readings: Readings;
  readonly commit: (change: Change) => void;
  /** It waits for a worker, and what has arrived for it changes nothing about that: it may stay cold. */
  readonly mayStayCold: (ref: InstanceRef, row: InboxRow) => boolean;
  /** It has left memory. */
  readonly forgotten: (ref: InstanceRef) => void;
  /** What was to be given to one that turned out not to be here. */
  readonly untaken: (ref: InstanceRef, waiting: Waiting) => void;
  /** One that was summoned is not in the store, or another node's. */
  readonly absent: (ref: InstanceRef) => void;
  /** Other nodes are there, for whom one that becomes cold is released. */
  readonly isShared: () => boolean;
  /** Its inbox is read: there may be what is not known here. */
  readonly look: (ref: InstanceRef) => void;
  /** The store refused what it has no reason to refuse: rules of ours are broken. */
  readonly broke: (error: unknown) => void;
}

export class Instances {
  readonly #ports: InstancesPorts;
  readonly #entries: WarmSet;
  readonly #runnable = new Set<Entry>();

  constructor(ports: InstancesPorts) {
    this.#ports = ports;
    this.#entries = new WarmSet(ports.limits, (entry) => this.#runnable.has(entry));
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many may have a turn. */
  get runnable(): number {
    return this.#runnable.size;
  }

  /** When the first one will have been idle for too long. */
  get nextIdle(): number | undefined {
    return this.#entries.nextIdle;
  }

  get(ref: InstanceRef): Entry | undefined {
    return this.#entries.get(ref);
  }

  /** The entry of an instance; reads it if it is cold. */
  summon(ref: InstanceRef): Entry {
    const known = this.#entries.get(ref);
    if (known !== undefined) return known;
    const entry = newEntry(ref);
    this.#entries.add(entry);
    this.#ports.readings.start(this.#ports.store.load(ref), (stored) => ({ kind: "InstanceRead", ref, stored }));
    return entry;
  }

  /** What the store has of one that was summoned. */
  wereRead(ref: InstanceRef, stored: StoredInstance | undefined): void {
    const entry = this.#entries.get(ref);
    if (entry === undefined || entry.state !== undefined) return;
    if (stored === undefined) {
      // Gone, or another node's: what was to be given to it is not taken from the store.
      for (const waiting of entry.queue) this.#ports.untaken(ref, waiting);
      this.#ports.absent(ref);
      return this.forget(entry);
    }
    const known = new Set(stored.inbox.map(({ key }) => key));
    entry.state = fold(stored.row, stored.history);
    entry.history = [...stored.history];
    const direct = entry.queue;
    entry.queue = [...stored.inbox, ...entry.early.filter(({ key }) => !known.has(key))].map(fromInbox);
    entry.queue.push(...direct);
    entry.early = [];
    this.#runnable.add(entry);
  }

  /** One that this very commit has created: there is nothing to read. */
  begin(row: InstanceRow, start: InboxRow): void {
    const entry = newEntry(row.ref);
    entry.state = fold(row, []);
    this.#entries.add(entry);
    this.enqueue(entry, fromInbox(start));
  }

  /** A message that is in the inbox of an instance, by a commit that landed. */
  receive(ref: InstanceRef, row: InboxRow): void {
    const entry = this.#entries.get(ref);
    if (entry === undefined) {
      if (!this.#ports.mayStayCold(ref, row)) this.summon(ref);
    } else if (entry.isLeaving) entry.missed = true;
    // Its sender may have sent an earlier one by way of another node, which is not known here yet (E7). Answers to what the
    // execution asked for come from everywhere anyway.
    else if (this.#ports.isShared() && row.executionId === undefined) this.#ports.look(ref);
    else if (entry.state === undefined) entry.early.push(row);
    else this.enqueue(entry, fromInbox(row));
  }

  /** What the inbox has, others may have added to. */
  refill(ref: InstanceRef, rows: readonly InboxRow[]): void {
    const entry = this.#entries.get(ref);
    if (entry === undefined) return;
    if (entry.isLeaving) entry.missed = true;
    if (entry.isLeaving || entry.state === undefined) return;
    const known = new Set(entry.consuming);
    for (const { source } of entry.queue) if (source.kind === "inbox") known.add(source.key);
    for (const row of rows) if (!known.has(row.key)) this.enqueue(entry, fromInbox(row));
  }

  enqueue(entry: Entry, waiting: Waiting): void {
    entry.queue.push(waiting);
    if (entry.state !== undefined) this.#runnable.add(entry);
  }

  /** It is tried again, with what waits for it. */
  revive(ref: InstanceRef): void {
    const entry = this.summon(ref);
    if (entry.state !== undefined) this.#runnable.add(entry);
  }

  /** It has been used. */
  touch(entry: Entry): void {
    this.#entries.touch(entry, this.#ports.clock.monotonic());
  }

  /** A turn of it is committed. */
  turned(entry: Entry): void {
    this.touch(entry);
    if (entry.queue.length > 0) this.#runnable.add(entry);
  }

  /** The next of those that may have a turn. */
  takeRunnable(): Entry | undefined {
    const [entry] = this.#runnable;
    if (entry !== undefined) this.#runnable.delete(entry);
    return entry;
  }

  /** Leaves memory once its last change is committed; what arrives meanwhile is read again with the rest. */
  leave(entry: Entry, parts: readonly Part[], landed: () => void = () => undefined): void {
    cool(entry);
    if (parts.length === 0 && !entry.isOutstanding) return this.forget(entry);
    entry.isLeaving = true;
    this.commitAlone(parts, () => {
      landed();
      this.forget(entry);
      if (entry.missed) this.summon(entry.ref);
    });
  }

  commitAlone(parts: readonly Part[], landed: () => void): void {
    this.#ports.commit({ parts, bytes: 256, landed, refused: (error) => this.#ports.broke(error) });
  }

  forget(entry: Entry): void {
    cool(entry);
    this.#runnable.delete(entry);
    this.#entries.delete(entry);
    this.#ports.forgotten(entry.ref);
  }

  /** Those that have been idle for too long, or are too many, become cold. */
  rest(monotonic: number): void {
    for (const entry of this.#entries.surplus(monotonic)) {
      if (this.#ports.isShared()) this.leave(entry, [{ kind: "release", refs: [entry.ref] }]);
      else this.forget(entry);
    }
  }

  coolAll(): void {
    for (const entry of this.#entries) cool(entry);
  }
}

/** Drops the live function: the next turn replays. */
export function cool(entry: Entry): void {
  entry.live?.drop();
  entry.live = undefined;
}
