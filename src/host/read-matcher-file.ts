// Reads the problem matcher file that a step's add-matcher names: any regular file, links included, but nothing that
// blocks, and nothing endless.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const MATCHER_FILE_LIMIT = 1024 * 1024;

/** `path` relative to the workspace or absolute. Throws an error for people. */
export function readMatcherFile(workspace: string, path: string): string {
  const file = resolve(workspace, path);
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Problem matcher file '${file}' cannot be read: ${reason}`, { cause: error });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error(`Problem matcher file '${file}' is not a regular file.`);
    if (stat.size > MATCHER_FILE_LIMIT)
      throw new Error(`Problem matcher file '${file}' is too large: at most ${MATCHER_FILE_LIMIT} bytes are read.`);
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
