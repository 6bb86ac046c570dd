// An SQLite store on a thread of its own: the owner's way.

import type { MessagePort, Worker } from "node:worker_threads";
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
  const { worker, port, watch } =
    thread ?? startStoreThread({ ...(threadUrl !== undefined && { threadUrl }), ...(turnLimitMs !== undefined && { turnLimitMs }) });
  worker.ref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  port.postMessage(file);
  const lost = untilLost({ worker, port }, file.path);
  const channel = new StoreChannel(port);
  void lost.then((error) => channel.fail(error));
  const epoch = await opened(port, lost);
  port.on("message", (reply: Reply) => channel.receive(reply));
  port.unref();
  worker.unref();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await channel.close().catch((error: unknown) => {
      if (!(error instanceof SignalboxError && error.code === "STORE_IO")) throw error;
    });
    worker.ref();
    await lost;
  };
  return storeOver({
    epoch,
    call: channel.call,
    commit: (batch) => channel.commit(batch),
    close: () => (closing ??= close()),
    watch: new TurnNotes(watch, () => port.postMessage("watch")),
  });
}

/** The thread's first message: its epoch, or why the store does not open. */
function opened(port: MessagePort, lost: Promise<SignalboxError>): Promise<number> {
  return new Promise((resolve, reject) => {
    port.once("message", ([, epoch, code, message]: Reply) => {
      if (code !== undefined) reject(new SignalboxError(code, message ?? ""));
      else resolve(epoch as number);
    });
    void lost.then(reject);
  });
}

/** The thread has ended, and all that it still said has been heard: a port closes behind its messages, whenever the thread goes. */
async function untilLost({ worker, port }: { readonly worker: Worker; readonly port: MessagePort }, path: string): Promise<SignalboxError> {
  let cause: unknown;
  worker.once("error", (error) => {
    cause = error;
  });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  await new Promise<void>((resolve) => port.once("close", () => resolve()));
  worker.ref();
  await exited;
  return lostThread(path, cause);
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
