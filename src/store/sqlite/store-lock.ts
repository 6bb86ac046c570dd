// Ownership of a store's file by one process. The lock is an exclusive transaction on a file beside it: the kernel drops it
// with the process, however that dies. The pid beside it is only for the message. Never read the lock file by other means
// in the process that holds it: closing any descriptor of a file drops all POSIX locks of the process on it.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SignalboxError } from "../../model/errors.ts";
import { fromSqliteError } from "./sqlite-error.ts";

const SQLITE_BUSY = 5;

export class StoreLock implements Disposable {
  readonly #database: DatabaseSync;
  readonly #pidPath: string;

  constructor(path: string) {
    this.#pidPath = `${path}.pid`;
    const lockPath = `${path}.lock`;
    try {
      this.#database = new DatabaseSync(lockPath);
    } catch (error) {
      throw fromSqliteError(error, lockPath);
    }
    try {
      this.#database.exec("BEGIN EXCLUSIVE");
      writeFileSync(this.#pidPath, `${process.pid}\n`);
    } catch (error) {
      this.#database.close();
      if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) throw locked(path, readPid(this.#pidPath));
      throw "errcode" in Object(error) ? fromSqliteError(error, lockPath) : unwritable(this.#pidPath, error);
    }
  }

  [Symbol.dispose](): void {
    if (!this.#database.isOpen) return;
    rmSync(this.#pidPath, { force: true });
    this.#database.close();
  }
}

function locked(path: string, pid: string | undefined): SignalboxError {
  const owner = pid === undefined ? "another process" : `process ${pid}`;
  return new SignalboxError("STORE_LOCKED", `The store "${path}" is in use by ${owner}. Stop it, or use another store.`);
}

function unwritable(path: string, cause: unknown): SignalboxError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new SignalboxError(
    "STORE_IO",
    `The file "${path}" beside the store cannot be written: ${text}. Check the disk and the permissions.`,
    {
      cause,
    },
  );
}

/** Undefined in the moment between the lock and the note. */
function readPid(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
