// What a batch writes, gathered while its rules run and sent as few statements, each for any number of rows. What is
// written and removed again within the batch is never sent. The order of the statements is that of `statements`:
// removals come before insertions, so that what took the place of something finds it gone.

import { escapeKey } from "../encoding/key-text.ts";
import type { EncodedActivity, EncodedEvents, NewInstance } from "../encoding/parts.ts";
import { blobsOf, type Text } from "../encoding/text.ts";
import { nameOfWork } from "../encoding/work.ts";
import { bigints, booleans, byteas, type Column, texts } from "./array-parameter.ts";
import type { Statement, Write } from "./connection.ts";
import { digestOf } from "./digest.ts";
import type { LiveHead } from "./heads.ts";
import type { UpdateStatements } from "./update-statements.ts";
import * as sql from "./write-statements.ts";

interface NewActivity extends EncodedActivity {
  readonly ref: number;
  readonly executionId: string;
  readonly claimedBy: number | null;
  readonly attempt: number;
  readonly dueAt: number | null;
}
interface AttemptChange {
  readonly ref: number;
  readonly executionId: string;
  readonly actionId: number;
  readonly attempt: number;
  readonly inFlight: boolean;
  readonly dueAt: number | null;
}
type ActivityName = Pick<AttemptChange, "ref" | "executionId" | "actionId">;
interface Message {
  readonly text: Text;
  readonly executionId: string | null;
}
interface Turn {
  readonly ref: number;
  readonly first: number;
  readonly events: EncodedEvents;
}

export class BatchWrites {
  readonly #node: number;
  readonly #removedInstances = new Set<number>();
  readonly #instances = new Map<number, NewInstance>();
  readonly #clearedHistories = new Set<number>();
  readonly #turns = new Map<number, Turn[]>();
  readonly #clearedInboxes = new Set<number>();
  readonly #removedMessages: (readonly [ref: number, key: number])[] = [];
  readonly #messages = new Map<number, Map<number, Message>>();
  readonly #removedActivities: ActivityName[] = [];
  readonly #clearedQueues = new Set<number>();
  readonly #attempts = new Map<string, AttemptChange>();
  /** Of instances whose queue was removed before: what is gone stays gone. */
  readonly #lateAttempts = new Map<string, AttemptChange>();
  readonly #activities = new Map<string, NewActivity>();
  readonly #clearedTimers = new Set<number>();
  /** By instance and timer; null: removed. */
  readonly #timers = new Map<number, Map<number, number | null>>();
  readonly #blobs = new Map<string, string>();
  readonly #uses: (readonly [ref: number, hash: string])[] = [];
  readonly #shrunk = new Set<number>();
  readonly #remembered: (readonly [hub: string, key: string, until: number])[] = [];
  readonly #others: Write[] = [];

  constructor(node: number) {
    this.#node = node;
  }

  addBlobs(blobs: readonly (readonly [hash: string, json: string])[]): void {
    for (const [hash, json] of blobs) this.#blobs.set(hash, json);
  }

