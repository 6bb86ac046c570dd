import type { DatabaseSync } from "node:sqlite";

/** Fails if a commit on this connection may return before it is on disk. */
export function assertFull(database: DatabaseSync, prepare = database.prepare): void {
  const ask = (pragma: string): unknown => prepare.call(database, `PRAGMA ${pragma}`).get()?.[pragma];
  const [synchronous, journal] = [ask("synchronous"), ask("journal_mode")];
  if (synchronous !== 2 || journal !== "wal")
    throw new Error(`the database is at synchronous=${String(synchronous)}, journal=${String(journal)}`);
}
