// The runs of one repository, over the real engine, host and store, or over those of a test. What only some commands need
// is loaded by them: a start must not wait for the code of a listing.

import { openRunKeys } from "../../host/keys.ts";
import { SignalboxError } from "../../model/errors.ts";
import { type PreparedStart, prepareStart } from "./prepare-start.ts";
import { RepositoryState } from "./run-directory.ts";
import type { RunOutcome, RunSummary, SessionEnvironment, Sessions } from "./session.ts";
import type { SessionDependencies } from "./session-dependencies.ts";
import type { SessionPlace } from "./start-run.ts";

export async function openSessions(where: SessionEnvironment, given?: SessionDependencies): Promise<Sessions> {
  const dependencies = given ?? (await import("./real-dependencies.ts")).realDependencies;
  const state = new RepositoryState(where.stateDirectory, where.repository);
  let prepared = where.willStart ? tryPrepare(dependencies, state) : undefined;
  const place: SessionPlace = {
    dependencies,
    state,
    repository: where.repository,
    environment: where.environment,
    keys: openRunKeys(where.environment),
    takePrepared() {
      const taken = prepared;
      prepared = undefined;
      return taken;
    },
  };
  return {
    async start({ secrets, ...request }) {
      const { startRun } = await import("./start-run.ts");
      return startRun(place, { ...request, secrets: new Map(Object.entries(secrets.values)) });
    },
    resume: async (request) => (await import("./resume-run.ts")).resumeRun(place, request),
    rerun: async (request) => (await import("./rerun-run.ts")).rerunRun(place, request),
    list: async () => (await import("./run-list.ts")).listRuns(place.state),
    find: async (run) => (await import("./run-list.ts")).findRun(place.state, run),
    async read(runId) {
      const [{ OutsideReader }, { readRunFile }, { requireRecord }] = await Promise.all([
        import("./run-reader.ts"),
        import("./run-record.ts"),
        import("./resume-run.ts"),
      ]);
      const record = requireRecord(readRunFile(place.state.run(runId).record), runId);
      return new OutsideReader(place, record, await summary(place, runId));
    },
    cancel: (runId) => cancelRun(place, runId),
    remove: async (runId) => (await import("./remove-runs.ts")).removeRun(place, runId),
    prune: async (options) => (await import("./remove-runs.ts")).pruneRuns(place, options),
  };
}

/** Why it cannot be is said by the start itself, if it comes to that. */
function tryPrepare(dependencies: SessionDependencies, state: RepositoryState): PreparedStart | undefined {
  try {
    return prepareStart(dependencies, state);
  } catch {
    return undefined;
  }
}

async function summary(place: SessionPlace, runId: string): Promise<RunSummary> {
  const { summaryOf } = await import("./run-list.ts");
  const found = summaryOf(place.state, runId);
  if (found === undefined) throw new SignalboxError("NOT_FOUND", `There is no run ${runId} in this repository.`);
  return found;
}

async function cancelRun(place: SessionPlace, runId: string): Promise<RunOutcome | "requested"> {
  const { status } = await summary(place, runId);
  if (status === "completed") throw new SignalboxError("FAILED_PRECONDITION", `Run ${runId} has ended: there is nothing to cancel.`);
  const reason = "The run was cancelled.";
  const { livingOwner } = await import("./run-owner.ts");
  const owner = livingOwner(place.state.run(runId).owner);
  if (owner !== undefined) {
    const { ask } = await import("./control-client.ts");
    if ((await ask(owner.socket, { op: "cancel", reason })) !== undefined) return "requested";
  }
  const { NO_SECRETS, resumeRun } = await import("./resume-run.ts");
  const run = await resumeRun(place, { runId, secrets: NO_SECRETS, cancel: reason });
  const outcome = await run.done;
  return outcome.conclusion === "cancelled" ? { ...outcome, exitCode: 3 } : outcome;
}
