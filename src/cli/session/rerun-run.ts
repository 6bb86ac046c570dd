// A run is repeated as a new one: from what the earlier one recorded, or from the present files. With `--failed` the jobs
// that succeeded are taken over with their outputs, and the others run; the earlier run never changes.

import { cpSync, existsSync, linkSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { runMark } from "../../host/run-mark.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { RepositorySnapshot } from "../../model/host-port.ts";
import { asInstanceId, DEFAULT_HUB, type InstanceKey } from "../../model/ids.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import type { JobView, RunInputs } from "../../model/run-view.ts";
import type { ReadStore } from "../../store/store.ts";
import type { JobInput, JobOutcome } from "../../workflow/run/records.ts";
import { fileError, guardFile } from "./file-errors.ts";
import type { RepositoryFacts } from "./github-context.ts";
import type { LiveRun } from "./live-run.ts";
import { RecordedFiles } from "./recorded-files.ts";
import { RecordedSources } from "./recorded-sources.ts";
import { requireRecord, takenOverBy } from "./resume-run.ts";
import type { RunPaths } from "./run-directory.ts";
import { readView } from "./run-reader.ts";
import { type RunFile, readRunFile } from "./run-record.ts";
import { findSecrets, refuseMissing } from "./run-secrets.ts";
import { readSnapshot, saveSnapshot } from "./saved-snapshot.ts";
import { openedEnvironment } from "./sealed-environment.ts";
import { readSecretsOf } from "./secrets-file.ts";
import type { RerunRequest } from "./session.ts";
import { type NewRun, type SessionPlace, startRun } from "./start-run.ts";
import { NOTHING_TAKEN_OVER, type TakenOver } from "./taken-over.ts";

export async function rerunRun(place: SessionPlace, request: RerunRequest): Promise<LiveRun> {
  const { state, environment } = place;
  const from = state.run(request.runId);
  const record = requireRecord(readRunFile(from.record), request.runId);
  if (request.fresh && request.failedOnly)
    throw new SignalboxError(
      "INVALID_ARGUMENT",
      "--failed takes jobs over from the earlier run, --fresh takes the present files: choose one.",
    );
  const recorded = new RecordedFiles(from.recorded);
  const earlier = await recordedInputs(place, record, from, recorded);
  const inputs =
    request.onInterrupt === undefined ? earlier : { ...earlier, options: { ...earlier.options, onInterrupt: request.onInterrupt } };
  const { values, missing } = await findSecrets(inputs.secrets, {
    environment,
    given: request.secrets,
    readSecretsFile: readSecretsOf,
    ...(request.askSecret === undefined ? {} : { askSecret: request.askSecret }),
  });
  refuseMissing(record.id, missing);
  const attempt = (record.attempt ?? 1) + 1;
  const about = { inputs, secrets: values };
  return startRun(
    place,
    request.fresh
      ? { ...about, ...(await present(place, record, attempt)) }
      : { ...about, ...(await asRecorded(place, record, from, attempt, request.failedOnly)) },
  );
}

/** As the earlier run was started; what it sealed is opened here, and sealed anew under the new run's key. */
async function recordedInputs({ keys }: SessionPlace, record: RunFile, from: RunPaths, recorded: RecordedFiles): Promise<RunInputs> {
  const { sealedEnvironment, ...inputs } = recorded.getJson<RunInputs>(record.recorded.inputs);
  if (sealedEnvironment === undefined) return inputs;
  const sealKey = keys.read(runMark(record.id, from.directory));
  const opened = await openedEnvironment({ ...inputs, sealedEnvironment }, { id: record.id, sealKey });
  return { ...inputs, baseEnvironment: { ...inputs.baseEnvironment, ...opened } };
}

type WhatRuns = Omit<NewRun, "inputs" | "secrets">;

async function present({ dependencies, repository }: SessionPlace, record: RunFile, attempt: number): Promise<WhatRuns> {
  const source = guardFile(`The workflow file ${record.path} cannot be read`, "Without --fresh the recorded one is run.", () =>
    readFileSync(record.path),
  );
  const { plan, diagnostics } = await dependencies.readWorkflow(source, relative(repository, record.path));
  if (plan === undefined)
    throw new SignalboxError(
      "INVALID_WORKFLOW",
      diagnostics.map(({ file, at, message }) => `${file}${at ? `:${at.line}:${at.column}` : ""}: ${message}`).join("\n"),
    );
  const notices = [`Repeats run ${record.id} with the files as they are now.`];
  return { plan, source, file: record.path, notices, earlier: { id: record.id, attempt, taken: NOTHING_TAKEN_OVER, record: () => {} } };
}

async function asRecorded(place: SessionPlace, record: RunFile, from: RunPaths, attempt: number, failedOnly: boolean): Promise<WhatRuns> {
  const recorded = new RecordedFiles(from.recorded);
  const taken = failedOnly ? await succeededJobs(place, record, from, recorded) : NOTHING_TAKEN_OVER;
  const names = Object.values(taken).map(({ view }) => view.name);
  const sources = new RecordedSources(from.directory);
  const changed = sources.changed();
  return {
    plan: recorded.getJson<WorkflowPlan>(record.recorded.plan),
    source: recorded.get(record.recorded.source),
    file: record.path,
    notices: [
      `Repeats run ${record.id}${failedOnly ? `; taken over from it: ${names.join(", ") || "nothing"}` : ""}.`,
      ...(changed.length === 0 ? [] : [`Changed since, and not looked at: ${changed.join(", ")}. --fresh takes them as they are now.`]),
    ],
    git: recorded.getJson<RepositoryFacts>(record.recorded.git),
    earlier: {
      id: record.id,
      attempt,
      snapshot: async (to) => copySnapshot(from, to),
      taken,
      record: (to, toSources, paths) => {
        toSources.takeOver(sources, recorded, to);
        for (const { view } of Object.values(taken)) shareLogs(view, from, paths);
      },
    },
  };
}

/** The snapshot becomes the new run's own: the earlier run may be removed. */
async function copySnapshot(from: RunPaths, to: RunPaths): Promise<RepositorySnapshot | undefined> {
  const snapshot = readSnapshot(from);
  if (snapshot === undefined) return undefined;
  const moved = (path: string): string => {
    const within = relative(from.directory, path);
    const target = join(to.directory, within);
    if (!existsSync(path)) throw new SignalboxError("STORE_CORRUPT", `The repository's snapshot ${path} is gone. --fresh takes a new one.`);
    cpSync(path, target, { recursive: true, verbatimSymlinks: true, mode: 0 });
    return target;
  };
  try {
    const copied: RepositorySnapshot = {
      ...snapshot,
      ...(snapshot.gitDirectory === undefined ? {} : { gitDirectory: moved(snapshot.gitDirectory) }),
      ...(snapshot.copy === undefined ? {} : { copy: moved(snapshot.copy) }),
    };
    saveSnapshot(to, copied);
    return copied;
  } catch (error) {
    throw fileError(`The repository's snapshot in ${from.directory} cannot be copied`, error, "--fresh takes a new one.");
  }
}

function shareLogs(view: JobView, from: RunPaths, to: RunPaths): void {
  for (const { log } of view.steps) {
    if (log === null || log.file === "") continue;
    const [source, target] = [join(from.directory, log.file), join(to.directory, log.file)];
    if (!existsSync(source) || existsSync(target)) continue;
    guardFile(`The log ${source} cannot be taken over`, "Free space or give another --state DIR.", () => {
      mkdirSync(dirname(target), { recursive: true });
      linkSync(source, target);
    });
  }
}

async function succeededJobs(place: SessionPlace, record: RunFile, from: RunPaths, recorded: RecordedFiles): Promise<TakenOver> {
  const { openSqliteReader } = await import("../../store/sqlite/open-inline.ts");
  await using store = await openSqliteReader({ path: from.store });
  const view = await readView(place, record, from, recorded, store);
  const succeeded = new Map(view.jobs.filter(({ conclusion }) => conclusion === "success").map((job) => [job.key, job]));
  const taken: { [jobKey: string]: TakenOver[string] } = { ...takenOverBy(record, recorded) };
  for (const { key, outcome } of await jobOutcomes(store, record.id)) {
    const job = succeeded.get(key);
    if (job !== undefined) taken[key] = { outcome, view: taken[key]?.view ?? job };
  }
  return Object.fromEntries(Object.entries(taken).filter(([key]) => succeeded.has(key)));
}

async function jobOutcomes(store: ReadStore, root: string): Promise<readonly { readonly key: string; readonly outcome: JobOutcome }[]> {
  const outcomes: { readonly key: string; readonly outcome: JobOutcome }[] = [];
  const keys: InstanceKey[] = [{ hub: DEFAULT_HUB, instanceId: asInstanceId(root) }];
  for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
    const row = await store.instance(key, true);
    if (row?.name === "job" && row.status === "Completed" && row.input !== undefined && row.output !== undefined) {
      // Written by the orchestrations `workflow` and `job`.
      outcomes.push({ key: (JSON.parse(row.input) as JobInput).key, outcome: JSON.parse(row.output) as JobOutcome });
    }
    keys.push(...(await store.children(key)));
  }
  return outcomes;
}
