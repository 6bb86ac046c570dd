// Puts an engine to a run: for a new one, and for one that is taken up again. What takes time is started together: the
// store's thread, the host, the expressions, the socket. What an earlier process left is looked at before anything goes on.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { runMark } from "../../host/run-mark.ts";
import type { Engine } from "../../loops/engine.ts";
import type { Host, Leftovers, RepositorySnapshot } from "../../model/host-port.ts";
import type { RunInputs, RunView } from "../../model/run-view.ts";
import { ownIdentity } from "../../store/locks/process-identity.ts";
import type { Store } from "../../store/store.ts";
import { CANCEL_EVENT, type WorkflowInput } from "../../workflow/run/records.ts";
import { runDefinitions } from "../../workflow/run/run-definitions.ts";
import { type InterruptPolicy, NO_LEFTOVERS, StepLeftovers } from "../../workflow/run/step-leftovers.ts";
import { createRunProjector } from "../../workflow/view/run-projector.ts";
import { ControlServer } from "./control-server.ts";
import { fileError } from "./file-errors.ts";
import { readHeldGroups, saveHeldGroups } from "./held-groups.ts";
import { Journal } from "./journal.ts";
import { JournalReading } from "./journal-reading.ts";
import { knownHistory } from "./known-history.ts";
import { LiveRun } from "./live-run.ts";
import { interruptedBackground } from "./overlapping-steps.ts";
import { readHistories } from "./read-histories.ts";
import type { RecordedFiles } from "./recorded-files.ts";
import type { RecordedSources } from "./recorded-sources.ts";
import type { RepositoryState, RunPaths } from "./run-directory.ts";
import { RunGroups } from "./run-groups.ts";
import { livingOwner, writeOwner } from "./run-owner.ts";
import type { RunFile } from "./run-record.ts";
import { runRecords, runServices } from "./run-services.ts";
import { LogPlaces, RunStream } from "./run-stream.ts";
import type { SessionDependencies } from "./session-dependencies.ts";
import { openSocketDirectory, sweepSockets } from "./socket-directory.ts";
import { type TakenOver, takingOver } from "./taken-over.ts";

export interface CarryOut {
  readonly dependencies: SessionDependencies;
  readonly state: RepositoryState;
  readonly environment: { readonly [name: string]: string | undefined };
  readonly record: RunFile;
  readonly paths: RunPaths;
  readonly recorded: RecordedFiles;
  readonly sources: RecordedSources;
  readonly taken: TakenOver;
  readonly secrets: ReadonlyMap<string, string>;
  readonly sealKey: string;
  readonly store: Promise<Store>;
  readonly host: Promise<Host>;
  readonly snapshot: Promise<RepositorySnapshot | undefined>;
  readonly notices: readonly string[];
  /** The run was begun by an earlier process. */
  readonly resumed?: {
    readonly onInterrupt?: RunInputs["options"]["onInterrupt"];
    /** Concludes it as cancelled, for this reason, instead of going on. */
    readonly cancel?: string;
  };
}

