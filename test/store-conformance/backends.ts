import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryState } from "../../src/store/memory/memory-state.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { openSqliteStoreInline } from "../../src/store/sqlite/open-inline.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-threaded.ts";
import type { Store } from "../../src/store/store.ts";
import type { Backend } from "./conformance.ts";

/** A crash of a memory store is a handle that nobody uses any more: it is left open. */
export async function memoryBackend(): Promise<Backend> {
  const state = new MemoryState();
  return { open: () => openMemoryStore({ state }), [Symbol.asyncDispose]: async () => undefined };
}

export const threadedBackend = (): Promise<Backend> => sqliteBackend((path) => openSqliteStore({ path }));
export const inlineBackend = (): Promise<Backend> => sqliteBackend((path) => openSqliteStoreInline({ path }));

async function sqliteBackend(openAt: (path: string) => Promise<Store>): Promise<Backend> {
  const directory = await mkdtemp(join(tmpdir(), "signalbox-store-"));
  let current: Store | undefined;
  return {
    open: async () => {
      await current?.[Symbol.asyncDispose]();
      current = await openAt(join(directory, "store.db"));
      return current;
    },
    [Symbol.asyncDispose]: async () => {
      await current?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
