// The reads of a store in PostgreSQL. Rows come as they are stored; large payloads are put back by one more query for all
// rows of an answer.

import { type EncodedKey, type EncodedPage, PAGE_LENGTH } from "../core.ts";
import { escapeKey, escapePrefix, unescapeKey } from "../encoding/key-text.ts";
import type { EncodedActivityRow, EncodedInboxRow, EncodedInstance, EncodedSlice, EncodedStored } from "../encoding/rows.ts";
import { activityIn, instanceIn, integer, type SqlRow, string } from "../encoding/sql-rows.ts";
import { blobsOf, expandText } from "../encoding/text.ts";
import { matchesFilter, pageStart, rowLength } from "../filter.ts";
import type { InstanceFilter, Page } from "../store.ts";
import { texts } from "./array-parameter.ts";
import type { Connection } from "./connection.ts";
import { digestOf } from "./digest.ts";
import { INBOX_LENGTH, PAYLOAD_COLUMNS, ROW_COLUMNS } from "./instance-rows.ts";
import { settleAll } from "./read-known.ts";
import { statement } from "./write-statements.ts";

/** Rows of a page that are read at once; a filter may drop some, and payloads make them large. */
const CHUNK = { bare: 500, withPayloads: 20 };
const TURNS_AT_ONCE = 200;

const BY_KEY = statement("by-key", `SELECT ${ROW_COLUMNS}, ${INBOX_LENGTH}, ${PAYLOAD_COLUMNS} FROM instances i WHERE digest = $1`);
const BARE_BY_KEY = statement("bare-by-key", `SELECT ${ROW_COLUMNS}, ${INBOX_LENGTH} FROM instances i WHERE digest = $1`);
const BY_REF = statement("by-ref", `SELECT ${ROW_COLUMNS}, ${PAYLOAD_COLUMNS} FROM instances i WHERE ref = $1`);
const REF = statement("ref", "SELECT ref, execution_id, history_length FROM instances WHERE digest = $1");
const TURNS = statement("turns", "SELECT events FROM history WHERE ref = $1 ORDER BY first");
const TURNS_FROM = statement(
  "turns-from",
  `SELECT first, count, events FROM history WHERE ref = $1
    AND first >= coalesce((SELECT max(first) FROM history WHERE ref = $1 AND first <= $2), 0) ORDER BY first LIMIT $3`,
);
const INBOX = statement("inbox", "SELECT key, message, execution_id FROM inbox WHERE ref = $1 ORDER BY key");
const CHILDREN = statement("children", "SELECT hub, instance_id FROM instances WHERE parent_ref = $1 ORDER BY ref");
/** From one hub to the next by the index, however many instances there are. */
const HUBS = statement(
  "hubs",
  `WITH RECURSIVE found (hub) AS (
     (SELECT hub FROM instances WHERE md5(hub) > coalesce(md5($1::text), '') ORDER BY md5(hub), ref LIMIT 1)
     UNION ALL
     SELECT (SELECT i.hub FROM instances i WHERE md5(i.hub) > md5(found.hub) ORDER BY md5(i.hub), i.ref LIMIT 1)
       FROM found WHERE found.hub IS NOT NULL
   ) SELECT hub FROM found WHERE hub IS NOT NULL LIMIT $2`,
);
const BLOBS = statement("blobs", "SELECT hash, json FROM blobs WHERE hash = ANY ($1::text[])");
const ACTIVITY_COLUMNS = "a.ord, a.ref, i.hub, i.instance_id, a.execution_id, a.action_id, a.attempt, a.in_flight, a.due_at, a.work";
const ACTIVITIES = statement(
  "activities",
  `SELECT ${ACTIVITY_COLUMNS} FROM activities a JOIN instances i ON i.ref = a.ref WHERE a.ord > $1 ORDER BY a.ord LIMIT $2`,
);

/** Not there, or gone since the row was read that refers to it. */
export class MissingPayload extends Error {}

export class PostgresReads {
  readonly connection: () => Promise<Connection>;

