// The stores under a simulation, and how each of them dies.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Core, callDirectly } from "../../src/store/core.ts";
import { encodeBatch } from "../../src/store/encoding/encode-part.ts";
import { storeOver } from "../../src/store/facade.ts";
import { MemoryState } from "../../src/store/memory/memory-state.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { SqliteDatabase } from "../../src/store/sqlite/sqlite-database.ts";
import type { Batch, Store } from "../../src/store/store.ts";

export interface OpenedStore {
  readonly store: Store;
  /** The process dies when this many parts of the batch are carried out. */
  dieInCommit(batch: Batch, parts: number): Promise<void>;
  /** What the kernel does when the process is gone. */
  die(): Promise<void>;
}

export interface Backend extends AsyncDisposable {
  open(): Promise<OpenedStore>;
}

/** What a dead process has not committed in memory is simply not there. */
export async function memoryBackend(): Promise<Backend> {
  const state = new MemoryState();
  return {
    open: async () => ({ store: await openMemoryStore({ state }), dieInCommit: async () => undefined, die: async () => undefined }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Real statements on this thread; a death closes the file in the middle of its transaction. */
export async function sqliteBackend(): Promise<Backend> {
  const directory = await mkdtemp(join(tmpdir(), "signalbox-simulation-"));
  let current: SqliteDatabase | undefined;
  return {
    open: async () => {
      const core = SqliteDatabase.open({ path: join(directory, "store.db") });
      current = core;
      const close = async (): Promise<void> => core.close();
      const store = storeOver({ epoch: core.epoch, call: callDirectly<Core>(core, (call) => core.guard(call)), close });
      return { store, die: close, dieInCommit: async (batch, parts) => dieInTransaction(core, batch, parts) };
    },
    [Symbol.asyncDispose]: async () => {
      current?.close();
      await rm(directory, { recursive: true });
    },
  };
}

function dieInTransaction(core: SqliteDatabase, batch: Batch, after: number): void {
  const encoded = encodeBatch(batch);
  const parts = [...encoded.parts];
  Object.defineProperty(parts, Math.min(after, parts.length - 1), {
    get: () => {
      core.close();
      throw new Error("the process is gone");
    },
  });
  try {
    core.commit({ ...encoded, parts });
  } catch {
    return;
  }
  throw new Error("the batch was carried out although its process died");
}
