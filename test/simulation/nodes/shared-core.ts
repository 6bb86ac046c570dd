// What one node does in the shared store, each call whole and at once: the twin of what PostgreSQL does in a transaction.
// Every call is looked at from outside: who owned what before it, and who after it.

import { isEntityId } from "../../../src/model/entity.ts";
import { SignalboxError } from "../../../src/model/errors.ts";
import type { InstanceRef } from "../../../src/model/parts.ts";
import { isTerminal } from "../../../src/model/status.ts";
import { applyPart } from "../../../src/store/apply-part.ts";
import { encodeBatch } from "../../../src/store/encoding/encode-part.ts";
import { decodeStatus } from "../../../src/store/encoding/rows.ts";
import type { MemoryInstance } from "../../../src/store/memory/memory-state.ts";
import type {
  ActivityRow,
  Batch,
  Capability,
  DueTimer,
  Hint,
  InboxRow,
  PartAnswer,
  Store,
  StoredInstance,
} from "../../../src/store/store.ts";
import type { World } from "../world.ts";
import type { SharedState } from "./shared-state.ts";
import { SharedTables } from "./shared-tables.ts";

/** Without `to` for every other node. */
export type Tell = (hint: Hint, to?: number) => void;

export class SharedCore {
  readonly epoch: number;
  readonly #state: SharedState;
  /** Reads of the same tables, which know of no owners. */
  readonly #disk: Store;
  readonly #world: World;
  readonly tell: Tell;
  #batch = 0;

  constructor(state: SharedState, disk: Store, world: World, epoch: number, tell: Tell) {
    this.#state = state;
    this.#disk = disk;
    this.#world = world;
    this.epoch = epoch;
    this.tell = tell;
  }

