// Removing runs: the directory with all that is in it, and the run's key, without which nothing that was sealed opens.

import { renameSync } from "node:fs";
import { runMark } from "../../host/run-mark.ts";
import { SignalboxError } from "../../model/errors.ts";
import { fileError } from "./file-errors.ts";
import { listRuns } from "./run-list.ts";
import { livingOwner } from "./run-owner.ts";
import type { SessionPlace } from "./start-run.ts";

export async function removeRun({ state, keys }: SessionPlace, runId: string): Promise<void> {
  const { directory, owner } = state.run(runId);
  const alive = livingOwner(owner);
  if (alive !== undefined)
    throw new SignalboxError(
      "FAILED_PRECONDITION",
      `Run ${runId} is being carried out by process ${alive.pid}. signalbox cancel ${runId} ends it.`,
    );
  // Under another name first: what is cut short in the middle is no run any more.
  const doomed = `${directory}.removed`;
  try {
    const mark = runMark(runId, directory);
    renameSync(directory, doomed);
    keys.delete(mark);
    const { removeTree } = await import("../../host/workspace/remove-tree.ts");
    await removeTree(doomed);
  } catch (error) {
    throw fileError(`Run ${runId} in ${directory} cannot be removed`, error, "Check who owns the files in it.");
  }
}

/** Removes ended runs beyond the newest `keep`, and those that ended longer ago. Runs that can be resumed stay. */
export async function pruneRuns(
  place: SessionPlace,
  options: { readonly keep?: number; readonly olderThanMs?: number },
): Promise<readonly string[]> {
  const { keep, olderThanMs } = options;
  const ended = listRuns(place.state).filter(({ status }) => status === "completed");
  const before = olderThanMs === undefined ? undefined : place.dependencies.now() - olderThanMs;
  const isOld = (endedAt: string | null): boolean => before === undefined || (endedAt !== null && Date.parse(endedAt) < before);
  if (keep === undefined && before === undefined) return [];
  const doomed = ended.filter(({ endedAt }, index) => index >= (keep ?? 0) && isOld(endedAt)).map(({ id }) => id);
  for (const id of doomed) await removeRun(place, id);
  return doomed;
}
