// A run is taken up again: it reads only what it recorded, finds its secrets, and goes on from its history.

import { existsSync, statSync } from "node:fs";
import { runMark } from "../../host/run-mark.ts";
import { isSignalboxError, SignalboxError } from "../../model/errors.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import type { RunInputs } from "../../model/run-view.ts";
import type { Store } from "../../store/store.ts";
import { carryOut } from "./carry-out.ts";
import type { LiveRun } from "./live-run.ts";
import { RecordedFiles } from "./recorded-files.ts";
import { RecordedSources } from "./recorded-sources.ts";
import type { RunPaths } from "./run-directory.ts";
import { livingOwner } from "./run-owner.ts";
import { type RunFile, readRunFile } from "./run-record.ts";
import { findSecrets, refuseMissing } from "./run-secrets.ts";
import { needsSnapshot } from "./run-services.ts";
import { readSecretsOf } from "./secrets-file.ts";
import type { GivenSecrets, ResumeRequest } from "./session.ts";
import type { SessionDependencies } from "./session-dependencies.ts";
import { type SessionPlace, snapshotOnce } from "./start-run.ts";
import { NOTHING_TAKEN_OVER, type TakenOver } from "./taken-over.ts";

export interface Resumption extends ResumeRequest {
  /** Concludes the run as cancelled instead of going on with it; secrets that are missing then stay empty. */
  readonly cancel?: string;
}

export const NO_SECRETS: GivenSecrets = { values: {}, sources: {} };

export async function resumeRun(place: SessionPlace, request: Resumption): Promise<LiveRun> {
  const { dependencies, state, environment, keys } = place;
  const paths = state.run(request.runId);
  const record = requireRecord(readRunFile(paths.record), request.runId);
  refuseEnded(record);
  const owner = livingOwner(paths.owner);
  if (owner !== undefined)
    throw new SignalboxError(
      "FAILED_PRECONDITION",
      `Run ${record.id} is being carried out by process ${owner.pid}. signalbox logs -f ${record.id} follows it.`,
    );
  refuseLostStore(record.id, paths);
  const recorded = new RecordedFiles(paths.recorded);
  const sources = new RecordedSources(paths.directory);
  const inputs = recorded.getJson<RunInputs>(record.recorded.inputs);
  const { values, missing } = await findSecrets(inputs.secrets, {
    environment,
    given: request.secrets,
    readSecretsFile: readSecretsOf,
    ...(request.askSecret === undefined ? {} : { askSecret: request.askSecret }),
  });
  if (request.cancel === undefined) refuseMissing(record.id, missing);
  const sealKey = keys.read(runMark(record.id, paths.directory));
  if (sealKey === undefined)
    throw new SignalboxError(
      "FAILED_PRECONDITION",
      `The key of run ${record.id} is gone, so values that it has sealed cannot be opened. signalbox rerun ${record.id} starts it anew.`,
    );
  const plan = recorded.getJson<WorkflowPlan>(record.recorded.plan);
  const snapshot = !inputs.options.inPlace && needsSnapshot(plan) ? snapshotOnce(record.repository, paths) : Promise.resolve(undefined);
  snapshot.catch(() => {});
  return carryOut({
    dependencies,
    state,
    environment,
    record,
    paths,
    recorded,
    sources,
    taken: takenOverBy(record, recorded),
    secrets: values,
    sealKey,
    store: ownStore(dependencies, paths, record.id),
    host: dependencies.createHost(),
    snapshot,
    notices: changedNotices(sources),
    resumed: {
      ...(request.onInterrupt === undefined ? {} : { onInterrupt: request.onInterrupt }),
      ...(request.cancel === undefined ? {} : { cancel: request.cancel }),
    },
  });
}

function refuseEnded({ id, end }: RunFile): void {
  if (end?.status !== "completed") return;
  throw new SignalboxError("FAILED_PRECONDITION", `Run ${id} has ended (${end.conclusion}). signalbox rerun ${id} starts it anew.`);
}

/** The store's lock decides between two who resume a run at once; the run may have ended before it was free. */
async function ownStore(dependencies: SessionDependencies, paths: RunPaths, runId: string): Promise<Store> {
  const store = await dependencies.openStore(paths.store).catch((error: unknown) => {
    if (!isSignalboxError(error, "STORE_LOCKED")) throw error;
    const message = `Run ${runId} is being carried out by another process. signalbox logs -f ${runId} follows it.`;
    throw new SignalboxError("FAILED_PRECONDITION", message, { cause: error });
  });
  try {
    refuseEnded(requireRecord(readRunFile(paths.record), runId));
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** A new store would begin the run anew, and run again what has ended. */
function refuseLostStore(runId: string, { store, journal }: RunPaths): void {
  const told = statSync(journal, { throwIfNoEntry: false });
  if (existsSync(store) || told === undefined || told.size === 0) return;
  throw new SignalboxError(
    "STORE_CORRUPT",
    `The store of run ${runId}, ${store}, is not there, and with it its history. signalbox rerun ${runId} starts it anew.`,
  );
}

export function requireRecord(record: RunFile | undefined, runId: string): RunFile {
  if (record !== undefined) return record;
  throw new SignalboxError("NOT_FOUND", `There is no run ${runId} in this repository. signalbox list shows what there is.`);
}

export function takenOverBy(record: RunFile, recorded: RecordedFiles): TakenOver {
  const hash = record.recorded.takenOver;
  return hash === undefined ? NOTHING_TAKEN_OVER : recorded.getJson<TakenOver>(hash);
}

function changedNotices(sources: RecordedSources): readonly string[] {
  const changed = sources.changed();
  if (changed.length === 0) return [];
  return [`Changed since the run was started, and not looked at: ${changed.join(", ")}. The run goes on with what it recorded.`];
}