export async function carryOut(parts: CarryOut): Promise<LiveRun> {
  const { dependencies, record, paths, recorded, state } = parts;
  const now = () => dependencies.now();
  const records = runRecords(record, recorded);
  const { inputs } = records.run(record.id);
  const socketDirectory = openSocketDirectory(parts.environment);
  const socket = join(socketDirectory, `${runMark(record.id, paths.directory)}.sock`);
  const places = new LogPlaces();
  let hasToldEnd = false;
  const reading = new JournalReading(paths.journal, (old) => {
    places.note(old);
    const last = old.events.at(-1);
    if (last !== undefined) hasToldEnd = last.type === "run.finished" && last.status === "completed";
  });
  reading.ahead();
  const [store, host, expressions] = await Promise.all([parts.store, parts.host, dependencies.expressions(inputs.options)]);
  const others: Disposable[] = inputs.options.inPlace ? [await lockInPlace(record, socketDirectory)] : [];
  // The store's lock is ours now: the run's other files are, too.
  const journal = Journal.open(paths.journal, reading);
  const projector = createRunProjector({ runId: record.id, root: record.id, records, expressions });
  const isResumed = parts.resumed !== undefined && journal.seq > 0;
  const stream = new RunStream({
    directory: paths.directory,
    journal,
    projector,
    now,
    isTakenOver: (job) => job in parts.taken,
    notices: isResumed ? [] : parts.notices,
    ...(isResumed ? { told: places } : {}),
  });
  const groups = new RunGroups({
    runId: record.id,
    process: ownIdentity(),
    socket,
    openLocks: async () => new (await import("../../store/locks/lock-store.ts")).LockStore(state.locksFile),
    notice: (message) => stream.notice(message),
    endSteps: (runId) => endStepsOf(state.run(runId), runId, host),
    saveHeld: (held) => saveHeldGroups(paths.directory, held),
  });
  const live = new LiveRun({ record, paths, projector, journal, stream, groups, taken: parts.taken, now });
  const control = await ControlServer.listen(socket, live.control);
  writeOwner(paths.owner, { ...ownIdentity(), socket });
  void sweepSockets(socketDirectory, now()).catch(() => {});
  // Killed between its last word and the note that it has ended: there is nothing to go on with, and that word stays the last.
  if (isResumed && !hasToldEnd) tellResumed(parts, journal, records.run(record.id).name);

  const ready = Promise.withResolvers<void>();
  // Without a job nobody waits for it.
  ready.promise.catch(() => {});
  let engine: Engine | undefined;
  try {
    const leftovers = await whatIsLeft(parts, { store, host, stream, view: () => live.view(), policy: inputs.options.onInterrupt });
    await groups.takeBack(readHeldGroups(paths.directory), new AbortController().signal);
    const services = runServices(
      {
        host,
        record,
        paths,
        library: {
          repository: record.repository,
          recorded,
          sources: parts.sources,
          readWorkflow: (source, shownAs) => dependencies.readWorkflow(source, shownAs),
        },
        expressions,
        groups,
        leftovers,
        secrets: parts.secrets,
        sealKey: parts.sealKey,
        snapshot: parts.snapshot,
        ready: ready.promise,
        history: (instanceId) => knownHistory(store, instanceId),
        onStepEvent: guarded(live, (from, event) => stream.stepEvent(from, event)),
        onFault: (fault) => live.fail(fault),
      },
      records,
    );
    const definitions = runDefinitions(services);
    const job = takingOver(definitions.job, parts.taken);
    engine = await dependencies.openEngine({
      store,
      orchestrators: definitions.orchestrators.map((one) => (one === definitions.job ? job : one)),
      activities: definitions.activities,
      onCommitted: guarded(live, (committed) => stream.committed(committed)),
    });
    const input: WorkflowInput = { runId: record.id, plan: record.recorded.plan, inputs: inputs.inputs };
    const isThere = parts.resumed !== undefined && (await engine.get(record.id)) !== undefined;
    if (!isThere) await engine.start(definitions.workflow, input, { instanceId: record.id });
    if (parts.resumed?.cancel !== undefined) await engine.raiseEvent(record.id, CANCEL_EVENT, { reason: parts.resumed.cancel });
    ready.resolve();
    live.run({ engine, host, control, others });
    return live;
  } catch (error) {
    ready.reject(error);
    await engine?.close({ drainMs: 0 });
    await store[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
    for (const resource of [stream, groups, ...others, journal]) resource[Symbol.dispose]();
    throw error;
  }
}

/** What cannot be told ends the run: it must not go on unseen. */
function guarded<Arguments extends readonly unknown[]>(live: LiveRun, tell: (...told: Arguments) => void): (...told: Arguments) => void {
  return (...told) => {
    try {
      tell(...told);
    } catch (error) {
      live.fail(error);
    }
  };
}

function tellResumed({ record, notices, dependencies }: CarryOut, journal: Journal, name: string): void {
  journal.append(new Date(dependencies.now()).toISOString(), [
    { type: "run.resumed", runId: record.id, file: record.file, event: record.event, name },
    ...notices.map((message) => ({ type: "run.notice" as const, message })),
  ]);
}

/** Of a run that nobody carries out. Whoever resumes it finds its attempts interrupted, as after any crash. */
async function endStepsOf({ directory, owner }: RunPaths, runId: string, host: Host): Promise<void> {
  if (existsSync(directory) && livingOwner(owner) === undefined) await host.recover({ runId, runDirectory: directory });
}

interface Found {
  readonly store: Store;
  readonly host: Host;
  readonly stream: RunStream;
  readonly view: () => ReturnType<LiveRun["view"]>;
  readonly policy: RunInputs["options"]["onInterrupt"];
}

/** Ends what is alive of earlier processes, and says what will be done about it before it is done. */
async function whatIsLeft({ resumed, record, paths }: CarryOut, found: Found): Promise<StepLeftovers> {
  const { store, host, stream } = found;
  if (resumed === undefined) return new StepLeftovers(NO_LEFTOVERS, found.policy);
  const policy = resumed.cancel !== undefined ? "cancel" : (resumed.onInterrupt ?? found.policy);
  const histories = await readHistories(store, record.id);
  const leftovers = await host.recover({ runId: record.id, runDirectory: paths.directory });
  stream.committed(histories);
  const background = interruptedBackground(leftovers, found.view(), (hostJob) => viewJobOf(histories, hostJob));
  for (const notice of leftoverNotices(leftovers, policy, stepsIn(found.view(), histories))) stream.notice(notice);
  if (policy === "rerun")
    for (const { name, beside } of background)
      if (beside.length > 0)
        stream.notice(`The background step "${name}" begins again first. These ran beside it and are not repeated: ${beside.join(", ")}.`);
  return new StepLeftovers(leftovers, policy, policy === "rerun" ? background : []);
}

type FindStep = (hostJob: string, step: string) => { readonly title: string; readonly hasEnded: boolean };

/** A step as people know it, with its job; by its keys where the view does not have it. */
function stepsIn({ jobs }: RunView, histories: Histories): FindStep {
  return (hostJob, stepKey) => {
    const key = viewJobOf(histories, hostJob) ?? hostJob;
    const job = jobs.find((one) => one.key === key);
    const step = job?.steps.find((one) => one.key === stepKey);
    return { title: `"${step?.name ?? stepKey}" of ${job?.name ?? key}`, hasEnded: step?.status === "completed" };
  };
}

function leftoverNotices(leftovers: Leftovers, policy: InterruptPolicy, find: FindStep): readonly string[] {
  const what = {
    rerun: "is attempted again",
    "rerun-job": "makes its whole job start over",
    fail: "fails, and is not attempted again",
    cancel: "is attempted again only if it runs in a cancelled job too",
  }[policy];
  return leftovers.interrupted.flatMap(({ job, step, attempt, killed }) => {
    const { title, hasEnded } = find(job, step);
    // Its end is in history and was not in the spool: the disk was full.
    if (hasEnded) return [];
    const ended = killed === 0 ? "" : ` ${killed} of its processes were still alive and have been ended.`;
    return `Step ${title} was interrupted in attempt ${attempt} and ${what}.${ended}`;
  });
}

type Histories = Awaited<ReturnType<typeof readHistories>>;

/** People's key of a job that the host knows by another name; a start over adds `.r2` to that. */
function viewJobOf(histories: Histories, hostJob: string): string | undefined {
  for (const { events } of histories)
    for (const event of events) {
      if (event.kind !== "ExecutionStarted" || event.name !== "job" || event.input === undefined) continue;
      // Written by the orchestration `workflow`.
      const input = JSON.parse(event.input) as { readonly key: string; readonly host: string };
      if (hostJob === input.host || hostJob.startsWith(`${input.host}.r`)) return input.key;
    }
  return undefined;
}

/** The lock lies where all runs of the user find it, whatever their state directories. */
async function lockInPlace(record: RunFile, lockDirectory: string): Promise<Disposable> {
  try {
    const { lockTree } = await import("../../host/workspace/in-place-lock.ts");
    return lockTree({ tree: record.repository, lockDirectory, runId: record.id });
  } catch (error) {
    throw fileError(
      `The tree ${record.repository} cannot be locked for a run in place`,
      error,
      "Set XDG_RUNTIME_DIR to a writable folder.",
    );
  }
}
