// The reads of an SQLite store, for its owner and for read-only openers alike.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type EncodedKey, type EncodedPage, PAGE_LENGTH, type ReadCore } from "../core.ts";
import type { EncodedInstance, EncodedSlice } from "../encoding/rows.ts";
import { expandText } from "../encoding/text.ts";
import { matchesFilter, rowLength } from "../filter.ts";
import type { InstanceFilter, Page } from "../store.ts";
import { escapeKey, escapePrefix, unescapeKey } from "./key-text.ts";
import { corrupt } from "./sqlite-error.ts";
import { IS_ENTITY, integer, string } from "./sqlite-tables.ts";

type SqlRow = Readonly<Record<string, unknown>>;

const UPDATED_AT = "max(i.updated_at, coalesce(h.updated_at, 0))";
const COLUMNS = `i.ref, hub, instance_id, execution_id, name, version, status, stalled, created_at, completed_at, scheduled_start_at, turn_attempt,
  parent, tags, trace_context, entity_state IS NOT NULL AS has_entity_state, entity_lock, ${UPDATED_AT} AS updated_at,
  coalesce(h.first + h.count, 0) AS history_length, coalesce(h.total_bytes, 0) AS history_bytes`;
const PAYLOADS = "input, output, failure, custom_status, entity_state";
const INBOX_LENGTH = "(SELECT count(*) FROM inbox WHERE ref = i.ref) AS inbox_length";
const FROM = "FROM instances i LEFT JOIN history h ON h.ref = i.ref AND h.first = (SELECT max(first) FROM history WHERE ref = i.ref)";

export class SqliteReads implements ReadCore {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #blob: StatementSync;
  readonly #ref: StatementSync;
  readonly #byRef: { readonly full: StatementSync; readonly bare: StatementSync };
  readonly #turns: StatementSync;
  readonly #children: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#blob = database.prepare("SELECT json FROM blobs WHERE hash = ?");
    this.#ref = database.prepare("SELECT ref, execution_id FROM instances WHERE hub = ? AND instance_id = ?");
    this.#byRef = {
      full: database.prepare(`SELECT ${COLUMNS}, ${PAYLOADS} ${FROM} WHERE i.ref = ?`),
      bare: database.prepare(`SELECT ${COLUMNS} ${FROM} WHERE i.ref = ?`),
    };
    this.#turns = database.prepare("SELECT first, count, events FROM history WHERE ref = ? AND first + count > ? ORDER BY first");
    this.#children = database.prepare("SELECT hub, instance_id FROM instances WHERE parent_ref = ? ORDER BY ref");
  }

  instance(hub: string, instanceId: string, withPayloads: boolean): EncodedInstance | null {
    const found = this.#ref.get(escapeKey(hub), escapeKey(instanceId));
    return found === undefined ? null : this.byRef(integer(found["ref"]), withPayloads);
  }

  byRef(ref: number, withPayloads: boolean): EncodedInstance | null {
    const row = (withPayloads ? this.#byRef.full : this.#byRef.bare).get(ref);
    return row === undefined ? null : this.#decode(row);
  }

  instances(filter: InstanceFilter, page: Page): EncodedPage {
    const { where, values } = narrow(filter, page);
    const columns = [COLUMNS, ...(page.withPayloads ? [PAYLOADS] : []), ...(filter.sort === "entities" ? [INBOX_LENGTH] : [])];
    const rows: EncodedInstance[] = [];
    let length = 0;
    for (const sqlRow of this.#database.prepare(`SELECT ${columns.join()} ${FROM} WHERE ${where} ORDER BY i.ref`).iterate(...values)) {
      const row = this.#decode(sqlRow);
      if (!matchesFilter(row, filter)) continue;
      length += rowLength(row);
      if (rows.length >= page.limit || (rows.length > 0 && length > PAGE_LENGTH)) return { rows, next: String(rows.at(-1)?.ref) };
      rows.push(row);
    }
    return { rows, next: null };
  }

  history(hub: string, instanceId: string, from: number): EncodedSlice | null {
    const found = this.#ref.get(escapeKey(hub), escapeKey(instanceId));
    if (found === undefined) return null;
    const turns: string[] = [];
    let first = from;
    let length = 0;
    let isLast = true;
    for (const row of this.#turns.iterate(integer(found["ref"]), from)) {
      const text = this.expand(string(row["events"]));
      length += text.length;
      if (turns.length > 0 && length > PAGE_LENGTH) {
        isLast = false;
        break;
      }
      if (turns.length === 0) first = integer(row["first"]);
      turns.push(text);
    }
    return { executionId: unescapeKey(string(found["execution_id"])), first, turns, isLast };
  }

  children(hub: string, instanceId: string): readonly EncodedKey[] {
    const found = this.#ref.get(escapeKey(hub), escapeKey(instanceId));
    if (found === undefined) return [];
    return this.#children.all(integer(found["ref"])).map((row) => ({
      hub: unescapeKey(string(row["hub"])),
      instanceId: unescapeKey(string(row["instance_id"])),
    }));
  }

  expand(text: string): string {
    return expandText(text, (hash) => {
      const json = this.#blob.get(hash)?.["json"];
      if (typeof json !== "string") throw corrupt(this.#path, `the payload ${hash} is missing`);
      return json;
    });
  }

  #decode(row: SqlRow): EncodedInstance {
    const text = (column: string): string | null => (typeof row[column] === "string" ? this.expand(row[column]) : null);
    const number = (column: string): number | null => (typeof row[column] === "number" ? row[column] : null);
    const key = (column: string): string => unescapeKey(string(row[column]));
    return {
      ref: integer(row["ref"]),
      hub: key("hub"),
      instanceId: key("instance_id"),
      executionId: key("execution_id"),
      name: key("name"),
      version: typeof row["version"] === "string" ? unescapeKey(row["version"]) : null,
      status: string(row["status"]),
      stalled: text("stalled"),
      input: text("input"),
      output: text("output"),
      failure: text("failure"),
      customStatus: text("custom_status"),
      createdAt: integer(row["created_at"]),
      updatedAt: integer(row["updated_at"]),
      completedAt: number("completed_at"),
      scheduledStartAt: number("scheduled_start_at"),
      parent: text("parent"),
      tags: text("tags"),
      traceContext: text("trace_context"),
      historyLength: integer(row["history_length"]),
      historyBytes: integer(row["history_bytes"]),
      turnAttempt: integer(row["turn_attempt"]),
      entityState: text("entity_state"),
      hasEntityState: row["has_entity_state"] === 1,
      entityLock: text("entity_lock"),
      inboxLength: number("inbox_length"),
    };
  }
}

