// Which process carries out a run, and where it listens. What keeps a second process out is the lock of the run's store,
// which the kernel drops; this note is for those who look for the run.

import { readFileSync, rmSync } from "node:fs";
import { isAlive, type ProcessIdentity } from "../../store/locks/process-identity.ts";
import { fileError } from "./file-errors.ts";
import { writeAtomically } from "./write-atomically.ts";

export interface RunOwner extends ProcessIdentity {
  readonly socket: string;
}

export function writeOwner(file: string, owner: RunOwner): void {
  try {
    writeAtomically(file, JSON.stringify(owner), { isDurable: false });
  } catch (error) {
    throw fileError(`The note ${file} cannot be written`, error, "Free space or give another --state DIR.");
  }
}

export function removeOwner(file: string): void {
  rmSync(file, { force: true });
}

/** The living process that carries out the run; undefined if there is none. */
export function livingOwner(file: string): RunOwner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isOwner(owner) && isAlive(owner) ? owner : undefined;
  } catch {
    // Not there, or cut short by a crash of the machine: nobody.
    return undefined;
  }
}

function isOwner(value: unknown): value is RunOwner {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "startedAt" in value &&
    typeof value.startedAt === "string" &&
    "socket" in value &&
    typeof value.socket === "string"
  );
}