  constructor(connection: () => Promise<Connection>) {
    this.connection = connection;
  }

  async instance(hub: string, instanceId: string, withPayloads: boolean): Promise<EncodedInstance | null> {
    const connection = await this.connection();
    const { rows } = await connection.run(withPayloads ? BY_KEY : BARE_BY_KEY, [digestOf(hub, instanceId)]);
    const [row] = await this.#decodeAll(connection, rows);
    return row ?? null;
  }

  async instances(filter: InstanceFilter, page: Page): Promise<EncodedPage> {
    const connection = await this.connection();
    const { where, values } = narrow(filter);
    const columns = `${ROW_COLUMNS}${page.withPayloads ? `, ${PAYLOAD_COLUMNS}` : ""}${filter.sort === "entities" ? `, ${INBOX_LENGTH}` : ""}`;
    const chunk = page.withPayloads ? CHUNK.withPayloads : CHUNK.bare;
    const text = `SELECT ${columns} FROM instances i WHERE ${where} AND i.ref > $${values.length + 1} ORDER BY i.ref LIMIT ${chunk}`;
    const taken: EncodedInstance[] = [];
    let length = 0;
    for (let after = pageStart(page); ; ) {
      const { rows } = await connection.execute(text, [...values, after]);
      for (const row of await this.#decodeAll(connection, rows)) {
        after = row.ref;
        if (!matchesFilter(row, filter)) continue;
        length += rowLength(row);
        if (taken.length >= page.limit || (taken.length > 0 && length > PAGE_LENGTH)) {
          return { rows: taken, next: String(taken.at(-1)?.ref) };
        }
        taken.push(row);
      }
      if (rows.length < chunk) return { rows: taken, next: null };
    }
  }

  async history(hub: string, instanceId: string, from: number): Promise<EncodedSlice | null> {
    const connection = await this.connection();
    const { rows } = await connection.run(REF, [digestOf(hub, instanceId)]);
    const [found] = rows;
    if (found === undefined) return null;
    const turns: string[] = [];
    let first = from;
    let length = 0;
    for (let next = from; ; ) {
      const page = await connection.run(TURNS_FROM, [found["ref"], next, TURNS_AT_ONCE]);
      const expanded = await expandAll(
        connection,
        page.rows.map((row) => string(row["events"])),
      );
      for (const [index, row] of page.rows.entries()) {
        const end = integer(row["first"]) + integer(row["count"]);
        if (end <= next) continue;
        const text = expanded[index] ?? "[]";
        length += text.length;
        if (turns.length > 0 && length > PAGE_LENGTH) {
          return { executionId: unescapeKey(string(found["execution_id"])), first, turns, isLast: false };
        }
        if (turns.length === 0) first = integer(row["first"]);
        turns.push(text);
        next = end;
      }
      if (page.rows.length < TURNS_AT_ONCE) break;
    }
    return { executionId: unescapeKey(string(found["execution_id"])), first, turns, isLast: true };
  }

  async hubs(after: string | null, limit: number): Promise<readonly string[]> {
    const connection = await this.connection();
    const { rows } = await connection.run(HUBS, [after === null ? null : escapeKey(after), limit]);
    return rows.map((row) => unescapeKey(string(row["hub"])));
  }

  async children(hub: string, instanceId: string): Promise<readonly EncodedKey[]> {
    const connection = await this.connection();
    const found = await connection.run(REF, [digestOf(hub, instanceId)]);
    const ref = found.rows[0]?.["ref"];
    if (ref === undefined) return [];
    const { rows } = await connection.run(CHILDREN, [ref]);
    return rows.map((row) => ({ hub: unescapeKey(string(row["hub"])), instanceId: unescapeKey(string(row["instance_id"])) }));
  }

  async load(ref: number): Promise<EncodedStored | null> {
    const connection = await this.connection();
    const [rows, turns, inbox] = await settleAll([
      connection.run(BY_REF, [ref]),
      connection.run(TURNS, [ref]),
      connection.run(INBOX, [ref]),
    ]);
    const [row] = await this.#decodeAll(connection, rows?.rows ?? []);
    if (row === undefined) return null;
    const history = await expandAll(
      connection,
      (turns?.rows ?? []).map((turn) => string(turn["events"])),
    );
    return { row, history, inbox: await decodeInbox(connection, inbox?.rows ?? []) };
  }

