// run.json: what a run is, apart from its history. Written before anything runs and once more when the run has ended or
// waits. It holds names and hashes only; secrets are named with where they came from, never with a value.

import { readFileSync } from "node:fs";
import { SignalboxError } from "../../model/errors.ts";
import type { Conclusion } from "../../model/run-view.ts";
import { fileError, hasCode } from "./file-errors.ts";
import { writeAtomically } from "./write-atomically.ts";

export const RECORD_VERSION = 1;

export interface RunFile {
  readonly version: typeof RECORD_VERSION;
  readonly id: string;
  readonly repository: string;
  /** The workflow file, relative to the repository, and its absolute path. */
  readonly file: string;
  readonly path: string;
  readonly name: string;
  readonly event: string;
  readonly createdAt: string;
  /** Hashes of what is recorded. */
  readonly recorded: {
    readonly source: string;
    readonly plan: string;
    readonly inputs: string;
    /** The contexts `github`, `vars` and `inputs`. */
    readonly contexts: string;
    readonly git: string;
    /** Jobs whose outcome comes from the run that this one repeats. */
    readonly takenOver?: string;
  };
  /** The run that this one repeats, and which attempt this is; 1 is the first. */
  readonly rerunOf?: string;
  readonly attempt?: number;
  readonly end?: { readonly status: "completed" | "waiting"; readonly conclusion: Conclusion | null; readonly at: string };
}

export function writeRunFile(file: string, record: RunFile): void {
  try {
    writeAtomically(file, `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    throw fileError(`The record of run ${record.id} cannot be written to ${file}`, error, "Free space or give another --state DIR.");
  }
}

/** Undefined: there is no record, so nothing has been started there. */
export function readRunFile(file: string): RunFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw fileError(`${file} cannot be read`, error, "The run cannot be opened without it.");
  }
  return parse(text, file);
}

function parse(text: string, file: string): RunFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SignalboxError("STORE_CORRUPT", `${file} is damaged: it is not JSON.`, { cause });
  }
  const version = typeof value === "object" && value !== null && "version" in value ? Number(value.version) : Number.NaN;
  if (version > RECORD_VERSION)
    throw new SignalboxError("STORE_NEWER", `${file} was written by a newer Signalbox. Use that version for this run.`);
  if (version !== RECORD_VERSION) throw new SignalboxError("STORE_CORRUPT", `${file} is damaged: it is not the record of a run.`);
  // Of our own version, and written in one piece: what it holds is what the type says.
  return value as RunFile;
}
