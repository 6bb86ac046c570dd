// The tables of an SQLite store, as prepared statements. What the rules look at is cached, so that a turn of a warm
// instance reads nothing; `forgetCache` after every rollback.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isEntityId } from "../../model/entity.ts";
import { escapeKey, unescapeKey } from "../encoding/key-text.ts";
import type { ChangeColumn, EncodedActivity, EncodedChange, EncodedEvents, NewExecution, NewInstance } from "../encoding/parts.ts";
import { integer, string } from "../encoding/sql-rows.ts";
import type { Text } from "../encoding/text.ts";
import type { Head, Tables } from "../tables.ts";
import { BlobTable } from "./blob-table.ts";
import { DeliveryTable } from "./delivery-table.ts";
import { IS_ENTITY } from "./instance-query.ts";

const MAX_CACHED_HEADS = 8192;

interface CachedHead extends Head {
  executionId: string;
  status: string;
  historyLength: number;
  historyBytes: number;
  updatedAt: number;
  turnAttempt: number;
  /** Counted when it is first asked for. */
  inboxLength?: number;
}

const COLUMN: { readonly [column in ChangeColumn]: string } = {
  stalled: "stalled",
  output: "output",
  failure: "failure",
  customStatus: "custom_status",
  completedAt: "completed_at",
  entityState: "entity_state",
  entityLock: "entity_lock",
};

