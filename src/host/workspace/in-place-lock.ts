// At most one run at a time works in the user's own tree. The lock is SQLite's on a small file, so the kernel drops it
// with the process, however that ends; the pid beside it is for the message only.

import { createHash } from "node:crypto";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SignalboxError } from "../../model/errors.ts";
import { readText } from "./repository-layout.ts";

export interface InPlaceLock extends Disposable {
  readonly tree: string;
}

export interface LockTree {
  /** The working tree's root. */
  readonly tree: string;
  /** One for all runs of the user, whatever their state directories. */
  readonly lockDirectory: string;
  readonly runId: string;
}

/** Throws FAILED_PRECONDITION with the holder's pid while another run holds the tree. */
export function lockTree({ tree, lockDirectory, runId }: LockTree): InPlaceLock {
  const root = realpathSync(tree);
  const name = createHash("sha256").update(root).digest("hex").slice(0, 32);
  mkdirSync(lockDirectory, { recursive: true, mode: 0o700 });
  const holder = join(lockDirectory, `${name}.holder`);
  const database = new DatabaseSync(join(lockDirectory, `${name}.lock`), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if (isBusy(cause)) throw held(root, readText(holder), cause);
    throw new SignalboxError("STORE_IO", `The lock of ${root} in ${lockDirectory} cannot be taken: ${message(cause)}`, { cause });
  }
  writeFileSync(holder, JSON.stringify({ pid: process.pid, runId }), { mode: 0o600 });
  return { tree: root, [Symbol.dispose]: () => database.isOpen && database.close() };
}

/** SQLITE_BUSY. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}

function held(tree: string, holder: string | undefined, cause: unknown): SignalboxError {
  const by = /^\{"pid":(\d+),"runId":"([^"]*)"\}$/.exec(holder ?? "");
  const who = by === null ? "another run" : `run ${by[2]} (pid ${by[1]})`;
  return new SignalboxError(
    "FAILED_PRECONDITION",
    `${tree} is in use: ${who} runs in place there. Wait until it ends, cancel it, or run without --in-place.`,
    {
      cause,
    },
  );
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
