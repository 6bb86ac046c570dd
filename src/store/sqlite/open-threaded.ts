// An SQLite store on a thread of its own: the owner's way.

import { Worker } from "node:worker_threads";
import { SignalboxError } from "../../model/errors.ts";
import { storeOver } from "../facade.ts";
import type { Store } from "../store.ts";
import type { SqliteOptions } from "./sqlite-database.ts";
import { type Reply, StoreChannel } from "./store-channel.ts";
import type { ThreadData } from "./store-thread.ts";
import { newWatchMemory, TurnNotes } from "./turn-watch.ts";

export interface SqliteStoreOptions extends SqliteOptions {
  /** The thread's script; in a bundle it lies elsewhere than in the sources. */
  readonly threadUrl?: URL;
  /** A turn that computes longer than this stalls its instance and ends the process with code 5 (E13); 10 s by default. */
  readonly turnLimitMs?: number;
}

const DEFAULT_TURN_LIMIT_MS = 10_000;

export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { threadUrl = defaultThreadUrl(), turnLimitMs = DEFAULT_TURN_LIMIT_MS, ...file } = options;
  const watch = newWatchMemory();
  const worker = new Worker(threadUrl, { workerData: { options: file, watch, turnLimitMs } satisfies ThreadData });
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
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    watch: new TurnNotes(watch, () => worker.postMessage("watch")),
  });
}

/** Beside this file: as a source by its own name, in a bundle under the name that the build gives it. */
function defaultThreadUrl(): URL {
  return import.meta.url.endsWith(".ts") ? new URL("./store-thread.ts", import.meta.url) : new URL("./store-thread.js", import.meta.url);
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