export class SqliteTables implements Tables {
  readonly blobs: BlobTable;
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #updates = new Map<string, StatementSync>();
  readonly #deliveries: DeliveryTable;
  readonly #heads = new Map<number, CachedHead>();
  #lastInboxKey: number;
  #lastOrder: number;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepareAll(database);
    this.blobs = new BlobTable(database);
    this.#deliveries = new DeliveryTable(database);
    this.#lastInboxKey = integer(database.prepare("SELECT coalesce(max(key), 0) AS value FROM inbox").get()?.["value"]);
    this.#lastOrder = integer(database.prepare("SELECT coalesce(max(ord), 0) AS value FROM activities").get()?.["value"]);
  }

  forgetCache(): void {
    this.#heads.clear();
    this.blobs.forgetBatch();
  }

  headByKey(hub: string, instanceId: string): Head | undefined {
    const found = this.#statements.refByKey.get(escapeKey(hub), escapeKey(instanceId));
    return found === undefined ? undefined : this.headByRef(integer(found["ref"]));
  }

  headByRef(ref: number): CachedHead | undefined {
    const cached = this.#heads.get(ref);
    if (cached !== undefined) return cached;
    const row = this.#statements.head.get(ref);
    if (row === undefined) return undefined;
    const head: CachedHead = {
      ref,
      hub: unescapeKey(string(row["hub"])),
      instanceId: unescapeKey(string(row["instance_id"])),
      executionId: unescapeKey(string(row["execution_id"])),
      status: string(row["status"]),
      historyLength: integer(row["history_length"]),
      historyBytes: integer(row["history_bytes"]),
      updatedAt: integer(row["updated_at"]),
      turnAttempt: integer(row["turn_attempt"]),
      parentRef: row["parent_ref"] === null ? null : integer(row["parent_ref"]),
    };
    this.#remember(head);
    return head;
  }

  children(parentRef: number): readonly Head[] {
    const refs = this.#statements.children.all(parentRef).map((row) => integer(row["ref"]));
    return refs.map((ref) => this.headByRef(ref)).filter((head) => head !== undefined);
  }

  refsOfHub(hub: string, limit: number): readonly number[] {
    return this.#statements.refsOfHub.all(escapeKey(hub), limit).map((row) => integer(row["ref"]));
  }

  insertInstance(row: NewInstance): number {
    const {
      hub,
      instanceId,
      executionId,
      name,
      version,
      status,
      createdAt,
      scheduledStartAt,
      parentRef,
      parent,
      tags,
      traceContext,
      input,
    } = row;
    const { lastInsertRowid } = this.#statements.insertInstance.run(
      escapeKey(hub),
      escapeKey(instanceId),
      escapeKey(executionId),
      escapeKey(name),
      version === null ? null : escapeKey(version),
      status,
      createdAt,
      createdAt,
      scheduledStartAt,
      parentRef,
      parent,
      tags,
      traceContext,
      input,
    );
    const ref = Number(lastInsertRowid);
    for (const text of [parent, tags, traceContext, input]) this.blobs.use(ref, text);
    const fresh = { status, historyLength: 0, historyBytes: 0, updatedAt: createdAt, turnAttempt: 0 };
    this.#remember({ ref, hub, instanceId, executionId, parentRef, ...fresh });
    return ref;
  }

  removeInstance(ref: number): void {
    for (const statement of this.#statements.removeInstance) statement.run(ref);
    this.#heads.delete(ref);
    this.blobs.recount(ref);
  }

  change(ref: number, change: EncodedChange): void {
    const head = this.headByRef(ref);
    if (head === undefined) return;
    const updatedAt = Math.max(head.updatedAt, change.updatedAt ?? 0);
    const status = change.status ?? head.status;
    if (change.columns.length === 0 && status === head.status && updatedAt === head.updatedAt) return;
    const values = change.columns.map(([, value]) => value);
    this.#update(change.columns.map(([column]) => column)).run(status, updatedAt, ...values, ref);
    for (const value of values) if (typeof value === "string") this.blobs.use(ref, value);
    this.#recountEntity(head);
    head.status = status;
    head.updatedAt = updatedAt;
  }

  appendHistory(ref: number, events: EncodedEvents, updatedAt: number | null): void {
    const head = this.headByRef(ref);
    if (head === undefined || events.count === 0) return;
    const first = head.historyLength;
    head.historyLength += events.count;
    head.historyBytes += events.bytes;
    head.updatedAt = Math.max(head.updatedAt, updatedAt ?? 0);
    this.#statements.insertHistory.run(ref, first, events.count, head.historyBytes, head.updatedAt, events.text);
    this.blobs.use(ref, events.text);
  }

  replaceExecution(ref: number, next: NewExecution): void {
    const head = this.headByRef(ref);
    if (head === undefined) return;
    const { executionId, version, input, tags } = next;
    const escapedVersion = version === null ? null : escapeKey(version);
    this.#statements.replaceExecution.run(escapeKey(executionId), escapedVersion, input, tags, head.updatedAt, ref);
    this.#statements.clearHistory.run(ref);
    this.clearTimers(ref);
    head.executionId = executionId;
    head.historyLength = 0;
    head.historyBytes = 0;
    for (const text of [input, tags]) this.blobs.use(ref, text);
    this.appendHistory(ref, next.history, null);
    this.blobs.recount(ref);
  }

  clearTurnAttempt(ref: number): void {
    const head = this.headByRef(ref);
    if (head === undefined || head.turnAttempt === 0) return;
    this.#statements.clearTurnAttempt.run(ref);
    head.turnAttempt = 0;
  }

  isBareEntity(ref: number): boolean {
    return this.#statements.bareEntity.get(ref) !== undefined;
  }

  inboxLength(ref: number): number {
    const head = this.headByRef(ref);
    if (head === undefined) return 0;
    head.inboxLength ??= integer(this.#statements.countInbox.get(ref)?.["count"]);
    return head.inboxLength;
  }

  appendInbox(ref: number, message: Text, executionId: string | null): number {
    const key = ++this.#lastInboxKey;
    this.#insertInbox(ref, key, message, executionId);
    return key;
  }

  prependInbox(ref: number, messages: readonly Text[]): readonly number[] {
    const first = integer(this.#statements.firstInboxKey.get(ref)?.["key"]) - messages.length;
    return messages.map((message, at) => {
      this.#insertInbox(ref, first + at, message, null);
      return first + at;
    });
  }

  removeInbox(ref: number, key: number): void {
    const { changes } = this.#statements.removeInbox.run(ref, key);
    const head = this.#heads.get(ref);
    if (head === undefined) return;
    if (head.inboxLength !== undefined) head.inboxLength -= Number(changes);
    this.#recountEntity(head);
  }

  clearInbox(ref: number): void {
    this.#statements.clearInbox.run(ref);
    const head = this.#heads.get(ref);
    if (head !== undefined) head.inboxLength = 0;
  }

  insertActivity(ref: number, executionId: string, { actionId, inFlight, work }: EncodedActivity): void {
    this.#statements.insertActivity.run(ref, actionId, escapeKey(executionId), ++this.#lastOrder, inFlight ? 1 : 0, work);
    this.blobs.use(ref, work);
  }

  removeActivity(ref: number, executionId: string, actionId: number): boolean {
    return this.#statements.removeActivity.run(ref, actionId, escapeKey(executionId)).changes !== 0;
  }

  removeQueuedActivities(ref: number): void {
    this.#statements.removeQueued.run(ref);
  }

  setAttempt(ref: number, executionId: string, actionId: number, attempt: number, inFlight: boolean, dueAt: number | null): boolean {
    return this.#statements.setAttempt.run(attempt, inFlight ? 1 : 0, dueAt, ref, actionId, escapeKey(executionId)).changes !== 0;
  }

  insertTimer(ref: number, timerId: number, fireAt: number): void {
    this.#statements.insertTimer.run(ref, timerId, fireAt);
  }

  removeTimer(ref: number, timerId: number): void {
    this.#statements.removeTimer.run(ref, timerId);
  }

  clearTimers(ref: number): void {
    this.#statements.clearTimers.run(ref);
  }

  raiseAttempts(): void {
    this.#statements.raiseActivities.run();
    this.#statements.raiseTurns.run();
    this.#heads.clear();
  }

  release(): void {}

  takeOver(): void {}

  isRemembered(hub: string, key: string, at: number): boolean {
    return this.#deliveries.has(hub, key, at);
  }

  remember(hub: string, key: string, until: number): void {
    this.#deliveries.add(hub, key, until);
  }

  forgetExpired(at: number, limit: number): void {
    this.#deliveries.removeExpired(at, limit);
  }

  forgetDeliveries(hub: string, limit: number): number {
    return this.#deliveries.removeOfHub(hub, limit);
  }

  /** Large payloads of an orchestration go with its execution; an entity lives on, and its messages leave no history. */
  #recountEntity({ ref, instanceId }: Head): void {
    if (isEntityId(instanceId)) this.blobs.recount(ref);
  }

  #insertInbox(ref: number, key: number, message: Text, executionId: string | null): void {
    this.#statements.insertInbox.run(ref, key, executionId === null ? null : escapeKey(executionId), message);
    const head = this.#heads.get(ref);
    if (head?.inboxLength !== undefined) head.inboxLength += 1;
    this.blobs.use(ref, message);
  }

  #remember(head: CachedHead): void {
    if (this.#heads.size >= MAX_CACHED_HEADS) {
      const [oldest] = this.#heads.keys();
      if (oldest !== undefined) this.#heads.delete(oldest);
    }
    this.#heads.set(head.ref, head);
  }

  #update(columns: readonly ChangeColumn[]): StatementSync {
    const shape = columns.join();
    let statement = this.#updates.get(shape);
    if (statement === undefined) {
      const sets = columns.map((column) => `, ${COLUMN[column]} = ?`).join("");
      statement = this.#database.prepare(`UPDATE instances SET status = ?, updated_at = ?${sets} WHERE ref = ?`);
      this.#updates.set(shape, statement);
    }
    return statement;
  }
}

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    refByKey: prepare("SELECT ref FROM instances WHERE hub = ? AND instance_id = ?"),
    head: prepare(`
      SELECT hub, instance_id, execution_id, status, turn_attempt, parent_ref, max(i.updated_at, coalesce(h.updated_at, 0)) AS updated_at,
        coalesce(h.first + h.count, 0) AS history_length, coalesce(h.total_bytes, 0) AS history_bytes
      FROM instances i LEFT JOIN history h ON h.ref = i.ref AND h.first = (SELECT max(first) FROM history WHERE ref = i.ref)
      WHERE i.ref = ?`),
    children: prepare("SELECT ref FROM instances WHERE parent_ref = ? ORDER BY ref"),
    refsOfHub: prepare("SELECT ref FROM instances WHERE hub = ? LIMIT ?"),
    insertInstance: prepare(`
      INSERT INTO instances (hub, instance_id, execution_id, name, version, status, created_at, updated_at, scheduled_start_at,
        turn_attempt, parent_ref, parent, tags, trace_context, input)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`),
    removeInstance: ["history", "inbox", "activities", "timers", "instances"].map((table) => prepare(`DELETE FROM ${table} WHERE ref = ?`)),
    insertHistory: prepare("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)"),
    clearHistory: prepare("DELETE FROM history WHERE ref = ?"),
    replaceExecution: prepare("UPDATE instances SET execution_id = ?, version = ?, input = ?, tags = ?, updated_at = ? WHERE ref = ?"),
    clearTurnAttempt: prepare("UPDATE instances SET turn_attempt = 0 WHERE ref = ?"),
    bareEntity: prepare(`
      SELECT 1 FROM instances i WHERE ref = ? AND ${IS_ENTITY} AND entity_state IS NULL AND entity_lock IS NULL
        AND NOT EXISTS (SELECT 1 FROM inbox WHERE ref = i.ref)`),
    insertInbox: prepare("INSERT INTO inbox VALUES (?, ?, ?, ?)"),
    firstInboxKey: prepare("SELECT min(0, coalesce(min(key), 0)) AS key FROM inbox WHERE ref = ?"),
    countInbox: prepare("SELECT count(*) AS count FROM inbox WHERE ref = ?"),
    removeInbox: prepare("DELETE FROM inbox WHERE ref = ? AND key = ?"),
    clearInbox: prepare("DELETE FROM inbox WHERE ref = ?"),
    insertActivity: prepare("INSERT OR IGNORE INTO activities VALUES (?, ?, ?, ?, 1, ?, NULL, ?)"),
    removeActivity: prepare("DELETE FROM activities WHERE ref = ? AND action_id = ? AND execution_id = ?"),
    removeQueued: prepare("DELETE FROM activities WHERE ref = ? AND in_flight = 0"),
    setAttempt: prepare(
      "UPDATE activities SET attempt = ?, in_flight = ?, due_at = ? WHERE ref = ? AND action_id = ? AND execution_id = ?",
    ),
    insertTimer: prepare("INSERT INTO timers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET fire_at = excluded.fire_at"),
    removeTimer: prepare("DELETE FROM timers WHERE ref = ? AND timer_id = ?"),
    clearTimers: prepare("DELETE FROM timers WHERE ref = ?"),
    raiseActivities: prepare("UPDATE activities SET attempt = attempt + 1 WHERE in_flight = 1"),
    raiseTurns: prepare(`
      UPDATE instances SET turn_attempt = turn_attempt + 1
      WHERE ref IN (SELECT ref FROM inbox) AND stalled IS NULL AND status <> 'Suspended'
        AND ref NOT IN (SELECT ref FROM timers WHERE timer_id = 0)
        AND (NOT (${IS_ENTITY}) OR entity_lock IS NULL AND EXISTS (
          SELECT 1 FROM inbox b WHERE b.ref = instances.ref
            AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.ref = b.ref AND t.timer_id = b.key)))`),
  };
}
