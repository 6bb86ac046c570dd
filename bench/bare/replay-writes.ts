// The bare loop: the same rows in the same batches as a recorded run, and nothing else.

import { readFileSync, rmSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { deserialize } from "node:v8";
import { openSqliteStoreInline } from "../../src/store/sqlite/open-inline.ts";
import { timed, type Work } from "../measure.ts";
import { assertFull } from "./assert-full.ts";

export type Writes = readonly (readonly [sql: string, values: readonly SQLInputValue[]])[];

/** The recorded transactions; what an opening does beside them is not of the work. */
export function readWrites(path: string): Writes {
  const all = deserialize(readFileSync(`${path}.writes`)) as Writes;
  let isInside = false;
  return all.filter(([sql]) => {
    const wasInside = isInside;
    isInside = sql.startsWith("BEGIN") || (isInside && !sql.startsWith("COMMIT"));
    return isInside || wasInside;
  });
}

export function replayWrites(writes: Writes, path: string, units: number): Work {
  return async () => {
    for (const ending of ["", "-wal", "-shm", ".lock"]) rmSync(`${path}${ending}`, { force: true });
    const fresh = await openSqliteStoreInline({ path });
    await fresh[Symbol.asyncDispose]();
    const database = openFull(path);
    const statements = new Map<string, StatementSync>();
    for (const [sql] of writes) if (!statements.has(sql)) statements.set(sql, database.prepare(sql));
    const prepared = writes.map(([sql, values]) => [statements.get(sql) as StatementSync, values] as const);
    const done = await timed(units, () => {
      for (const [statement, values] of prepared) statement.run(...values);
    });
    database.close();
    return done;
  };
}

/** As the store opens it; fails if the file is not at FULL with a write-ahead log. */
export function openFull(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  assertFull(database);
  return database;
}
