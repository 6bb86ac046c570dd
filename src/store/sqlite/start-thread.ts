// The store's thread, started before its file is known: a thread takes longer to start than a file to open, so whoever knows
// that a store will be opened starts it first of all. It keeps no process alive.

import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { ThreadData } from "./store-thread.ts";
import { newWatchMemory } from "./turn-watch.ts";

export interface StoreThreadOptions {
  /** The thread's script; in a bundle it lies elsewhere than in the sources. */
  readonly threadUrl?: URL;
  /** A turn that computes longer than this stalls its instance and ends the process with code 5 (E13); 10 s by default. */
  readonly turnLimitMs?: number;
}

/** Serves one store. */
export interface StoreThread {
  readonly worker: Worker;
  /** For what is said to it and what it answers: quicker than the worker's own, which tells everything twice. */
  readonly port: MessagePort;
  readonly watch: SharedArrayBuffer;
}

const DEFAULT_TURN_LIMIT_MS = 10_000;

export function startStoreThread(options: StoreThreadOptions = {}): StoreThread {
  const { threadUrl = defaultThreadUrl(), turnLimitMs = DEFAULT_TURN_LIMIT_MS } = options;
  const watch = newWatchMemory();
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(threadUrl, { workerData: { port: port2, watch, turnLimitMs } satisfies ThreadData, transferList: [port2] });
  worker.unref();
  return { worker, port: port1, watch };
}

/** Beside this file: as a source by its own name, in a bundle under the name that the build gives it. */
function defaultThreadUrl(): URL {
  return import.meta.url.endsWith(".ts") ? new URL("./store-thread.ts", import.meta.url) : new URL("./store-thread.js", import.meta.url);
}
