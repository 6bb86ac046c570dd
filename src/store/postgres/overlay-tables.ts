// The tables under the rules of a batch: what was read lies below, what the rules write lies above, and is what they see.
// Nothing leaves before the last rule has run; then the writes go in a few statements (batch-writes.ts).

import { isEntityId } from "../../model/entity.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { EncodedActivity, EncodedChange, EncodedEvents, NewExecution, NewInstance } from "../encoding/parts.ts";
import type { Text } from "../encoding/text.ts";
import type { Head, Tables } from "../tables.ts";
import { BatchWrites } from "./batch-writes.ts";
import { type HeadColumn, type LiveHead, liveHead, newHead } from "./heads.ts";
import { HintDraft } from "./hint-draft.ts";
import { type Known, pairKey, type RememberedHeads } from "./known.ts";

export class OverlayTables implements Tables {
  readonly writes: BatchWrites;
  readonly hints = new HintDraft();
  readonly #node: number;
  readonly #known: Known;
  readonly #remembered: RememberedHeads;
  readonly #heads = new Map<number, LiveHead>();
  readonly #removed = new Set<number>();
  readonly #refs = new Map<string, number>();
  readonly #inboxLengths: Map<number, number>;
  /** Those that are there; false: another node has it. */
  readonly #activities: Map<string, boolean>;
  readonly #deliveries: Map<string, number>;
  #drawnKeys = 0;
  #drawnRefs = 0;

