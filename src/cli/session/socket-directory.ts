// Where control sockets lie: a private folder with a short path, because the path of a socket ends at 107 bytes.

import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import { fileError, hasCode } from "./file-errors.ts";

const MAX_PATH_BYTES = 107;
/** Room for `/<run mark>.sock`. */
const NAME_BYTES = 24;
/** A younger socket may still be on its way to being listened on. */
const STALE_AFTER_MS = 10_000;

/** Makes the folder where it is missing; refuses one that belongs to somebody else or is open to others. */
export function openSocketDirectory(environment: { readonly [name: string]: string | undefined }): string {
  const directory = socketDirectory(environment);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const status = lstatSync(directory);
    if (!status.isDirectory() || status.uid !== ownUid())
      throw new SignalboxError(
        "FAILED_PRECONDITION",
        `${directory} is not a folder of yours, so control sockets are not put there. Remove it, or set XDG_RUNTIME_DIR.`,
      );
    if ((status.mode & 0o077) !== 0) chmodSync(directory, 0o700);
    return directory;
  } catch (error) {
    throw fileError(`The folder of control sockets ${directory} cannot be used`, error, "Set XDG_RUNTIME_DIR to a writable folder.");
  }
}

function socketDirectory(environment: { readonly [name: string]: string | undefined }): string {
  const runtime = environment["XDG_RUNTIME_DIR"];
  const preferred = runtime?.startsWith("/") ? join(runtime, "signalbox") : undefined;
  const fits = preferred !== undefined && Buffer.byteLength(preferred) + NAME_BYTES <= MAX_PATH_BYTES;
  return fits ? preferred : `/tmp/signalbox-${ownUid()}`;
}

const ownUid = (): number => process.getuid?.() ?? 0;

/** Removes sockets on which nobody listens any more. */
export async function sweepSockets(directory: string, now: number): Promise<void> {
  const sockets = readdirSync(directory).filter((name) => name.endsWith(".sock"));
  await Promise.all(
    sockets.map(async (name) => {
      const path = join(directory, name);
      try {
        if (now - lstatSync(path).mtimeMs > STALE_AFTER_MS && (await isDeserted(path))) rmSync(path, { force: true });
      } catch (error) {
        // Another process has swept it.
        if (!hasCode(error, "ENOENT")) throw error;
      }
    }),
  );
}

function isDeserted(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error) => resolve(hasCode(error, "ECONNREFUSED")));
  });
}
