// A token never stands on the command line: everybody on the machine reads that in the list of processes.

import { SignalboxError } from "../../model/errors.ts";

export const TOKEN_VARIABLE = "SIGNALBOX_TOKEN";

export function refuseToken(): never {
  throw new SignalboxError(
    "INVALID_ARGUMENT",
    `--token would show the token to everybody on this machine, in the list of processes. Put it into a file and give --token-file, or into ${TOKEN_VARIABLE}.`,
  );
}