  constructor(node: number, known: Known, remembered: RememberedHeads) {
    this.writes = new BatchWrites(node);
    this.#node = node;
    this.#known = known;
    this.#remembered = remembered;
    for (const head of known.heads) {
      this.#heads.set(head.ref, liveHead(head, node));
      this.#refs.set(pairKey(head.hub, head.instanceId), head.ref);
    }
    this.#inboxLengths = new Map(known.inboxLengths);
    this.#activities = new Map(
      known.activities.map(({ ref, executionId, actionId, isOurs }) => [activityKey(ref, executionId, actionId), isOurs]),
    );
    this.#deliveries = new Map(known.deliveries);
  }

  /** All that the batch looked at or made. */
  heads(): Iterable<LiveHead> {
    return this.#heads.values();
  }

  removed(): ReadonlySet<number> {
    return this.#removed;
  }

  headByKey(hub: string, instanceId: string): LiveHead | undefined {
    const ref = this.#refs.get(pairKey(hub, instanceId));
    return ref === undefined ? undefined : this.headByRef(ref);
  }

  headByRef(ref: number): LiveHead | undefined {
    if (this.#removed.has(ref)) return undefined;
    const known = this.#heads.get(ref);
    if (known !== undefined) return known;
    const remembered = this.#remembered.get(ref);
    if (remembered === undefined) return undefined;
    const head = liveHead(remembered, this.#node);
    this.#heads.set(ref, head);
    return head;
  }

  children(parentRef: number): readonly Head[] {
    const before = this.#known.children.get(parentRef) ?? [];
    const added = [...this.#heads.values()].filter((head) => head.isNew && head.parentRef === parentRef).map(({ ref }) => ref);
    return [...before, ...added].map((ref) => this.headByRef(ref)).filter((head) => head !== undefined);
  }

  refsOfHub(hub: string, limit: number): readonly number[] {
    const added = [...this.#heads.values()].filter((head) => head.isNew && head.hub === hub).map(({ ref }) => ref);
    return [...this.#known.hubRefs, ...added].slice(0, limit);
  }

  insertInstance(row: NewInstance): number {
    const ref = this.#known.newRefs[this.#drawnRefs++];
    if (ref === undefined) throw undrawn("instance");
    this.#heads.set(ref, newHead(ref, this.#node, row));
    this.#refs.set(pairKey(row.hub, row.instanceId), ref);
    this.#inboxLengths.set(ref, 0);
    this.writes.insertInstance(ref, row);
    return ref;
  }

  removeInstance(ref: number): void {
    const head = this.headByRef(ref);
    this.#removed.add(ref);
    this.#heads.delete(ref);
    if (head !== undefined) {
      this.#refs.delete(pairKey(head.hub, head.instanceId));
      if (head.isElsewhere && head.owner !== null) this.hints.removed(head.owner, ref);
    }
    this.writes.removeInstance(ref);
  }

  change(ref: number, change: EncodedChange): void {
    const head = this.headByRef(ref);
    if (head === undefined) return;
    this.#touch(head);
    head.updatedAt = Math.max(head.updatedAt, change.updatedAt ?? 0);
    const status = change.status ?? head.status;
    if (status !== head.status) (status === "Terminated" ? this.hints.stopped : this.hints.changed).add(ref);
    head.status = status;
    for (const [column, value] of change.columns) {
      head.columns.set(column, value);
      if (column === "entityState") head.hasEntityState = value !== null;
      if (column === "entityLock") head.hasEntityLock = value !== null;
      if (typeof value === "string") this.writes.use(ref, value);
    }
    this.#recountEntity(head);
  }

  appendHistory(ref: number, events: EncodedEvents, updatedAt: number | null): void {
    const head = this.headByRef(ref);
    if (head === undefined || events.count === 0) return;
    this.#touch(head);
    this.writes.appendHistory(ref, head.historyLength, events);
    head.historyLength += events.count;
    head.historyBytes += events.bytes;
    head.updatedAt = Math.max(head.updatedAt, updatedAt ?? 0);
  }

  replaceExecution(ref: number, { executionId, version, input, tags, history }: NewExecution): void {
    const head = this.headByRef(ref);
    if (head === undefined) return;
    this.#touch(head);
    head.executionId = executionId;
    head.historyLength = 0;
    head.historyBytes = 0;
    for (const [column, value] of Object.entries({ executionId, version, input, tags })) head.columns.set(column as HeadColumn, value);
    for (const text of [input, tags]) if (text !== null) this.writes.use(ref, text);
    this.writes.clearHistory(ref);
    this.clearTimers(ref);
    this.appendHistory(ref, history, null);
    this.writes.recount(ref);
  }

  clearTurnAttempt(ref: number): void {
    const head = this.headByRef(ref);
    if (head === undefined || head.turnAttempt === 0) return;
    this.#touch(head);
    head.turnAttempt = 0;
  }

  isBareEntity(ref: number): boolean {
    const head = this.headByRef(ref);
    if (head === undefined || !isEntityId(head.instanceId)) return false;
    return !head.hasEntityState && !head.hasEntityLock && this.inboxLength(ref) === 0;
  }

  inboxLength(ref: number): number {
    return this.#inboxLengths.get(ref) ?? 0;
  }

  appendInbox(ref: number, message: Text, executionId: string | null): number {
    const head = this.headByRef(ref);
    // The first message of an instance comes before all that are ever delivered to it.
    const key = head?.isNew === true && this.inboxLength(ref) === 0 ? 1 : this.#drawKey();
    this.#insertInbox(ref, key, message, executionId);
    if (head === undefined) return key;
    head.isWoken = true;
    if (head.isFree) this.#touch(head);
    else if (head.isElsewhere && head.owner !== null) this.hints.messageTo(head.owner, ref);
    return key;
  }

  prependInbox(ref: number, messages: readonly Text[]): readonly number[] {
    const head = this.headByRef(ref);
    if (head === undefined) return [];
    this.#touch(head);
    head.carryKey -= messages.length;
    const first = head.carryKey;
    for (const [at, message] of messages.entries()) this.#insertInbox(ref, first + at, message, null);
    return messages.map((_message, at) => first + at);
  }

  removeInbox(ref: number, key: number): void {
    this.writes.removeInbox(ref, key);
    this.#count(ref, -1);
    const head = this.headByRef(ref);
    if (head !== undefined) this.#recountEntity(head);
  }

  clearInbox(ref: number): void {
    this.writes.clearInbox(ref);
    this.#inboxLengths.set(ref, 0);
  }

  insertActivity(ref: number, executionId: string, activity: EncodedActivity): void {
    this.writes.insertActivity(ref, executionId, activity);
    this.#activities.set(activityKey(ref, executionId, activity.actionId), true);
    if (!activity.inFlight) this.hints.hasQueuedActivities = true;
  }

  removeActivity(ref: number, executionId: string, actionId: number): boolean {
    this.writes.removeActivity(ref, executionId, actionId);
    return this.#activities.delete(activityKey(ref, executionId, actionId));
  }

  removeQueuedActivities(ref: number): void {
    this.writes.removeQueuedActivities(ref);
  }

  setAttempt(ref: number, executionId: string, actionId: number, attempt: number, inFlight: boolean, dueAt: number | null): boolean {
    if (this.#activities.get(activityKey(ref, executionId, actionId)) !== true) return false;
    this.writes.setAttempt({ ref, executionId, actionId, attempt, inFlight, dueAt });
    return true;
  }

  insertTimer(ref: number, timerId: number, fireAt: number): void {
    this.writes.insertTimer(ref, timerId, fireAt);
    const head = this.headByRef(ref);
    if (head?.isElsewhere === true && head.owner !== null) this.hints.timerOf(head.owner, fireAt);
  }

  removeTimer(ref: number, timerId: number): void {
    this.writes.removeTimer(ref, timerId);
  }

  clearTimers(ref: number): void {
    this.writes.clearTimers(ref);
  }

  raiseAttempts(): void {
    throw alone();
  }

  takeOver(): void {
    throw alone();
  }

  release(ref: number): void {
    const head = this.headByRef(ref);
    if (head === undefined || head.owner !== this.#node) return;
    head.isChanged = true;
    head.isFree = true;
    head.owner = null;
    this.hints.released.add(ref);
  }

  isRemembered(hub: string, key: string, at: number): boolean {
    return (this.#deliveries.get(pairKey(hub, key)) ?? Number.NEGATIVE_INFINITY) > at;
  }

  remember(hub: string, key: string, until: number): void {
    this.#deliveries.set(pairKey(hub, key), until);
    this.writes.remember(hub, key, until);
  }

  forgetExpired(at: number, limit: number): void {
    this.writes.forgetExpired(at, limit);
  }

  forgetDeliveries(hub: string, limit: number): number {
    this.writes.forgetDeliveries(hub, limit);
    return Math.min(limit, this.#known.hubDeliveries);
  }

  /** It will be updated; one that nobody owned is this node's from now on. */
  #touch(head: LiveHead): void {
    head.isChanged = true;
    if (!head.isFree) return;
    head.isFree = false;
    head.owner = this.#node;
  }

  #insertInbox(ref: number, key: number, message: Text, executionId: string | null): void {
    this.writes.insertInbox(ref, key, message, executionId);
    this.#count(ref, 1);
  }

  #count(ref: number, change: number): void {
    const length = this.#inboxLengths.get(ref);
    if (length !== undefined) this.#inboxLengths.set(ref, length + change);
  }

  /** Large payloads of an orchestration go with its execution; an entity lives on, and its messages leave no history. */
  #recountEntity({ ref, instanceId }: Head): void {
    if (isEntityId(instanceId)) this.writes.recount(ref);
  }

  #drawKey(): number {
    const key = this.#known.inboxKeys[this.#drawnKeys++];
    if (key === undefined) throw undrawn("message");
    return key;
  }
}

/** Numbers first, the id last. */
function activityKey(ref: number, executionId: string, actionId: number): string {
  return `${ref} ${actionId} ${executionId}`;
}

/** What changes rows that no part names is a statement of its own, between the parts before it and those after it. */
function alone(): SignalboxError {
  return new SignalboxError("INTERNAL", "This part does not go by the rules of rows.");
}

function undrawn(what: string): SignalboxError {
  return new SignalboxError("INTERNAL", `No number was drawn for a new ${what}.`);
}
