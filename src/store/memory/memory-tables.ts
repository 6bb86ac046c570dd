// The tables of a memory store. Every write notes how to take it back: a refused batch is undone at the price of what it
// did, and a turn costs its own rows, whatever its instance has been through.

import { isEntityId } from "../../model/entity.ts";
import type { EncodedActivity, EncodedChange, EncodedEvents, NewExecution, NewInstance } from "../encoding/parts.ts";
import { blobsOf, type Text } from "../encoding/text.ts";
import type { Head, Tables } from "../tables.ts";
import type { MemoryActivity, MemoryInstance, MemoryMessage, MemoryRow, MemoryState } from "./memory-state.ts";

const TEXT_COLUMNS = [
  "input",
  "parent",
  "tags",
  "traceContext",
  "stalled",
  "output",
  "failure",
  "customStatus",
  "entityState",
  "entityLock",
] as const;

export class MemoryTables implements Tables {
  readonly #state: MemoryState;
  readonly #undo: (() => void)[] = [];
  /** Blobs that a text referred to which the batch removed or replaced. */
  readonly #released = new Set<string>();
  readonly #counters: readonly [lastRef: number, lastInboxKey: number, lastOrder: number];

  constructor(state: MemoryState) {
    this.#state = state;
    this.#counters = [state.lastRef, state.lastInboxKey, state.lastOrder];
  }

