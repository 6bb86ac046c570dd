// Reads what a step wrote into one of its command files. The step may have put anything in the file's place: a link to
// another file, a FIFO that would block, a directory. Only a regular file is read, without following links.

import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { CommandFileError, type FileCommand } from "./text/command-files.ts";

/** More than that is not read into memory. */
const COMMAND_FILE_LIMIT = 64 * 1024 * 1024;

/** "" if the file is empty or was removed. `limit` in bytes; over it `tooLarge` makes the message. */
export function readCommandFile(
  path: string,
  command: FileCommand,
  limit = COMMAND_FILE_LIMIT,
  tooLarge: (bytes: number) => string = (bytes) => `The file is too large: ${bytes} bytes, at most ${limit} are read.`,
): string {
  // Most are as they were made.
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true && found.size === 0) return "";
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return "";
    if (code === "ELOOP") throw replaced(command, "a symbolic link");
    if (code === "ENXIO" || code === "EOPNOTSUPP") throw replaced(command, "a socket or device");
    throw new CommandFileError(
      `The file of ${variableOf(command)} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw replaced(command, stat.isDirectory() ? "a directory" : stat.isFIFO() ? "a FIFO" : "something else");
    if (stat.size === 0) return "";
    if (stat.size > limit) throw new CommandFileError(tooLarge(stat.size));
    return decode(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function replaced(command: FileCommand, by: string): CommandFileError {
  return new CommandFileError(`The step has put ${by} in the place of its ${variableOf(command)} file. Append to the file instead.`);
}

function variableOf(command: FileCommand): string {
  return `GITHUB_${command.toUpperCase()}`;
}

/** A byte order mark decides, as on GitHub: PowerShell writes one. */
function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le", 2);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.toString("utf8", 3);
  return bytes.toString("utf8");
}
