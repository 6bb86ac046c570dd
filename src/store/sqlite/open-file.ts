// Opening the file of a store: pragmas, migrations, and errors that say what is wrong with it.

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SignalboxError } from "../../model/errors.ts";
import { APPLICATION_ID, MIGRATIONS } from "./migrations.ts";
import { corrupt, fromSqliteError } from "./sqlite-error.ts";

/** Of a new file; one that is there keeps its own. */
const PAGE_BYTES = 2048;

export interface FileOptions {
  /** Bounds the file, in pages of 2 KiB; for tests of a full disk. */
  readonly maxPageCount?: number;
}

/** For the owner: creates or migrates the file, in WAL with every commit synced to disk. */
export function openOwned(path: string, options: FileOptions): DatabaseSync {
  return guarded(path, false, (database) => {
    // Small pages: a turn touches two or three, and each goes to the log whole before the commit is answered.
    database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL`);
    database.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -16384");
    if (options.maxPageCount !== undefined) database.exec(`PRAGMA max_page_count = ${options.maxPageCount}`);
    migrate(database, path);
    checkDurable(database, path);
  });
}

/** Beside a living owner, or on the file that one left: reads only, in short transactions that never block it. */
export function openForReading(path: string): DatabaseSync {
  if (!existsSync(path)) throw new SignalboxError("NOT_FOUND", `There is no store at "${path}".`);
  return guarded(path, true, (database) => {
    database.exec("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON");
    const version = schemaVersion(database, path);
    if (version < MIGRATIONS.length) {
      throw new SignalboxError(
        "FAILED_PRECONDITION",
        `The store "${path}" has the older schema ${version}. Open it once to bring it up to date.`,
      );
    }
  });
}

function guarded(path: string, readOnly: boolean, prepare: (database: DatabaseSync) => void): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly });
    prepare(database);
    return database;
  } catch (error) {
    database?.close();
    throw fromSqliteError(error, path);
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = schemaVersion(database, path);
  if (version === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  database.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)");
  const note = database.prepare("INSERT INTO schema_version VALUES (?)");
  for (let step = version; step < MIGRATIONS.length; step++) note.run(step + 1);
  database.exec("COMMIT");
}

/** 0 for a file without anything in it. */
function schemaVersion(database: DatabaseSync, path: string): number {
  const tables = number(database, "SELECT count(*) FROM sqlite_schema");
  if (tables === 0) return 0;
  if (number(database, "PRAGMA application_id") !== APPLICATION_ID) {
    throw new SignalboxError("INVALID_ARGUMENT", `"${path}" is an SQLite database of another program. Name another file for the store.`);
  }
  const version = number(database, "SELECT max(version) FROM schema_version");
  if (version <= MIGRATIONS.length) return version;
  const message = `The store "${path}" has schema ${version}, and this version of Signalbox knows only ${MIGRATIONS.length}. Use the newer version that wrote it.`;
  throw new SignalboxError("STORE_NEWER", message);
}

function checkDurable(database: DatabaseSync, path: string): void {
  const [mode] = Object.values(database.prepare("PRAGMA journal_mode").get() ?? {});
  if (mode === "wal" && number(database, "PRAGMA synchronous") === 2) return;
  throw new SignalboxError("UNSUPPORTED", `The file system of "${path}" cannot hold a store: it has no write-ahead log. Use a local disk.`);
}

function number(database: DatabaseSync, sql: string): number {
  const [value] = Object.values(database.prepare(sql).get() ?? {});
  if (typeof value !== "number") throw corrupt(database.location() ?? "the store", `"${sql}" answers no number`);
  return value;
}
