// The runs of a repository, by what lies in its state directory.

import { SignalboxError } from "../../model/errors.ts";
import type { RepositoryState } from "./run-directory.ts";
import { normalizeRunId } from "./run-id.ts";
import { livingOwner } from "./run-owner.ts";
import { type RunFile, readRunFile } from "./run-record.ts";
import type { RunSummary } from "./session.ts";

const SHOWN_IN_ERRORS = 5;

/** Newest first. A directory without a record belongs to a run that never came to be. */
export function listRuns(state: RepositoryState): readonly RunSummary[] {
  return state
    .runIds()
    .toReversed()
    .map((id) => summaryOf(state, id))
    .filter((summary) => summary !== undefined);
}

export function summaryOf(state: RepositoryState, runId: string): RunSummary | undefined {
  const paths = state.run(runId);
  const record = readRunFile(paths.record);
  if (record === undefined) return undefined;
  const pid = livingOwner(paths.owner)?.pid ?? null;
  return {
    id: record.id,
    file: record.file,
    name: record.name,
    event: record.event,
    status: statusOf(record, pid),
    conclusion: record.end?.conclusion ?? null,
    createdAt: record.createdAt,
    endedAt: record.end?.status === "completed" ? record.end.at : null,
    directory: paths.directory,
    pid,
  };
}

function statusOf({ end }: RunFile, pid: number | null): RunSummary["status"] {
  if (pid !== null && end?.status !== "completed") return "in_progress";
  return end?.status ?? "interrupted";
}

/** `latest`, an id, or a unique beginning or end of one: ids of the same day begin alike. */
export function findRun(state: RepositoryState, typed: string): RunSummary {
  const runs = listRuns(state);
  const wanted = normalizeRunId(typed);
  if (wanted === "latest" || wanted === "1atest") {
    const latest = runs[0];
    if (latest !== undefined) return latest;
  }
  const found = wanted === "" ? [] : runs.filter(({ id }) => id.startsWith(wanted) || id.endsWith(wanted));
  const exact = found.find(({ id }) => id === wanted) ?? (found.length === 1 ? found[0] : undefined);
  if (exact !== undefined) return exact;
  throw notFound(typed, runs, found);
}

function notFound(typed: string, runs: readonly RunSummary[], found: readonly RunSummary[]): SignalboxError {
  if (runs.length === 0) return new SignalboxError("NOT_FOUND", `There is no run "${typed}": no run has been started in this repository.`);
  const message =
    found.length > 1
      ? `"${typed}" stands for ${found.length} runs: ${listed(found)}. Type more of the id.`
      : `There is no run "${typed}". The latest ones are ${listed(runs)}.`;
  return new SignalboxError("NOT_FOUND", message);
}

function listed(runs: readonly RunSummary[]): string {
  return runs
    .slice(0, SHOWN_IN_ERRORS)
    .map(({ id, name }) => `${id} (${name})`)
    .join(", ");
}
