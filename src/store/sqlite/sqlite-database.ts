// The synchronous core over an SQLite file that this process owns; on the store's thread, or inline for simulations. One
// transaction for each batch. After an error of the disk or the file it answers nothing but that error: what SQLite holds
// in memory is no longer to be trusted, and the next opening reads what is there.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SignalboxError } from "../../model/errors.ts";
import { applyPart } from "../apply-part.ts";
import type { Core, EncodedTimer } from "../core.ts";
import { unescapeKey } from "../encoding/key-text.ts";
import type { EncodedBatch } from "../encoding/parts.ts";
import type { EncodedActivityRow, EncodedInboxRow, EncodedInstance, EncodedStored } from "../encoding/rows.ts";
import { activityIn, integer, string, timerIn } from "../encoding/sql-rows.ts";
import type { PartAnswer } from "../store.ts";
import { ActivityPages } from "./activity-pages.ts";
import { type FileOptions, openOwned } from "./open-file.ts";
import { fromSqliteError, isFatal } from "./sqlite-error.ts";
import { SqliteReads } from "./sqlite-reads.ts";
import { SqliteTables } from "./sqlite-tables.ts";
import { StoreLock } from "./store-lock.ts";

export interface SqliteOptions extends FileOptions {
  readonly path: string;
}

export class SqliteDatabase extends SqliteReads implements Core {
  readonly epoch: number;
  readonly #path: string;
  readonly #lock: StoreLock;
  readonly #database: DatabaseSync;
  readonly #tables: SqliteTables;
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #activityPages: ActivityPages;
  #failure: SignalboxError | undefined;

  static open(options: SqliteOptions): SqliteDatabase {
    const lock = new StoreLock(options.path);
    let database: DatabaseSync | undefined;
    try {
      database = openOwned(options.path, options);
      return new SqliteDatabase(options.path, lock, database);
    } catch (error) {
      database?.close();
      lock[Symbol.dispose]();
      throw fromSqliteError(error, options.path);
    }
  }

  private constructor(path: string, lock: StoreLock, database: DatabaseSync) {
    super(database, path);
    this.#path = path;
    this.#lock = lock;
    this.#database = database;
    this.#tables = new SqliteTables(database);
    this.#statements = prepareAll(database);
    this.#activityPages = new ActivityPages(database);
    this.epoch = integer(database.prepare("UPDATE meta SET value = value + 1 WHERE name = 'epoch' RETURNING value").get()?.["value"]);
  }

  close(): void {
    this.#failure ??= new SignalboxError("SHUT_DOWN", `The store "${this.#path}" is closed.`);
    if (this.#database.isOpen) this.#database.close();
    this.#lock[Symbol.dispose]();
  }

  /** Says durably that an instance stands still, outside any batch; undefined if there is no such instance. */
  markStalled(ref: number, reason: string): EncodedInstance | undefined {
    this.#statements.markStalled.run(JSON.stringify(reason), ref);
    return this.byRef(ref, false) ?? undefined;
  }

  /** Runs one call of the core; errors leave with a code, and one of the disk or the file ends the store's use. */
  guard<Answer>(call: () => Answer): Answer {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return call();
    } catch (error) {
      const coded = fromSqliteError(error, this.#path);
      if (isFatal(coded)) this.#failure = coded;
      throw coded;
    }
  }

  commit(batch: EncodedBatch): readonly PartAnswer[] {
    if (batch.epoch !== this.epoch) {
      throw new SignalboxError("OWNERSHIP_LOST", `The store was opened again (epoch ${this.epoch}); epoch ${batch.epoch} changes nothing.`);
    }
    this.#statements.begin.run();
    try {
      const { blobs } = this.#tables;
      blobs.add(batch.blobs);
      const answers = batch.parts.map((part) => applyPart(this.#tables, part));
      blobs.collect();
      this.#statements.commit.run();
      return answers;
    } catch (error) {
      this.#tables.forgetCache();
      // SQLite itself has rolled back after some errors, such as a full disk.
      if (this.#database.isTransaction) this.#statements.rollback.run();
      throw error;
    }
  }

  load(ref: number): EncodedStored | null {
    const row = this.byRef(ref, true);
    if (row === null) return null;
    const history = this.#statements.turns.all(ref).map((turn) => this.expand(string(turn["events"])));
    const inbox = this.#statements.inbox.all(ref).map((message): EncodedInboxRow => {
      const executionId = message["execution_id"];
      return {
        key: integer(message["key"]),
        message: this.expand(string(message["message"])),
        executionId: executionId === null ? null : unescapeKey(string(executionId)),
      };
    });
    return { row, history, inbox };
  }

  awake(after: number, limit: number): readonly number[] {
    return this.#statements.awake.all(after, limit).map((row) => integer(row["ref"]));
  }

  activities(after: number, limit: number): readonly EncodedActivityRow[] {
    return this.#activityPages.page(after, limit).map((row) => activityIn(row, this.expand(string(row["work"]))));
  }

  dueTimers(until: number, limit: number): readonly EncodedTimer[] {
    return this.#statements.dueTimers.all(until, limit).map(timerIn);
  }

  nextDue(): number | null {
    const moment = this.#statements.nextDue.get()?.["moment"];
    return typeof moment === "number" ? moment : null;
  }
}

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    begin: prepare("BEGIN IMMEDIATE"),
    commit: prepare("COMMIT"),
    rollback: prepare("ROLLBACK"),
    markStalled: prepare("UPDATE instances SET stalled = ?, turn_attempt = 3 WHERE ref = ?"),
    turns: prepare("SELECT events FROM history WHERE ref = ? ORDER BY first"),
    inbox: prepare("SELECT key, message, execution_id FROM inbox WHERE ref = ? ORDER BY key"),
    awake: prepare(`
      SELECT DISTINCT ref FROM inbox WHERE ref > ? ORDER BY ref LIMIT ?`),
    dueTimers: prepare(`
      SELECT t.ref, hub, instance_id, execution_id, timer_id, fire_at FROM timers t JOIN instances i ON i.ref = t.ref
      WHERE fire_at <= ? ORDER BY fire_at, t.ref, timer_id LIMIT ?`),
    nextDue: prepare(`
      SELECT min(moment) AS moment FROM (
        SELECT min(fire_at) AS moment FROM timers
        UNION ALL SELECT min(due_at) FROM activities WHERE due_at IS NOT NULL)`),
  };
}
