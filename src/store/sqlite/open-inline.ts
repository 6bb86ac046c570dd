// SQLite on the caller's own thread: for simulations, where each statement has its moment, and for readers.

import { type Core, callDirectly, type ReadCore } from "../core.ts";
import { readStoreOver, storeOver } from "../facade.ts";
import type { ReadStore, Store } from "../store.ts";
import { openForReading } from "./open-file.ts";
import { SqliteDatabase, type SqliteOptions } from "./sqlite-database.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import { SqliteReads } from "./sqlite-reads.ts";

export async function openSqliteStoreInline(options: SqliteOptions): Promise<Store> {
  const core = SqliteDatabase.open(options);
  return storeOver({
    epoch: core.epoch,
    call: callDirectly<Core>(core, (call) => core.guard(call)),
    close: async () => core.close(),
  });
}

/** Reads the file of a living or a dead owner; never blocks it. */
export async function openSqliteReader(options: { readonly path: string }): Promise<ReadStore> {
  const { path } = options;
  const database = openForReading(path);
  const call = callDirectly<ReadCore>(new SqliteReads(database, path), (read) => {
    try {
      return read();
    } catch (error) {
      throw fromSqliteError(error, path);
    }
  });
  return readStoreOver(call, async () => {
    if (database.isOpen) database.close();
  });
}
