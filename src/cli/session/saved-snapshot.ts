import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RepositorySnapshot } from "../../model/host-port.ts";
import { fileError, hasCode } from "./file-errors.ts";
import type { RunPaths } from "./run-directory.ts";
import { writeAtomically } from "./write-atomically.ts";

const fileIn = (paths: RunPaths): string => join(paths.directory, "snapshot.json");

export function saveSnapshot(paths: RunPaths, snapshot: RepositorySnapshot): void {
  try {
    writeAtomically(fileIn(paths), JSON.stringify(snapshot));
  } catch (error) {
    throw fileError(
      `The note of the repository's snapshot ${fileIn(paths)} cannot be written`,
      error,
      "Free space or give another --state DIR.",
    );
  }
}

/** Undefined: none was finished. */
export function readSnapshot(paths: RunPaths): RepositorySnapshot | undefined {
  try {
    // Written by `saveSnapshot` alone, in one piece.
    return JSON.parse(readFileSync(fileIn(paths), "utf8")) as RepositorySnapshot;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw fileError(`The note of the repository's snapshot ${fileIn(paths)} cannot be read`, error, "The run cannot go on without it.");
  }
}