  async readInbox(connection: Connection, ref: number): Promise<readonly EncodedInboxRow[]> {
    return await decodeInbox(connection, (await connection.run(INBOX, [ref])).rows);
  }

  async activities(after: number, limit: number): Promise<readonly EncodedActivityRow[]> {
    const connection = await this.connection();
    return await this.decodeActivities(connection, (await connection.run(ACTIVITIES, [after, limit])).rows);
  }

  async decodeActivities(connection: Connection, rows: readonly SqlRow[]): Promise<readonly EncodedActivityRow[]> {
    const works = await expandAll(
      connection,
      rows.map((row) => string(row["work"])),
    );
    return rows.map((row, index) => activityIn(row, works[index] ?? ""));
  }

  async #decodeAll(connection: Connection, rows: readonly SqlRow[]): Promise<readonly EncodedInstance[]> {
    const lookUp = await readBlobs(
      connection,
      rows.flatMap((row) => Object.values(row)).filter((value) => typeof value === "string"),
    );
    return rows.map((row) => instanceIn(row, (text) => expandText(text, lookUp)));
  }
}

async function decodeInbox(connection: Connection, rows: readonly SqlRow[]): Promise<readonly EncodedInboxRow[]> {
  const messages = await expandAll(
    connection,
    rows.map((row) => string(row["message"])),
  );
  return rows.map((row, index) => ({
    key: integer(row["key"]),
    message: messages[index] ?? "",
    executionId: row["execution_id"] === null ? null : unescapeKey(string(row["execution_id"])),
  }));
}

async function expandAll(connection: Connection, stored: readonly string[]): Promise<readonly string[]> {
  const lookUp = await readBlobs(connection, stored);
  return stored.map((text) => expandText(text, lookUp));
}

/** Ids in key columns may begin with "@" too: what they seem to refer to is not there, and not asked for again. */
async function readBlobs(connection: Connection, stored: readonly string[]): Promise<(hash: string) => string> {
  const hashes = new Set(stored.flatMap((text) => (text.startsWith("@") && text.includes("\n") ? blobsOf(text) : [])));
  const found = new Map<string, string>();
  if (hashes.size > 0) {
    const { rows } = await connection.run(BLOBS, [texts([...hashes])]);
    for (const row of rows) found.set(string(row["hash"]), string(row["json"]));
  }
  return (hash) => {
    const json = found.get(hash);
    if (json === undefined) throw new MissingPayload(`the payload ${hash} is missing`);
    return json;
  };
}

/** The part of a filter that SQL can decide; a prefix is decided again on the row, where half a surrogate pair counts. */
function narrow(filter: InstanceFilter): { readonly where: string; readonly values: unknown[] } {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const require = (condition: string, value: unknown): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition.replaceAll("$", `$${values.length}`));
  };
  require("md5(hub) = md5($) AND hub = $", escapeKey(filter.hub));
  conditions.push(filter.sort === "entities" ? "starts_with(instance_id, '@')" : "NOT starts_with(instance_id, '@')");
  if (filter.withStateOnly === true) conditions.push("entity_state IS NOT NULL");
  require("created_at >= $", filter.createdFrom);
  require("created_at <= $", filter.createdTo);
  require("updated_at >= $", filter.updatedFrom);
  require("updated_at <= $", filter.updatedTo);
  require("completed_at >= $", filter.completedFrom);
  require("completed_at <= $", filter.completedTo);
  require("name = $", filter.name === undefined ? undefined : escapeKey(filter.name));
  require("status = ANY ($::text[])", filter.status === undefined ? undefined : texts(filter.status));
  require("starts_with(instance_id, $)", filter.idPrefix === undefined ? undefined : escapePrefix(filter.idPrefix));
  return { where: conditions.join(" AND "), values };
}