  undo(): void {
    for (const takeBack of this.#undo.toReversed()) takeBack();
    const state = this.#state;
    [state.lastRef, state.lastInboxKey, state.lastOrder] = this.#counters;
    const inOrder = [...state.instances].toSorted(([a], [b]) => a - b);
    state.instances.clear();
    for (const [ref, instance] of inOrder) state.instances.set(ref, instance);
  }

  headByKey(hub: string, instanceId: string): Head | undefined {
    const ref = this.#state.refs.get(hub)?.get(instanceId);
    return ref === undefined ? undefined : this.headByRef(ref);
  }

  headByRef(ref: number): Head | undefined {
    const row = this.#state.instances.get(ref)?.row;
    return row === undefined ? undefined : { ...row, ref };
  }

  children(parentRef: number): readonly Head[] {
    const children = [...this.#state.instances].filter(([, { row }]) => row.parentRef === parentRef);
    return children.map(([ref, { row }]) => ({ ...row, ref }));
  }

  refsOfHub(hub: string, limit: number): readonly number[] {
    return [...(this.#state.refs.get(hub)?.values() ?? [])].slice(0, limit);
  }

  insertInstance(row: NewInstance): number {
    const ref = ++this.#state.lastRef;
    const fresh: MemoryRow = {
      ...row,
      stalled: null,
      output: null,
      failure: null,
      customStatus: null,
      updatedAt: row.createdAt,
      completedAt: null,
      historyLength: 0,
      historyBytes: 0,
      turnAttempt: 0,
      entityState: null,
      entityLock: null,
    };
    this.#link(ref, { row: fresh, turns: [], inbox: new Map(), timers: new Map(), activities: new Map() });
    this.#undo.push(() => this.#unlink(ref));
    return ref;
  }

  removeInstance(ref: number): void {
    const instance = this.#state.instances.get(ref);
    if (instance === undefined) return;
    this.#unlink(ref);
    this.#undo.push(() => this.#link(ref, instance));
    for (const text of textsOf(instance)) this.#release(text);
  }

  change(ref: number, change: EncodedChange): void {
    const row = this.#state.instances.get(ref)?.row;
    if (row === undefined) return;
    const updatedAt = Math.max(row.updatedAt, change.updatedAt ?? 0);
    this.#changeRow(ref, { ...Object.fromEntries(change.columns), status: change.status ?? row.status, updatedAt });
  }

  appendHistory(ref: number, events: EncodedEvents): void {
    const instance = this.#state.instances.get(ref);
    if (instance === undefined || events.count === 0) return;
    const { historyLength: first, historyBytes } = instance.row;
    const { turns } = instance;
    turns.push({ first, count: events.count, text: events.text });
    this.#undo.push(() => turns.pop());
    this.#changeRow(ref, { historyLength: first + events.count, historyBytes: historyBytes + events.bytes });
  }

  replaceExecution(ref: number, next: NewExecution): void {
    const instance = this.#state.instances.get(ref);
    if (instance === undefined) return;
    const { executionId, version, input, tags } = next;
    this.#changeRow(ref, { executionId, version, input, tags, historyLength: 0, historyBytes: 0 });
    const { turns } = instance;
    instance.turns = [];
    this.#undo.push(() => {
      instance.turns = turns;
    });
    for (const { text } of turns) this.#release(text);
    this.clearTimers(ref);
    this.appendHistory(ref, next.history);
  }

  clearTurnAttempt(ref: number): void {
    if ((this.#state.instances.get(ref)?.row.turnAttempt ?? 0) > 0) this.#changeRow(ref, { turnAttempt: 0 });
  }

  isBareEntity(ref: number): boolean {
    const instance = this.#state.instances.get(ref);
    if (instance === undefined || !isEntityId(instance.row.instanceId)) return false;
    return instance.row.entityState === null && instance.row.entityLock === null && instance.inbox.size === 0;
  }

  inboxLength(ref: number): number {
    return this.#state.instances.get(ref)?.inbox.size ?? 0;
  }

  appendInbox(ref: number, message: Text, executionId: string | null): number {
    const key = ++this.#state.lastInboxKey;
    const inbox = this.#state.instances.get(ref)?.inbox;
    if (inbox !== undefined) this.#set(inbox, key, { message, executionId });
    return key;
  }

  prependInbox(ref: number, messages: readonly Text[]): readonly number[] {
    const inbox = this.#state.instances.get(ref)?.inbox;
    if (inbox === undefined) return [];
    let first = 0;
    for (const key of inbox.keys()) first = Math.min(first, key);
    first -= messages.length;
    for (const [at, message] of messages.entries()) this.#set(inbox, first + at, { message, executionId: null });
    return messages.map((_message, at) => first + at);
  }

  removeInbox(ref: number, key: number): void {
    const inbox = this.#state.instances.get(ref)?.inbox;
    const gone: MemoryMessage | undefined = inbox === undefined ? undefined : this.#delete(inbox, key);
    if (gone !== undefined) this.#release(gone.message);
  }

  clearInbox(ref: number): void {
    for (const key of this.#state.instances.get(ref)?.inbox.keys() ?? []) this.removeInbox(ref, key);
  }

  insertActivity(ref: number, executionId: string, activity: EncodedActivity): void {
    const order = ++this.#state.lastOrder;
    const row: MemoryActivity = { ...activity, ref, executionId, order, attempt: 1, dueAt: null };
    const activities = this.#state.instances.get(ref)?.activities;
    const key = activityKey(executionId, activity.actionId);
    if (activities?.has(key) === false) this.#set(activities, key, row);
  }

  removeActivity(ref: number, executionId: string, actionId: number): boolean {
    return this.#removeActivity(ref, activityKey(executionId, actionId));
  }

  removeQueuedActivities(ref: number): void {
    const activities = [...(this.#state.instances.get(ref)?.activities ?? [])];
    for (const [key, { inFlight }] of activities) if (!inFlight) this.#removeActivity(ref, key);
  }

  setAttempt(ref: number, executionId: string, actionId: number, attempt: number, inFlight: boolean, dueAt: number | null): boolean {
    const activities = this.#state.instances.get(ref)?.activities;
    const key = activityKey(executionId, actionId);
    const row = activities?.get(key);
    if (activities === undefined || row === undefined) return false;
    this.#set(activities, key, { ...row, attempt, inFlight, dueAt });
    return true;
  }

  insertTimer(ref: number, timerId: number, fireAt: number): void {
    const timers = this.#state.instances.get(ref)?.timers;
    if (timers !== undefined) this.#set(timers, timerId, fireAt);
  }

  removeTimer(ref: number, timerId: number): void {
    const timers = this.#state.instances.get(ref)?.timers;
    if (timers !== undefined) this.#delete(timers, timerId);
  }

  clearTimers(ref: number): void {
    for (const timerId of this.#state.instances.get(ref)?.timers.keys() ?? []) this.removeTimer(ref, timerId);
  }

  raiseAttempts(): void {
    for (const [ref, { row, inbox, timers, activities }] of this.#state.instances) {
      for (const [key, activity] of activities) {
        if (activity.inFlight) this.#set(activities, key, { ...activity, attempt: activity.attempt + 1 });
      }
      if (inbox.size === 0 || timers.has(0) || row.stalled !== null || row.status === "Suspended") continue;
      if (isEntityId(row.instanceId) && (row.entityLock !== null || [...inbox.keys()].every((key) => timers.has(key)))) continue;
      this.#changeRow(ref, { turnAttempt: row.turnAttempt + 1 });
    }
  }

  release(): void {}

  takeOver(): void {}

  isRemembered(hub: string, key: string, at: number): boolean {
    const delivery = this.#state.deliveries.get(deliveryKey(hub, key));
    return delivery !== undefined && delivery.until > at;
  }

  remember(hub: string, key: string, until: number): void {
    const { deliveries } = this.#state;
    this.#delete(deliveries, deliveryKey(hub, key));
    this.#set(deliveries, deliveryKey(hub, key), { hub, until });
  }

  /** They expire nearly in the order in which they came: what is behind one that lives need not be looked at. */
  forgetExpired(at: number, limit: number): void {
    let left = limit;
    for (const [key, { until }] of this.#state.deliveries) {
      if (until > at || left-- <= 0) return;
      this.#delete(this.#state.deliveries, key);
    }
  }

  forgetDeliveries(hub: string, limit: number): number {
    const keys = [...this.#state.deliveries].filter(([, delivery]) => delivery.hub === hub).map(([key]) => key);
    for (const key of keys.slice(0, limit)) this.#delete(this.#state.deliveries, key);
    return Math.min(keys.length, limit);
  }

  /** Forgets the blobs that nothing refers to, of those that came with the batch or lost a text in it. */
  collectBlobs(added: readonly string[]): void {
    const suspects = new Set([...added, ...this.#released]);
    if (suspects.size === 0) return;
    for (const instance of this.#state.instances.values()) {
      for (const text of textsOf(instance)) for (const hash of blobsOf(text)) suspects.delete(hash);
    }
    for (const hash of suspects) this.#state.blobs.delete(hash);
  }

  #removeActivity(ref: number, key: string): boolean {
    const activities = this.#state.instances.get(ref)?.activities;
    const gone: MemoryActivity | undefined = activities === undefined ? undefined : this.#delete(activities, key);
    if (gone !== undefined) this.#release(gone.work);
    return gone !== undefined;
  }

  #changeRow(ref: number, change: Partial<MemoryRow>): void {
    const instance = this.#state.instances.get(ref);
    if (instance === undefined) return;
    const before = instance.row;
    instance.row = { ...before, ...change };
    this.#undo.push(() => {
      instance.row = before;
    });
    for (const column of TEXT_COLUMNS) if (before[column] !== instance.row[column]) this.#release(before[column]);
  }

  #release(text: Text | null): void {
    if (text !== null) for (const hash of blobsOf(text)) this.#released.add(hash);
  }

  #set<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
    const before = map.get(key);
    map.set(key, value);
    this.#undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
  }

  #delete<Key, Value>(map: Map<Key, Value>, key: Key): Value | undefined {
    const before = map.get(key);
    if (before === undefined) return undefined;
    map.delete(key);
    this.#undo.push(() => map.set(key, before));
    return before;
  }

  #link(ref: number, instance: MemoryInstance): void {
    const { hub, instanceId } = instance.row;
    const ids = this.#state.refs.get(hub) ?? new Map<string, number>();
    this.#state.refs.set(hub, ids.set(instanceId, ref));
    this.#state.instances.set(ref, instance);
  }

  #unlink(ref: number): void {
    const row = this.#state.instances.get(ref)?.row;
    if (row === undefined) return;
    this.#state.instances.delete(ref);
    this.#state.refs.get(row.hub)?.delete(row.instanceId);
  }
}

/** Ids of actions begin anew in each execution. */
function activityKey(executionId: string, actionId: number): string {
  return `${actionId} ${executionId}`;
}

function deliveryKey(hub: string, key: string): string {
  return JSON.stringify([hub, key]);
}

function* textsOf({ row, turns, inbox, activities }: MemoryInstance): Generator<Text> {
  for (const column of TEXT_COLUMNS) {
    const text = row[column];
    if (text !== null) yield text;
  }
  for (const { text } of turns) yield text;
  for (const { message } of inbox.values()) yield message;
  for (const { work } of activities.values()) yield work;
}
