// Removes a workspace whatever a job has left in it: folders without write permission (module caches), repositories
// inside, links (never followed).

import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { SignalboxError } from "../../model/errors.ts";

/** Nothing happens if it is not there. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    await openFolders(path);
    await removeOpened(path);
  }
}

/** What lies in the folder goes, the folder stays. */
export async function emptyFolder(path: string): Promise<void> {
  await chmod(path, 0o755).catch(() => undefined);
  for (const name of await readdir(path)) await removeTree(join(path, name));
}

async function removeOpened(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SignalboxError("FAILED_PRECONDITION", `${path} cannot be removed: ${reason}. Remove it by hand, perhaps as another user.`, {
      cause,
    });
  }
}

/** What cannot be opened is left to the removal's own error. */
async function openFolders(path: string): Promise<void> {
  try {
    await chmod(path, 0o700);
    for (const entry of await readdir(path, { withFileTypes: true })) if (entry.isDirectory()) await openFolders(join(path, entry.name));
  } catch {
    return;
  }
}
