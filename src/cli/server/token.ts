// The token of a server, from where it is kept.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { systemReason } from "../system-reason.ts";
import { TOKEN_VARIABLE } from "./token-option.ts";

/** Of the file, else of the environment; undefined: none. */
export async function tokenOf(file: string | undefined, context: CommandContext): Promise<string | undefined> {
  if (file === undefined) return context.environment[TOKEN_VARIABLE] || undefined;
  const token = (await readGiven("--token-file", file, context)).trim();
  if (token !== "") return token;
  throw new SignalboxError("INVALID_ARGUMENT", `The file "${file}" of --token-file is empty. Its content is the token.`);
}

/** A file that an option names. */
export async function readGiven(option: string, file: string, { workingDirectory }: CommandContext): Promise<string> {
  try {
    return await readFile(resolve(workingDirectory, file), "utf8");
  } catch (error) {
    throw new SignalboxError("INVALID_ARGUMENT", `Cannot read the file "${file}" of ${option}: ${systemReason(error)}.`, { cause: error });
  }
}
