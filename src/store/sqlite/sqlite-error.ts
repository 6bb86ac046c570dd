// What SQLite's result codes mean for the store: https://sqlite.org/rescode.html. Nothing here is ever tried again.

import { type ErrorCode, SignalboxError } from "../../model/errors.ts";

const PRIMARY: { readonly [code: number]: ErrorCode } = {
  3: "STORE_IO", // PERM
  5: "STORE_IO", // BUSY: somebody else writes to a file that we own
  6: "STORE_IO", // LOCKED
  7: "STORE_IO", // NOMEM
  8: "STORE_IO", // READONLY
  10: "STORE_IO", // IOERR
  11: "STORE_CORRUPT",
  13: "STORE_IO", // FULL
  14: "STORE_IO", // CANTOPEN
  15: "STORE_IO", // PROTOCOL
  18: "LIMIT_EXCEEDED", // TOOBIG
  26: "STORE_CORRUPT", // NOTADB
};

export function fromSqliteError(error: unknown, path: string): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const errcode = error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
  if (errcode === undefined) return refused(error);
  const text = error instanceof Error ? error.message : String(error);
  switch (PRIMARY[errcode & 0xff]) {
    case "STORE_CORRUPT":
      return corrupt(path, text, error);
    case "LIMIT_EXCEEDED":
      return new SignalboxError("LIMIT_EXCEEDED", "A value is larger than a row of the store can be. Keep large data in files.", {
        cause: error,
      });
    case "STORE_IO": {
      const advice =
        (errcode & 0xff) === 13 ? "Free space on its disk, then start again" : "Check the disk and the permissions, then start again";
      const message = `The store "${path}" cannot be read or written: ${text} (SQLite ${errcode}). ${advice}: nothing that was acknowledged is lost.`;
      return new SignalboxError("STORE_IO", message, { cause: error });
    }
    default:
      return refused(error);
  }
}

export function corrupt(path: string, text: string, cause?: unknown): SignalboxError {
  const message = `The store "${path}" is damaged: ${text}. Check it with: sqlite3 "${path}" "PRAGMA integrity_check". Restore a copy, or remove the file and start anew.`;
  return new SignalboxError("STORE_CORRUPT", message, { cause });
}

/** True if the store cannot be used any more. */
export function isFatal(error: SignalboxError): boolean {
  return error.code === "STORE_IO" || error.code === "STORE_CORRUPT";
}

function refused(cause: unknown): SignalboxError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new SignalboxError("STORE_REFUSED", `The store refused a batch for what is in it: ${text}.`, { cause });
}