/** The part of a filter that SQL can decide; a prefix is decided again on the row, where half a surrogate pair counts. */
function narrow(filter: InstanceFilter, page: Page): { readonly where: string; readonly values: (string | number)[] } {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const require = (condition: string, ...operands: readonly (string | number | undefined)[]): void => {
    if (operands.includes(undefined)) return;
    conditions.push(condition);
    for (const operand of operands) if (operand !== undefined) values.push(operand);
  };
  require("hub = ?", escapeKey(filter.hub));
  require(filter.sort === "entities" ? IS_ENTITY : `NOT (${IS_ENTITY})`);
  if (filter.withStateOnly === true) require("entity_state IS NOT NULL");
  require("i.ref > ?", Number(page.after ?? 0));
  require("created_at >= ?", filter.createdFrom);
  require("created_at <= ?", filter.createdTo);
  require(`${UPDATED_AT} >= ?`, filter.updatedFrom);
  require(`${UPDATED_AT} <= ?`, filter.updatedTo);
  require("completed_at >= ?", filter.completedFrom);
  require("completed_at <= ?", filter.completedTo);
  require("name = ?", filter.name === undefined ? undefined : escapeKey(filter.name));
  if (filter.status !== undefined) require(`status IN (${filter.status.map(() => "?").join()})`, ...filter.status);
  const prefix = filter.idPrefix === undefined ? undefined : escapePrefix(filter.idPrefix);
  require("instance_id >= ? AND substr(instance_id, 1, length(?)) = ?", prefix, prefix, prefix);
  return { where: conditions.join(" AND "), values };
}
