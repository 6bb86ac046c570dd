// A new run: its directory, what it starts with, and the engine put to it. Nothing runs before all of it is recorded.

import { relative } from "node:path";
import type { RunKeys } from "../../host/keys.ts";
import { runMark } from "../../host/run-mark.ts";
import type { RepositorySnapshot } from "../../model/host-port.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import type { RunInputs } from "../../model/run-view.ts";
import { carryOut } from "./carry-out.ts";
import { type RepositoryFacts, runContexts } from "./github-context.ts";
import type { LiveRun } from "./live-run.ts";
import { type PreparedStart, prepareStart } from "./prepare-start.ts";
import { RecordedFiles } from "./recorded-files.ts";
import { RecordedSources } from "./recorded-sources.ts";
import type { RepositoryState, RunPaths } from "./run-directory.ts";
import { runName } from "./run-name.ts";
import { RECORD_VERSION, type RunFile, writeRunFile } from "./run-record.ts";
import { needsSnapshot } from "./run-services.ts";
import { withSealedEnvironment } from "./sealed-environment.ts";
import type { SessionDependencies } from "./session-dependencies.ts";
import { NOTHING_TAKEN_OVER, type TakenOver } from "./taken-over.ts";

/** What the runs of one repository are carried out with. */
export interface SessionPlace {
  readonly dependencies: SessionDependencies;
  readonly state: RepositoryState;
  readonly repository: string;
  readonly environment: { readonly [name: string]: string | undefined };
  readonly keys: RunKeys;
  /** What was begun for the next start, once. */
  readonly takePrepared?: () => PreparedStart | undefined;
}

export interface NewRun {
  readonly plan: WorkflowPlan;
  /** Absolute. */
  readonly file: string;
  readonly source: Uint8Array;
  readonly inputs: RunInputs;
  readonly secrets: ReadonlyMap<string, string>;
  readonly notices: readonly string[];
  readonly git?: RepositoryFacts;
  /** Of the run that this one repeats: what is taken from there instead of the present. */
  readonly earlier?: {
    readonly id: string;
    readonly attempt: number;
    readonly snapshot?: (paths: RunPaths) => Promise<RepositorySnapshot | undefined>;
    readonly taken: TakenOver;
    readonly record: (to: RecordedFiles, sources: RecordedSources, paths: RunPaths) => void;
  };
}

export async function startRun(place: SessionPlace, run: NewRun): Promise<LiveRun> {
  const { dependencies, state, repository, environment, keys } = place;
  const prepared = place.takePrepared?.() ?? prepareStart(dependencies, state);
  const { startedAt, runId, paths, store, host } = prepared;
  const runNumber = state.runIds().length;
  const snapshot = takeRunSnapshot(place, run, paths);
  // Awaited by the first job that needs it: its failure is that job's.
  snapshot.catch(() => {});
  const git = run.git ?? (await readFacts(repository));
  const recorded = new RecordedFiles(paths.recorded);
  const sources = new RecordedSources(paths.directory);
  const { earlier, plan, inputs } = run;
  earlier?.record(recorded, sources, paths);
  const hashes = { plan: recorded.putJson(plan), source: recorded.put(run.source) };
  if (sources.find(run.file) === undefined) sources.add({ path: run.file, shownAs: plan.file, ...hashes });
  const contexts = runContexts({
    git,
    inputs,
    workflow: plan.name,
    file: relative(repository, run.file),
    startedAt,
    runNumber,
    runAttempt: earlier?.attempt ?? 1,
  });
  // Before the record: a run that is there has its key.
  const sealKey = keys.create(runMark(runId, paths.directory));
  const record: RunFile = {
    version: RECORD_VERSION,
    id: runId,
    repository,
    file: plan.file,
    path: run.file,
    name: await runName(plan, { ...contexts, inputs: inputs.inputs }, () => dependencies.expressions(inputs.options)),
    event: inputs.event,
    createdAt: new Date(startedAt).toISOString(),
    recorded: {
      ...hashes,
      inputs: recorded.putJson(await withSealedEnvironment(inputs, { id: runId, sealKey, secrets: run.secrets })),
      contexts: recorded.putJson(contexts),
      git: recorded.putJson(git),
      ...(earlier === undefined ? {} : { takenOver: recorded.putJson(earlier.taken) }),
    },
    ...(earlier === undefined ? {} : { rerunOf: earlier.id, attempt: earlier.attempt }),
  };
  writeRunFile(paths.record, record);
  prepared.keep();
  return carryOut({
    dependencies,
    state,
    environment,
    record,
    paths,
    recorded,
    sources,
    taken: earlier?.taken ?? NOTHING_TAKEN_OVER,
    secrets: run.secrets,
    sealKey,
    store,
    host,
    snapshot,
    notices: run.notices,
  });
}

async function readFacts(repository: string): Promise<RepositoryFacts> {
  const { readGitFacts } = await import("../../host/workspace/git-facts.ts");
  return readGitFacts(repository);
}

async function takeRunSnapshot(
  place: SessionPlace,
  { plan, inputs, earlier }: NewRun,
  paths: RunPaths,
): Promise<RepositorySnapshot | undefined> {
  if (inputs.options.inPlace || !needsSnapshot(plan)) return undefined;
  if (earlier?.snapshot !== undefined) return earlier.snapshot(paths);
  return snapshotOnce(place.repository, paths);
}

/** The repository as it is at the first call; the same for ever after. */
export async function snapshotOnce(repository: string, paths: RunPaths): Promise<RepositorySnapshot> {
  const { readSnapshot, saveSnapshot } = await import("./saved-snapshot.ts");
  const known = readSnapshot(paths);
  if (known !== undefined) return known;
  const { takeSnapshot } = await import("../../host/workspace/take-snapshot.ts");
  const snapshot = await takeSnapshot({ repository, runDirectory: paths.directory });
  saveSnapshot(paths, snapshot);
  return snapshot;
}