  commit(batch: Batch): readonly PartAnswer[] {
    return this.#watched(() => {
      const wasDead = !this.#state.lives(this.epoch);
      this.#fence();
      for (const part of batch.parts) if (part.kind === "turn") this.#mayTurn(part.ref, part.consumed);
      const tables = new SharedTables(this.#state, this.epoch);
      const answers = this.#apply(tables, batch);
      if (wasDead) this.#world.violate("E4", `node ${this.epoch} has committed after it was marked dead`);
      this.#batch += 1;
      const row = this.#state.nodes.get(this.epoch);
      if (row !== undefined) row.batch = this.#batch;
      this.#tellOf(tables);
      return answers;
    });
  }

  async load(ref: InstanceRef): Promise<StoredInstance | undefined> {
    const isMine = this.#watched(() => {
      const instance = this.#state.memory.instances.get(ref);
      if (instance === undefined) return false;
      if (this.#state.owners.get(ref) === this.epoch) return true;
      const hasEnded = isTerminal(decodeStatus(instance.row.status));
      if (!hasEnded && this.#state.isFree(ref)) this.#own(ref);
      return hasEnded || this.#state.owners.get(ref) === this.epoch;
    });
    const stored = isMine ? await this.#disk.load(ref) : undefined;
    return stored && { ...stored, inbox: this.#asFound(stored.inbox) };
  }

  async inbox(ref: InstanceRef): Promise<readonly InboxRow[]> {
    return this.#asFound((await this.#disk.load(ref))?.inbox ?? []);
  }

  awake(after: InstanceRef, limit: number): readonly InstanceRef[] {
    return this.#watched(() => {
      const found = this.#waiting((ref) => ref > after && (this.#isMine(ref) || this.#state.isFree(ref))).slice(0, limit);
      for (const ref of found) this.#own(ref);
      return found;
    });
  }

  owned(after: InstanceRef, limit: number): readonly InstanceRef[] {
    if (this.#state.fault === "hints are all there is") return [];
    return this.#waiting((ref) => ref > after && this.#isMine(ref)).slice(0, limit);
  }

  claim(wanted: readonly Capability[] | undefined, refs: readonly InstanceRef[] | undefined, limit: number): readonly InstanceRef[] {
    const { fault } = this.#state;
    if (refs === undefined && fault === "hints are all there is") return [];
    const isBlind = fault === "claim does not look at the owner";
    return this.#watched(() => {
      const found = this.#waiting((ref, { row }) => {
        const isWanted = refs?.includes(ref) ?? true;
        const isOpen = isBlind ? !this.#isMine(ref) : this.#state.isFree(ref);
        return isWanted && isOpen && row.stalled === null && row.status !== "Suspended" && fits(wanted, row.name, row);
      }).slice(0, limit);
      for (const ref of found) this.#own(ref);
      return found;
    });
  }

  async claimActivities(wanted: readonly Capability[] | undefined, limit: number): Promise<readonly ActivityRow[]> {
    if (!this.#state.lives(this.epoch)) return [];
    const { claims, memory } = this.#state;
    const all = await this.#disk.activities(0, Number.MAX_SAFE_INTEGER);
    const found = all
      .filter(({ order, ref, name }) => {
        const row = memory.instances.get(ref)?.row;
        return !claims.has(order) && row !== undefined && fits(wanted, name, row);
      })
      .slice(0, limit);
    for (const { order } of found) this.#claimed(order, true);
    return found.map((row) => ({ ...row, inFlight: true }));
  }

  async claimedActivities(): Promise<readonly ActivityRow[]> {
    const all = await this.#disk.activities(0, Number.MAX_SAFE_INTEGER);
    return all.filter(({ order }) => this.#state.claims.get(order) === this.epoch);
  }

  returnActivities(orders: readonly number[]): void {
    for (const order of orders) if (this.#state.claims.get(order) === this.epoch) this.#claimed(order, false);
    this.tell({ kind: "activities" });
  }

  async dueTimers(until: number, limit: number): Promise<readonly DueTimer[]> {
    const due = await this.#disk.dueTimers(until, Number.MAX_SAFE_INTEGER);
    return due.filter(({ ref }) => this.#isMine(ref) || this.#state.isFree(ref)).slice(0, limit);
  }

  /** A clean end. */
  leave(): void {
    const { owners, claims, nodes, memory } = this.#state;
    for (const [ref, owner] of owners) if (owner === this.epoch) owners.delete(ref);
    for (const { activities } of memory.instances.values()) {
      for (const [key, activity] of activities) {
        if (claims.get(activity.order) !== this.epoch) continue;
        claims.delete(activity.order);
        if (activity.inFlight) activities.set(key, { ...activity, attempt: activity.attempt + 1 });
      }
    }
    nodes.delete(this.epoch);
    this.tell({ kind: "sweep" });
  }

  #fence(): void {
    if (this.#state.fault === "fence is not checked") return;
    if (this.#state.lives(this.epoch) && this.#state.nodes.get(this.epoch)?.batch === this.#batch) return;
    throw new SignalboxError("OWNERSHIP_LOST", `Another node took over what node ${this.epoch} owned.`);
  }

  #mayTurn(ref: InstanceRef, consumed: readonly number[]): void {
    if (!this.#isMine(ref) && !this.#state.isFree(ref)) {
      throw new SignalboxError("STORE_REFUSED", `Instance ${ref} belongs to node ${this.#state.owners.get(ref)}.`);
    }
    const instance = this.#state.memory.instances.get(ref);
    if (instance === undefined || isEntityId(instance.row.instanceId)) return;
    // Answers to what the execution asked for come from everywhere, in any order; what others send does not.
    const isSent = (key: number): boolean => instance.inbox.get(key)?.executionId === null;
    const taken = consumed.filter(isSent);
    const last = Math.max(...taken);
    const older = [...instance.inbox.keys()].filter((key) => key < last && isSent(key) && !taken.includes(key));
    if (older.length > 0 || taken.some((key, index) => key < (taken[index - 1] ?? key))) {
      this.#world.violate("E7", `instance ${ref} takes messages ${taken.join()}, older ones wait: ${older.join()}`);
    }
  }

  #apply(tables: SharedTables, batch: Batch): readonly PartAnswer[] {
    const { memory } = this.#state;
    const encoded = encodeBatch(batch);
    const added = encoded.blobs.filter(([hash]) => !memory.blobs.has(hash));
    for (const [hash, json] of added) memory.blobs.set(hash, json);
    try {
      const answers = encoded.parts.map((part) => applyPart(tables, part));
      tables.collectBlobs(encoded.blobs.map(([hash]) => hash));
      tables.disown();
      return answers;
    } catch (error) {
      tables.undo();
      for (const [hash] of added) memory.blobs.delete(hash);
      throw error;
    }
  }

  #tellOf({ hints }: SharedTables): void {
    const { memory } = this.#state;
    if (hints.changed.size > 0) this.tell({ kind: "changed", refs: [...hints.changed] });
    if (hints.stopped.size > 0) this.tell({ kind: "stopped", refs: [...hints.stopped] });
    for (const [node, refs] of hints.messages) this.tell({ kind: "messages", refs: [...refs] }, node);
    for (const [node, refs] of hints.gone) this.tell({ kind: "gone", refs: [...refs] }, node);
    for (const [node, at] of hints.due) this.tell({ kind: "due", at }, node);
    if (hints.hasQueuedActivities) this.tell({ kind: "activities" });
    const released = [...hints.released];
    const due = Math.min(...released.flatMap((ref) => [...(memory.instances.get(ref)?.timers.values() ?? [])]));
    if (due < Number.POSITIVE_INFINITY) this.tell({ kind: "due", at: due });
    const waiting = released.filter((ref) => (memory.instances.get(ref)?.inbox.size ?? 0) > 0);
    if (waiting.length > 0) this.tell({ kind: "waiting", refs: waiting });
  }

  /** An instance leaves a living node only by that node's own doing. */
  #watched<Value>(call: () => Value): Value {
    const living = this.#state.living();
    const before = new Map(this.#state.owners);
    const value = call();
    for (const [ref, owner] of before) {
      const isTaken = this.#state.memory.instances.has(ref) && this.#state.owners.get(ref) !== owner;
      if (isTaken && owner !== this.epoch && living.has(owner)) {
        this.#world.violate("Ownership", `node ${this.epoch} takes instance ${ref} from node ${owner}, which is not marked dead`);
      }
    }
    return value;
  }

  #waiting(isWanted: (ref: InstanceRef, instance: MemoryInstance) => boolean): readonly InstanceRef[] {
    const found = [...this.#state.memory.instances].filter(([ref, instance]) => instance.inbox.size > 0 && isWanted(ref, instance));
    return found.map(([ref]) => ref);
  }

  #isMine(ref: InstanceRef): boolean {
    return this.#state.owners.get(ref) === this.epoch;
  }

  #own(ref: InstanceRef): void {
    this.#state.owners.set(ref, this.epoch);
  }

  #claimed(order: number, inFlight: boolean): void {
    if (inFlight) this.#state.claims.set(order, this.epoch);
    else this.#state.claims.delete(order);
    for (const { activities } of this.#state.memory.instances.values()) {
      for (const [key, row] of activities) if (row.order === order) activities.set(key, { ...row, inFlight });
    }
  }

  #asFound(rows: readonly InboxRow[]): readonly InboxRow[] {
    return this.#state.fault === "inbox out of order" ? rows.toReversed() : rows;
  }
}

function fits(
  wanted: readonly Capability[] | undefined,
  name: string,
  row: { readonly hub: string; readonly instanceId: string },
): boolean {
  return (
    wanted?.some(
      (code) =>
        (code.hub ?? row.hub) === row.hub && (code.name ?? name) === name && (code.isEntity ?? false) === isEntityId(row.instanceId),
    ) ?? true
  );
}
