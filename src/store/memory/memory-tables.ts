// The tables of a memory store. Rows are immutable values in maps; the first write to an instance within a batch notes what
// it was, so that a refused batch is undone at the price of what it touched.

import type { EncodedActivity, EncodedChange, EncodedEvents, NewExecution, NewInstance } from "../encoding/parts.ts";
import { blobsOf, type Text } from "../encoding/text.ts";
import type { Head, Tables } from "../tables.ts";
import type { MemoryActivity, MemoryInstance, MemoryMessage, MemoryRow, MemoryState } from "./memory-state.ts";

export class MemoryTables implements Tables {
  readonly #state: MemoryState;
  /** What each touched instance was before the batch; undefined: not there. */
  readonly #before = new Map<number, MemoryInstance | undefined>();
  readonly #counters: readonly [lastRef: number, lastInboxKey: number, lastOrder: number];

  constructor(state: MemoryState) {
    this.#state = state;
    this.#counters = [state.lastRef, state.lastInboxKey, state.lastOrder];
  }

  undo(): void {
    for (const ref of this.#before.keys()) this.#unlink(ref);
    for (const [ref, before] of this.#before) if (before !== undefined) this.#link(ref, before);
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

  insertInstance(row: NewInstance): number {
    const ref = ++this.#state.lastRef;
    this.#before.set(ref, undefined);
    const fresh: MemoryRow = {
      ...row,
      status: "Pending",
      stalled: null,
      output: null,
      failure: null,
      customStatus: null,
      updatedAt: row.createdAt,
      completedAt: null,
      historyLength: 0,
      historyBytes: 0,
      turnAttempt: 0,
    };
    this.#link(ref, { row: fresh, turns: [], inbox: new Map(), timers: new Map(), activities: [] });
    return ref;
  }

  removeInstance(ref: number): void {
    if (this.#touch(ref) !== undefined) this.#unlink(ref);
  }

  change(ref: number, change: EncodedChange): void {
    const instance = this.#touch(ref);
    if (instance === undefined) return;
    const updatedAt = Math.max(instance.row.updatedAt, change.updatedAt ?? 0);
    instance.row = { ...instance.row, ...Object.fromEntries(change.columns), status: change.status ?? instance.row.status, updatedAt };
  }

  appendHistory(ref: number, events: EncodedEvents): void {
    const instance = this.#touch(ref);
    if (instance === undefined || events.count === 0) return;
    const { historyLength: first, historyBytes } = instance.row;
    instance.turns = [...instance.turns, { first, count: events.count, text: events.text }];
    instance.row = { ...instance.row, historyLength: first + events.count, historyBytes: historyBytes + events.bytes };
  }

  replaceExecution(ref: number, next: NewExecution): void {
    const instance = this.#touch(ref);
    if (instance === undefined) return;
    const { executionId, version, input, tags } = next;
    instance.row = { ...instance.row, executionId, version, input, tags, historyLength: 0, historyBytes: 0 };
    instance.turns = [];
    instance.timers = new Map();
    this.appendHistory(ref, next.history);
  }

  clearTurnAttempt(ref: number): void {
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.row = { ...instance.row, turnAttempt: 0 };
  }

  inboxLength(ref: number): number {
    return this.#state.instances.get(ref)?.inbox.size ?? 0;
  }

  appendInbox(ref: number, message: Text, executionId: string | null): number {
    const key = ++this.#state.lastInboxKey;
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.inbox = new Map(instance.inbox).set(key, { message, executionId });
    return key;
  }

  prependInbox(ref: number, messages: readonly Text[]): readonly number[] {
    const instance = this.#touch(ref);
    if (instance === undefined) return [];
    const first = Math.min(0, ...instance.inbox.keys()) - messages.length;
    const carried = messages.map((message, at): [number, MemoryMessage] => [first + at, { message, executionId: null }]);
    instance.inbox = new Map([...carried, ...instance.inbox]);
    return carried.map(([key]) => key);
  }

  removeInbox(ref: number, key: number): void {
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.inbox = without(instance.inbox, key);
  }

  clearInbox(ref: number): void {
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.inbox = new Map();
  }

  insertActivity(ref: number, executionId: string, activity: EncodedActivity): void {
    const instance = this.#touch(ref);
    const order = ++this.#state.lastOrder;
    if (instance === undefined) return;
    instance.activities = [...instance.activities, { ...activity, ref, executionId, order, attempt: 1, dueAt: null }];
  }

  removeActivity(ref: number, executionId: string, actionId: number): boolean {
    const instance = this.#touch(ref);
    const kept = instance?.activities.filter((each) => each.executionId !== executionId || each.actionId !== actionId);
    if (instance === undefined || kept === undefined || kept.length === instance.activities.length) return false;
    instance.activities = kept;
    return true;
  }

  removeQueuedActivities(ref: number): void {
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.activities = instance.activities.filter((each) => each.inFlight);
  }

  setAttempt(ref: number, executionId: string, actionId: number, attempt: number, inFlight: boolean, dueAt: number | null): void {
    this.#mapActivities(ref, (each) =>
      each.executionId === executionId && each.actionId === actionId ? { ...each, attempt, inFlight, dueAt } : each,
    );
  }

  insertTimer(ref: number, timerId: number, fireAt: number): void {
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.timers = new Map(instance.timers).set(timerId, fireAt);
  }

  removeTimer(ref: number, timerId: number): void {
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.timers = without(instance.timers, timerId);
  }

  clearTimers(ref: number): void {
    const instance = this.#touch(ref);
    if (instance !== undefined) instance.timers = new Map();
  }

  raiseAttempts(): void {
    for (const ref of this.#state.instances.keys()) {
      this.#mapActivities(ref, (each) => (each.inFlight ? { ...each, attempt: each.attempt + 1 } : each));
      const instance = this.#touch(ref);
      if (instance === undefined || instance.inbox.size === 0 || instance.timers.has(0)) continue;
      if (instance.row.stalled !== null || instance.row.status === "Suspended") continue;
      instance.row = { ...instance.row, turnAttempt: instance.row.turnAttempt + 1 };
    }
  }

  /** Forgets the blobs that nothing refers to: of those given, or of what the batch removed or replaced. */
  collectBlobs(added: readonly string[]): void {
    const suspects = new Set(added);
    for (const before of this.#before.values()) if (before !== undefined) for (const hash of blobsIn(before)) suspects.add(hash);
    if (suspects.size === 0) return;
    const used = new Set([...this.#state.instances.values()].flatMap((instance) => [...blobsIn(instance)]));
    for (const hash of suspects) if (!used.has(hash)) this.#state.blobs.delete(hash);
  }

  #mapActivities(ref: number, map: (activity: MemoryActivity) => MemoryActivity): void {
    const instance = this.#touch(ref);
    if (instance !== undefined && instance.activities.length > 0) instance.activities = instance.activities.map(map);
  }

  #touch(ref: number): MemoryInstance | undefined {
    const instance = this.#state.instances.get(ref);
    if (instance !== undefined && !this.#before.has(ref)) this.#before.set(ref, { ...instance });
    return instance;
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

function without<Value>(map: ReadonlyMap<number, Value>, key: number): ReadonlyMap<number, Value> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

function* blobsIn({ row, turns, inbox, activities }: MemoryInstance): Generator<string> {
  for (const text of [row.input, row.parent, row.tags, row.traceContext, row.stalled, row.output, row.failure, row.customStatus]) {
    if (text !== null) yield* blobsOf(text);
  }
  for (const { text } of turns) yield* blobsOf(text);
  for (const { message } of inbox.values()) yield* blobsOf(message);
  for (const { work } of activities) yield* blobsOf(work);
}
