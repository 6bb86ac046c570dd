// The tables of a memory store as one of several nodes writes them: what it touches and nobody owns becomes its own, and
// what others have to hear is noted.

import { isEntityId } from "../../../src/model/entity.ts";
import { isTerminal } from "../../../src/model/status.ts";
import type { EncodedActivity, EncodedChange, EncodedEvents, NewInstance } from "../../../src/store/encoding/parts.ts";
import { decodeStatus } from "../../../src/store/encoding/rows.ts";
import type { Text } from "../../../src/store/encoding/text.ts";
import type { MemoryActivity, MemoryInstance } from "../../../src/store/memory/memory-state.ts";
import { MemoryTables } from "../../../src/store/memory/memory-tables.ts";
import { HintDraft } from "../../../src/store/postgres/hint-draft.ts";
import type { Head } from "../../../src/store/tables.ts";
import type { SharedState } from "./shared-state.ts";

export class SharedTables extends MemoryTables {
  readonly hints = new HintDraft();
  readonly #state: SharedState;
  readonly #node: number;
  readonly #owners: ReadonlyMap<number, number>;
  readonly #claims: ReadonlyMap<number, number>;
  readonly #touched = new Set<number>();
  readonly #woken = new Set<number>();

  constructor(state: SharedState, node: number) {
    super(state.memory);
    this.#state = state;
    this.#node = node;
    this.#owners = new Map(state.owners);
    this.#claims = new Map(state.claims);
  }

  override undo(): void {
    super.undo();
    refill(this.#state.owners, this.#owners);
    refill(this.#state.claims, this.#claims);
  }

  /** Nobody has anything to do for what has ended. */
  disown(): void {
    for (const ref of this.#touched) {
      const status = this.#instance(ref)?.row.status;
      if (status !== undefined && isTerminal(decodeStatus(status)) && !this.#woken.has(ref)) this.#state.owners.delete(ref);
    }
  }

  override headByRef(ref: number): Head | undefined {
    const head = super.headByRef(ref);
    return head && { ...head, isElsewhere: this.#ownerElsewhere(ref) !== undefined };
  }

  override children(parentRef: number): readonly Head[] {
    return super.children(parentRef).map((head) => ({ ...head, isElsewhere: this.#ownerElsewhere(head.ref) !== undefined }));
  }

  override insertInstance(row: NewInstance): number {
    const ref = super.insertInstance(row);
    this.#touch(ref);
    return ref;
  }

  override removeInstance(ref: number): void {
    const owner = this.#ownerElsewhere(ref);
    if (owner !== undefined) this.hints.removed(owner, ref);
    super.removeInstance(ref);
    this.#state.owners.delete(ref);
  }

  override change(ref: number, change: EncodedChange): void {
    const before = this.#instance(ref)?.row.status;
    this.#touch(ref);
    super.change(ref, change);
    const after = this.#instance(ref)?.row.status;
    if (after !== before) (after === "Terminated" ? this.hints.stopped : this.hints.changed).add(ref);
  }

  override appendHistory(ref: number, events: EncodedEvents): void {
    if (events.count > 0) this.#touch(ref);
    super.appendHistory(ref, events);
  }

  override appendInbox(ref: number, message: Text, executionId: string | null): number {
    const key = super.appendInbox(ref, message, executionId);
    const owner = this.#ownerElsewhere(ref);
    this.#woken.add(ref);
    if (owner === undefined) this.#touch(ref);
    else this.hints.messageTo(owner, ref);
    return key;
  }

  override insertActivity(ref: number, executionId: string, activity: EncodedActivity): void {
    super.insertActivity(ref, executionId, activity);
    if (activity.inFlight) this.#state.claims.set(this.#state.memory.lastOrder, this.#node);
    else this.hints.hasQueuedActivities = true;
  }

  override setAttempt(
    ref: number,
    executionId: string,
    actionId: number,
    attempt: number,
    inFlight: boolean,
    dueAt: number | null,
  ): boolean {
    const row = this.#activities(ref).find((each) => each.executionId === executionId && each.actionId === actionId);
    if (row === undefined) return false;
    const claimedBy = this.#state.claims.get(row.order);
    if (claimedBy !== undefined && claimedBy !== this.#node && this.#state.lives(claimedBy)) return false;
    this.#state.claims.set(row.order, this.#node);
    return super.setAttempt(ref, executionId, actionId, attempt, inFlight, dueAt);
  }

  override insertTimer(ref: number, timerId: number, fireAt: number): void {
    super.insertTimer(ref, timerId, fireAt);
    const owner = this.#ownerElsewhere(ref);
    if (owner !== undefined) this.hints.timerOf(owner, fireAt);
  }

  override release(ref = 0): void {
    if (this.#state.owners.get(ref) !== this.#node) return;
    this.#state.owners.delete(ref);
    this.hints.released.add(ref);
  }

  /** A node that opens the store owns nothing yet: only what dead ones had is raised. */
  override raiseAttempts(): void {
    this.takeOver();
  }

  override takeOver(): void {
    const { nodes, silent, fault, claims, owners, memory } = this.#state;
    const isEarly = fault === "taken over before the mark";
    const dead = new Set([...nodes.keys()].filter((epoch) => nodes.get(epoch)?.isDead === true || (isEarly && silent.has(epoch))));
    for (const [ref, instance] of memory.instances) {
      for (const [key, activity] of instance.activities) {
        if (!dead.has(claims.get(activity.order) ?? 0)) continue;
        if (activity.inFlight) instance.activities.set(key, { ...activity, attempt: activity.attempt + 1 });
        claims.delete(activity.order);
      }
      if (!dead.has(owners.get(ref) ?? 0)) continue;
      if (counts(instance)) instance.row = { ...instance.row, turnAttempt: instance.row.turnAttempt + 1 };
      if (instance.inbox.size > 0) owners.set(ref, this.#node);
      else owners.delete(ref);
    }
    this.#state.completions = this.#state.completions.filter(({ node }) => !dead.has(node));
    for (const epoch of dead) nodes.delete(epoch);
  }

  #touch(ref: number): void {
    this.#touched.add(ref);
    if (this.#state.isFree(ref)) this.#state.owners.set(ref, this.#node);
  }

  #ownerElsewhere(ref: number): number | undefined {
    const owner = this.#state.owners.get(ref);
    return owner !== undefined && owner !== this.#node && this.#state.lives(owner) ? owner : undefined;
  }

  #instance(ref: number): MemoryInstance | undefined {
    return this.#state.memory.instances.get(ref);
  }

  #activities(ref: number): readonly MemoryActivity[] {
    return [...(this.#instance(ref)?.activities.values() ?? [])];
  }
}

/** A turn may have been under way when its node died. */
function counts({ row, inbox, timers }: MemoryInstance): boolean {
  if (inbox.size === 0 || timers.has(0) || row.stalled !== null || row.status === "Suspended") return false;
  return !isEntityId(row.instanceId) || (row.entityLock === null && [...inbox.keys()].some((key) => !timers.has(key)));
}

function refill<Key, Value>(map: Map<Key, Value>, from: ReadonlyMap<Key, Value>): void {
  map.clear();
  for (const [key, value] of from) map.set(key, value);
}
