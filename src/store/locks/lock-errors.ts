import { isSignalboxError, SignalboxError } from "../../model/errors.ts";

/** SQLite's primary result codes; the extended ones carry them in the low byte. */
const BUSY = 5;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** What went wrong with the file of locks, with what to do about it. */
export function storeError(error: unknown, file: string): Error {
  if (isSignalboxError(error)) return error;
  const code = (typeof error === "object" && error !== null && "errcode" in error ? Number(error.errcode) : 0) & 0xff;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === CORRUPT || code === NOT_A_DATABASE)
    return new SignalboxError(
      "STORE_CORRUPT",
      `${file} is damaged (${reason}). It only holds who runs now: remove it while no run is active.`,
      {
        cause: error,
      },
    );
  if (code === BUSY)
    return new SignalboxError("STORE_LOCKED", `${file} is held by another process and did not become free (${reason}). Is a run stopped?`, {
      cause: error,
    });
  return new SignalboxError("STORE_IO", `${file} cannot be read or written: ${reason}.`, { cause: error });
}
