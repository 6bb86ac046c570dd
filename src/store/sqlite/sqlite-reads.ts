// The reads of an SQLite store, for its owner and for read-only openers alike.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type EncodedKey, type EncodedPage, PAGE_LENGTH, type ReadCore } from "../core.ts";
import { escapeKey, unescapeKey } from "../encoding/key-text.ts";
import type { EncodedInstance, EncodedSlice } from "../encoding/rows.ts";
import { instanceIn, integer, type SqlRow, string } from "../encoding/sql-rows.ts";
import { expandText } from "../encoding/text.ts";
import { matchesFilter, rowLength } from "../filter.ts";
import type { InstanceFilter, Page } from "../store.ts";
import { instanceQuery, pageQuery } from "./instance-query.ts";
import { corrupt } from "./sqlite-error.ts";

/** From one hub to the next by the index, however many instances there are. */
const HUBS = `WITH RECURSIVE found (hub) AS (
    SELECT min(hub) FROM instances WHERE hub > ?
    UNION ALL SELECT (SELECT min(hub) FROM instances i WHERE i.hub > found.hub) FROM found WHERE found.hub IS NOT NULL
  ) SELECT hub FROM found WHERE hub IS NOT NULL LIMIT ?`;

export class SqliteReads implements ReadCore {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #blob: StatementSync;
  readonly #ref: StatementSync;
  readonly #byRef: { readonly full: StatementSync; readonly bare: StatementSync };
  readonly #turns: StatementSync;
  readonly #children: StatementSync;
  readonly #hubs: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#blob = database.prepare("SELECT json FROM blobs WHERE hash = ?");
    this.#ref = database.prepare("SELECT ref, execution_id FROM instances WHERE hub = ? AND instance_id = ?");
    this.#byRef = {
      full: database.prepare(instanceQuery("i.ref = ?", true)),
      bare: database.prepare(instanceQuery("i.ref = ?", false)),
    };
    this.#turns = database.prepare("SELECT first, count, events FROM history WHERE ref = ? AND first + count > ? ORDER BY first");
    this.#children = database.prepare("SELECT hub, instance_id FROM instances WHERE parent_ref = ? ORDER BY ref");
    this.#hubs = database.prepare(HUBS);
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
    const { sql, values } = pageQuery(filter, page);
    const rows: EncodedInstance[] = [];
    let length = 0;
    for (const sqlRow of this.#database.prepare(sql).iterate(...values)) {
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

  hubs(after: string | null, limit: number): readonly string[] {
    const rows = this.#hubs.all(after === null ? "" : escapeKey(after), limit);
    return rows.map((row) => unescapeKey(string(row["hub"])));
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
    return instanceIn(row, (text) => this.expand(text));
  }
}
