// The concurrency groups that a run holds, noted in its directory: after a crash it gets them back before it goes on.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LockTicket } from "../../store/locks/parties.ts";
import { fileError, hasCode } from "./file-errors.ts";
import { writeAtomically } from "./write-atomically.ts";

const fileIn = (directory: string): string => join(directory, "groups.json");

export function saveHeldGroups(directory: string, held: readonly LockTicket[]): void {
  const file = fileIn(directory);
  try {
    if (held.length === 0) rmSync(file, { force: true });
    else writeAtomically(file, JSON.stringify(held));
  } catch (error) {
    throw fileError(`The note of concurrency groups ${file} cannot be written`, error, "Free space or give another --state DIR.");
  }
}

export function readHeldGroups(directory: string): readonly LockTicket[] {
  try {
    // Written by `saveHeldGroups` alone, in one piece.
    return JSON.parse(readFileSync(fileIn(directory), "utf8")) as readonly LockTicket[];
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw fileError(`The note of concurrency groups ${fileIn(directory)} cannot be read`, error, "The run cannot go on without it.");
  }
}
