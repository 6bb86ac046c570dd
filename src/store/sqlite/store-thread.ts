// The script of the store's thread: the first message names the file, and it opens that; then it answers calls in the order
// in which they come. It ends by itself when its port closes.

import { writeSync } from "node:fs";
import { type MessagePort, workerData } from "node:worker_threads";
import { SignalboxError } from "../../model/errors.ts";
import { type PackedBatch, packAnswers, unpackBatch } from "../encoding/packed-batch.ts";
import { endMainThread } from "./end-main-thread.ts";
import { receive } from "./receive.ts";
import { SqliteDatabase, type SqliteOptions } from "./sqlite-database.ts";
import type { Reply, Request } from "./store-channel.ts";
import { TurnWatcher } from "./turn-watch.ts";

export interface ThreadData {
  readonly port: MessagePort;
  readonly watch: SharedArrayBuffer;
  readonly turnLimitMs: number;
}

/** From the main thread: a call, or the wish to be watched. */
export type ToThread = Request | "watch";

const STALLED_EXIT_CODE = 5;

function run(): void {
  // What the thread that started us passed, typed there as ThreadData.
  const { port, watch, turnLimitMs } = workerData as ThreadData;
  port.once("message", (options: SqliteOptions) => serve(port, options, watch, turnLimitMs));
}

function serve(port: MessagePort, options: SqliteOptions, watch: SharedArrayBuffer, turnLimitMs: number): void {
  let database: SqliteDatabase;
  try {
    database = SqliteDatabase.open(options);
  } catch (error) {
    port.postMessage(errorReply(0, error));
    port.close();
    return;
  }
  const watcher = new TurnWatcher(watch, turnLimitMs, (ref) => leaveStalled(database, ref, turnLimitMs));
  port.postMessage([0, database.epoch] satisfies Reply);
  receive<ToThread>(port, (message) => {
    if (message === "watch") return watcher.arm();
    const [call, name, parameters] = message;
    try {
      const answer = name === "close" ? database.close() : database.guard(() => invoke(database, name, parameters));
      port.postMessage([call, answer] satisfies Reply);
    } catch (error) {
      port.postMessage(errorReply(call, error));
    }
    if (name === "close") port.close();
  });
}

function invoke(database: SqliteDatabase, name: string, parameters: readonly unknown[]): unknown {
  if (name === "commitPacked") return packAnswers(database.commit(unpackBatch(parameters as PackedBatch)));
  // The channel's `Call` admits only methods of the core, with their parameters.
  const method = database[name as "commit"] as (...parameters: readonly unknown[]) => unknown;
  return method.apply(database, [...parameters]);
}

function errorReply(call: number, error: unknown): Reply {
  const coded = error instanceof SignalboxError ? error : new SignalboxError("INTERNAL", String(error), { cause: error });
  return [call, null, coded.code, coded.message, coded.stack];
}

function leaveStalled(database: SqliteDatabase, ref: number, limitMs: number): void {
  const reason = `a turn computed for more than ${limitMs / 1000} s without an end: move long work into an activity`;
  try {
    const row = database.guard(() => database.markStalled(ref, reason));
    const name = row === undefined ? `of row ${ref}` : `${JSON.stringify(row.instanceId)} (${row.name})`;
    writeSync(2, `signalbox: the instance ${name} is stalled: ${reason}. The process ends; all others go on at its next start.\n`);
  } catch (error) {
    writeSync(2, `signalbox: ${reason} (row ${ref}), and the store cannot note it: ${error instanceof Error ? error.message : ""}\n`);
  }
  database.close();
  endMainThread(STALLED_EXIT_CODE);
}

run();
