// A file of the host's own that cannot be written is the machine's fault and no step's: the attempt has no end, so it
// counts as interrupted and is repeated where there is room.

import { SignalboxError } from "../model/errors.ts";

/** `what` names the file, as in "The step's log /run/logs/1". */
export function cannotWrite(what: string, cause: unknown): SignalboxError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SignalboxError("STORE_IO", `${what} cannot be written: ${reason}. Free space or give another place by --state.`, { cause });
}
