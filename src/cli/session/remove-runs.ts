// Removing runs: the directory with all that is in it, and the run's key, without which nothing that was sealed opens.

import { existsSync, renameSync } from "node:fs";
import { runMark } from "../../host/run-mark.ts";
import { SignalboxError } from "../../model/errors.ts";
import { fileError } from "./file-errors.ts";
import { REMOVED } from "./run-directory.ts";
import { runIdAt } from "./run-id.ts";
import { listRuns } from "./run-list.ts";
import { livingOwner } from "./run-owner.ts";
import type { SessionPlace } from "./start-run.ts";

/** A start takes less than a second; what is this old and still no run will not become one. */
const UNFINISHED_AFTER_MS = 3_600_000;

export async function removeRun({ state, keys }: SessionPlace, runId: string): Promise<void> {
  const { directory, owner } = state.run(runId);
  const alive = livingOwner(owner);
  if (alive !== undefined)
    throw new SignalboxError(
      "FAILED_PRECONDITION",
      `Run ${runId} is being carried out by process ${alive.pid}. signalbox cancel ${runId} ends it.`,
    );
  // Under another name first: what is cut short in the middle is no run any more.
  const doomed = `${directory}${REMOVED}`;
  try {
    const mark = runMark(runId, directory);
    renameSync(directory, doomed);
    keys.delete(mark);
    await removeDirectory(doomed);
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
  await sweepUnfinished(place);
  const doomed = ended.filter(({ endedAt }, index) => index >= (keep ?? 0) && isOld(endedAt)).map(({ id }) => id);
  for (const id of doomed) await removeRun(place, id);
  return doomed;
}

/** Places of starts that were killed before there was a run, and removals that were cut short. */
async function sweepUnfinished({ state, dependencies }: SessionPlace): Promise<void> {
  const recent = runIdAt(dependencies.now() - UNFINISHED_AFTER_MS);
  const unfinished = state.runIds().filter((id) => id < recent && !existsSync(state.run(id).record));
  for (const directory of [...unfinished.map((id) => state.run(id).directory), ...state.removedDirectories()])
    await removeDirectory(directory);
}

async function removeDirectory(directory: string): Promise<void> {
  const { removeTree } = await import("../../host/workspace/remove-tree.ts");
  await removeTree(directory);
}