  /** A text that refers to a blob comes in one batch with it; so in nearly every batch there is nothing to look for. */
  use(ref: number, text: Text | null): void {
    if (this.#blobs.size === 0 || text === null || !text.startsWith("@")) return;
    for (const hash of blobsOf(text)) this.#uses.push([ref, hash]);
  }

  /** Rows of the instance went; what only they referred to goes too. */
  recount(ref: number): void {
    this.#shrunk.add(ref);
  }

  insertInstance(ref: number, row: NewInstance): void {
    this.#instances.set(ref, row);
    for (const text of [row.parent, row.tags, row.traceContext, row.input]) this.use(ref, text);
  }

  removeInstance(ref: number): void {
    for (const rows of [this.#turns, this.#messages, this.#timers]) rows.delete(ref);
    for (const [key, activity] of this.#activities) if (activity.ref === ref) this.#activities.delete(key);
    this.#shrunk.add(ref);
    if (!this.#instances.delete(ref)) this.#removedInstances.add(ref);
  }

  clearHistory(ref: number): void {
    this.#turns.delete(ref);
    if (!this.#instances.has(ref)) this.#clearedHistories.add(ref);
  }

  appendHistory(ref: number, first: number, events: EncodedEvents): void {
    listIn(this.#turns, ref).push({ ref, first, events });
    this.use(ref, events.text);
  }

  insertInbox(ref: number, key: number, text: Text, executionId: string | null): void {
    mapIn(this.#messages, ref).set(key, { text, executionId });
    this.use(ref, text);
  }

  removeInbox(ref: number, key: number): void {
    if (this.#messages.get(ref)?.delete(key) !== true) this.#removedMessages.push([ref, key]);
  }

  clearInbox(ref: number): void {
    this.#messages.delete(ref);
    if (!this.#instances.has(ref)) this.#clearedInboxes.add(ref);
  }

  insertActivity(ref: number, executionId: string, activity: EncodedActivity): void {
    const key = nameKey({ ref, executionId, actionId: activity.actionId });
    if (this.#activities.has(key)) return;
    const claimedBy = activity.inFlight ? this.#node : null;
    this.#activities.set(key, { ...activity, ref, executionId, claimedBy, attempt: 1, dueAt: null });
    this.use(ref, activity.work);
  }

  removeActivity(ref: number, executionId: string, actionId: number): void {
    const name = { ref, executionId, actionId };
    if (!this.#activities.delete(nameKey(name))) this.#removedActivities.push(name);
  }

  removeQueuedActivities(ref: number): void {
    for (const [key, activity] of this.#activities) if (activity.ref === ref && !activity.inFlight) this.#activities.delete(key);
    if (!this.#instances.has(ref)) this.#clearedQueues.add(ref);
  }

  setAttempt(change: AttemptChange): void {
    const key = nameKey(change);
    const added = this.#activities.get(key);
    if (added !== undefined) this.#activities.set(key, { ...added, ...change, claimedBy: this.#node });
    else (this.#clearedQueues.has(change.ref) ? this.#lateAttempts : this.#attempts).set(key, change);
  }

  insertTimer(ref: number, timerId: number, fireAt: number): void {
    mapIn(this.#timers, ref).set(timerId, fireAt);
  }

  removeTimer(ref: number, timerId: number): void {
    mapIn(this.#timers, ref).set(timerId, null);
  }

  clearTimers(ref: number): void {
    this.#timers.delete(ref);
    if (!this.#instances.has(ref)) this.#clearedTimers.add(ref);
  }

  remember(hub: string, key: string, until: number): void {
    this.#remembered.push([hub, key, until]);
  }

  forgetExpired(at: number, limit: number): void {
    this.#others.push({ statement: sql.FORGET_EXPIRED, values: [at, limit] });
  }

  forgetDeliveries(hub: string, limit: number): void {
    this.#others.push({ statement: sql.FORGET_OF_HUB, values: [escapeKey(hub), limit] });
  }

  /** Nothing is removed and put back under the same name. */
  get isDisjoint(): boolean {
    return this.#removedActivities.every((name) => !this.#activities.has(nameKey(name)));
  }

  /** `heads` are those that the batch changed. */
  statements(heads: readonly LiveHead[], updates: UpdateStatements): readonly Write[] {
    const writes: Write[] = [];
    const add = (statement: Statement, rows: number, ...values: readonly unknown[]): void => {
      if (rows > 0) writes.push({ statement, values });
    };
    const addRefs = (statement: Statement, refs: ReadonlySet<number>): void => add(statement, refs.size, bigints([...refs]));
    addRefs(sql.REMOVE_INSTANCES, this.#removedInstances);
    this.#addInstances(add);
    writes.push(...updates.of(heads.filter((head) => head.isChanged)));
    addRefs(sql.CLEAR_HISTORIES, this.#clearedHistories);
    this.#addTurns(add);
    addRefs(sql.CLEAR_INBOXES, this.#clearedInboxes);
    this.#addMessages(add);
    this.#addActivities(add, addRefs);
    this.#addTimers(add, addRefs);
    this.#addBlobs(add);
    this.#addDeliveries(add);
    writes.push(...this.#others);
    return writes;
  }

  #addInstances(add: Add): void {
    const entries = [...this.#instances];
    const rows = entries.map(([, row]) => row);
    const keys = (column: (row: NewInstance) => string | null): Column => texts(rows.map((row) => escaped(column(row))));
    add(
      sql.INSERT_INSTANCES,
      rows.length,
      this.#node,
      bigints(entries.map(([ref]) => ref)),
      byteas(rows.map((row) => digestOf(row.hub, row.instanceId))),
      keys((row) => row.hub),
      keys((row) => row.instanceId),
      keys((row) => row.executionId),
      keys((row) => row.name),
      keys((row) => row.version),
      texts(rows.map((row) => row.status)),
      bigints(rows.map((row) => row.createdAt)),
      bigints(rows.map((row) => row.scheduledStartAt)),
      bigints(rows.map((row) => row.parentRef)),
      texts(rows.map((row) => row.parent)),
      texts(rows.map((row) => row.tags)),
      texts(rows.map((row) => row.traceContext)),
      texts(rows.map((row) => row.input)),
    );
  }

  #addTurns(add: Add): void {
    const turns = [...this.#turns.values()].flat();
    add(
      sql.INSERT_HISTORY,
      turns.length,
      bigints(turns.map((turn) => turn.ref)),
      bigints(turns.map((turn) => turn.first)),
      bigints(turns.map((turn) => turn.events.count)),
      texts(turns.map((turn) => turn.events.text)),
    );
  }

  #addMessages(add: Add): void {
    const removed = this.#removedMessages;
    add(sql.REMOVE_MESSAGES, removed.length, bigints(removed.map(([ref]) => ref)), bigints(removed.map(([, key]) => key)));
    const rows = [...this.#messages].flatMap(([ref, messages]) => [...messages].map(([key, message]) => ({ ref, key, ...message })));
    add(
      sql.INSERT_MESSAGES,
      rows.length,
      bigints(rows.map((row) => row.ref)),
      bigints(rows.map((row) => row.key)),
      texts(rows.map((row) => escaped(row.executionId))),
      texts(rows.map((row) => row.text)),
    );
  }

  #addActivities(add: Add, addRefs: (statement: Statement, refs: ReadonlySet<number>) => void): void {
    const setAttempts = (changes: readonly AttemptChange[]): void =>
      add(
        sql.SET_ATTEMPTS,
        changes.length,
        this.#node,
        ...nameColumns(changes),
        bigints(changes.map((change) => change.attempt)),
        booleans(changes.map((change) => change.inFlight)),
        bigints(changes.map((change) => change.dueAt)),
      );
    setAttempts([...this.#attempts.values()]);
    addRefs(sql.REMOVE_QUEUED, this.#clearedQueues);
    setAttempts([...this.#lateAttempts.values()]);
    add(sql.REMOVE_ACTIVITIES, this.#removedActivities.length, ...nameColumns(this.#removedActivities));
    const added = [...this.#activities.values()];
    add(
      sql.INSERT_ACTIVITIES,
      added.length,
      ...nameColumns(added),
      bigints(added.map((activity) => activity.attempt)),
      booleans(added.map((activity) => activity.inFlight)),
      bigints(added.map((activity) => activity.claimedBy)),
      bigints(added.map((activity) => activity.dueAt)),
      texts(added.map((activity) => escapeKey(nameOfWork(activity.work)))),
      texts(added.map((activity) => activity.work)),
    );
  }

  #addTimers(add: Add, addRefs: (statement: Statement, refs: ReadonlySet<number>) => void): void {
    addRefs(sql.CLEAR_TIMERS, this.#clearedTimers);
    const rows = [...this.#timers].flatMap(([ref, timers]) => [...timers].map(([timerId, fireAt]) => ({ ref, timerId, fireAt })));
    const removed = rows.filter((row) => row.fireAt === null);
    add(sql.REMOVE_TIMERS, removed.length, bigints(removed.map((row) => row.ref)), bigints(removed.map((row) => row.timerId)));
    const set = rows.filter((row) => row.fireAt !== null);
    add(
      sql.INSERT_TIMERS,
      set.length,
      bigints(set.map((row) => row.ref)),
      bigints(set.map((row) => row.timerId)),
      bigints(set.map((row) => row.fireAt)),
    );
  }

  #addBlobs(add: Add): void {
    // In the order of their hashes, in which every node locks them.
    const blobs = [...this.#blobs].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const hashes = texts(blobs.map(([hash]) => hash));
    add(sql.INSERT_BLOBS, blobs.length, hashes, texts(blobs.map(([, json]) => json)));
    const uses = this.#uses.filter(([ref]) => !this.#removedInstances.has(ref));
    add(sql.INSERT_USES, uses.length, bigints(uses.map(([ref]) => ref)), texts(uses.map(([, hash]) => hash)));
    add(sql.COLLECT_BLOBS, this.#shrunk.size + blobs.length, bigints([...this.#shrunk]), hashes);
  }

  #addDeliveries(add: Add): void {
    const rows = this.#remembered;
    add(
      sql.REMEMBER,
      rows.length,
      byteas(rows.map(([hub, key]) => digestOf(hub, key))),
      texts(rows.map(([hub]) => escapeKey(hub))),
      bigints(rows.map(([, , until]) => until)),
    );
  }
}

type Add = (statement: Statement, rows: number, ...values: readonly unknown[]) => void;

function nameColumns(names: readonly ActivityName[]): readonly Column[] {
  return [
    bigints(names.map(({ ref }) => ref)),
    bigints(names.map(({ actionId }) => actionId)),
    texts(names.map(({ executionId }) => escapeKey(executionId))),
  ];
}

function nameKey({ ref, executionId, actionId }: ActivityName): string {
  return `${ref} ${actionId} ${executionId}`;
}

function escaped(key: string | null): string | null {
  return key === null ? null : escapeKey(key);
}

function listIn<Key, Value>(lists: Map<Key, Value[]>, key: Key): Value[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const list: Value[] = [];
  lists.set(key, list);
  return list;
}

function mapIn<Outer, Key, Value>(maps: Map<Outer, Map<Key, Value>>, key: Outer): Map<Key, Value> {
  const known = maps.get(key);
  if (known !== undefined) return known;
  const map = new Map<Key, Value>();
  maps.set(key, map);
  return map;
}
