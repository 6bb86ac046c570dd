// An SQLite store on a thread of its own: the owner's way.

import type { Worker } from "node:worker_threads";
import { SignalboxError } from "../../model/errors.ts";
import { storeOver } from "../facade.ts";
import type { Store } from "../store.ts";
import type { SqliteOptions } from "./sqlite-database.ts";
import { type StoreThread, type StoreThreadOptions, startStoreThread } from "./start-thread.ts";
import { type Reply, StoreChannel } from "./store-channel.ts";
import { TurnNotes } from "./turn-watch.ts";

export interface SqliteStoreOptions extends SqliteOptions, StoreThreadOptions {
  /** Started before; it serves this one store. */
  readonly thread?: StoreThread;
}

export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { threadUrl, turnLimitMs, thread, ...file } = options;
  const { worker, watch } =
    thread ?? startStoreThread({ ...(threadUrl !== undefined && { threadUrl }), ...(turnLimitMs !== undefined && { turnLimitMs }) });
  worker.ref();
  worker.postMessage(file);
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const channel = new StoreChannel(worker);
  worker.on("error", (error) => channel.fail(lostThread(file.path, error)));
  worker.on("exit", () => channel.fail(lostThread(file.path, undefined)));
  const epoch = await opened(worker, file.path);
  worker.on("message", (reply: Reply) => channel.receive(reply));
  worker.unref();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await channel.close().catch((error: unknown) => {
      if (!(error instanceof SignalboxError && error.code === "STORE_IO")) throw error;
    });
    worker.ref();
    await ended;
  };
  return storeOver({
    epoch,
    call: channel.call,
    commit: (batch) => channel.commit(batch),
    close: () => (closing ??= close()),
    watch: new TurnNotes(watch, () => worker.postMessage("watch")),
  });
}

/** The thread's first message: its epoch, or why the store does not open. */
function opened(worker: Worker, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once("message", ([, epoch, code, message]: Reply) => {
      if (code !== undefined) reject(new SignalboxError(code, message ?? ""));
      else resolve(epoch as number);
    });
    worker.once("error", (error) => reject(lostThread(path, error)));
    worker.once("exit", () => reject(lostThread(path, undefined)));
  });
}

function lostThread(path: string, cause: unknown): SignalboxError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new SignalboxError(
    "STORE_IO",
    `The thread of the store "${path}" ended${why}. What was acknowledged is safe; open the store again.`,
    {
      cause,
    },
  );
}
