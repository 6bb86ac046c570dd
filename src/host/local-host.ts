// The host in this process: opens jobs, and routes each request of the port to the job that it is about. Nothing of it is
// reached but through the port.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { loadExpressions } from "../expressions/official-packages.ts";
import { SignalboxError } from "../model/errors.ts";
import type * as port from "../model/host-port.ts";
import type { CancelledStep, EvaluatedOutputs, Host, JobKey, Leftovers, OpenedJob, OpenJob, StepEvent } from "../model/host-port.ts";
import { findPreSteps } from "./actions/find-pre-steps.ts";
import { evaluateOutputs } from "./job/evaluate-outputs.ts";
import { HostedJob } from "./job/hosted-job.ts";
import { maskedNames } from "./job/masked-names.ts";
import { DEFAULT_GRACES, endProcesses, type Graces } from "./process/end-processes.ts";
import { StepProcesses } from "./process/step-processes.ts";
import { becomeSubreaper } from "./process/subreaper.ts";
import { recoverRun } from "./recover-run.ts";
import { runMark } from "./run-mark.ts";
import { prepareStep } from "./step/prepare-step.ts";
import { runStep, type StepServices } from "./step/run-step.ts";
import { ScriptDirectories } from "./step/script-directories.ts";

export interface LocalHostOptions {
  /** Of a cancel and a timeout. */
  readonly graces?: Partial<Graces>;
  /** How long output is read after a step's process has exited, if what it left behind holds the stream. */
  readonly drainMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Where scripts lie while they run; by default on memory-backed storage. */
  readonly scriptsDirectory?: string;
}

const DRAIN_MS = 5_000;
/** Whoever stops the host wants it gone. */
const SHUTDOWN_GRACES = { interruptMs: 0, terminateMs: 500 };

export function createLocalHost(options: LocalHostOptions = {}): Host {
  return new LocalHost(options);
}

/** Ids become names of files and folders. */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** Its end is awaited apart from its start. */
interface StartedStep {
  readonly ending: Promise<port.StepResult>;
}

class LocalHost implements Host {
  readonly #jobs = new Map<string, HostedJob>();
  readonly #services: StepServices;
  /** Whose spools nobody needs any more: they go when there is time, or before more comes. */
  readonly #closed: HostedJob[] = [];
  #isSwept = false;
  #isStopping = false;

  constructor(options: LocalHostOptions) {
    this.#services = {
      processes: new StepProcesses(),
      scripts: new ScriptDirectories(options.scriptsDirectory),
      graces: { ...DEFAULT_GRACES, ...options.graces },
      drainMs: options.drainMs ?? DRAIN_MS,
      now: options.now ?? Date.now,
    };
  }

  async openJob(request: OpenJob): Promise<OpenedJob> {
    const key = jobId(request);
    const known = this.#jobs.get(key);
    if (known !== undefined) {
      known.addMasks(request.sealedMasks);
      return opened(known);
    }
    this.#removeSpools();
    for (const directory of [request.directories.workspace, request.directories.temp, request.directories.toolCache]) {
      mkdirSync(directory, { recursive: true });
    }
    mkdirSync(join(request.directories.run, "logs", request.job), { recursive: true, mode: 0o700 });
    const job = new HostedJob(request);
    job.spool.open(request.job);
    job.addMasks(job.spool.readMasks(request.job));
    await loadExpressions();
    job.pres = await findPreSteps(job, job.steps.values());
    this.#jobs.set(key, job);
    return opened(job);
  }

  async prepareStep(request: port.PrepareStep): Promise<port.PreparedStep> {
    const job = this.#job(request);
    job.reach(request.at);
    const { prepared, ready } = await prepareStep(job, request);
    if (ready !== undefined) job.ready.set(request.step, ready);
    return prepared;
  }

  async runStep(request: port.RunStep, onEvent: (event: StepEvent) => void): Promise<port.StepResult> {
    const job = this.#job(request);
    job.reach(request.at);
    checkName(request.step, "step");
    const starting = this.#start(job, request, onEvent);
    job.starting.set(request.step, starting);
    try {
      return await (await starting).ending;
    } finally {
      job.starting.delete(request.step);
    }
  }

  /** From here on a cancel finds the attempt, also one that is prepared only now. */
  async #start(job: HostedJob, request: port.RunStep, onEvent: (event: StepEvent) => void): Promise<StartedStep> {
    const ready = job.ready.get(request.step) ?? (await prepareStep(job, request)).ready;
    job.ready.delete(request.step);
    if (ready === undefined) {
      throw new SignalboxError("HOST_FAILED", `The step ${request.step} was asked to run, but it is not one that runs at this position.`);
    }
    if (this.#isStopping) throw new SignalboxError("SHUT_DOWN", `The host was stopped before step ${request.step} began.`);
    const ending = runStep(job, ready, request, this.#services, onEvent);
    this.#prepareForOrphans();
    return { ending };
  }

  async cancelStep(request: port.CancelStep): Promise<CancelledStep> {
    const job = this.#job(request);
    // What did not start has nothing to end.
    await job.starting.get(request.step)?.catch(() => undefined);
    const running = job.running.get(request.step);
    if (running === undefined) return { survivors: [] };
    const survivors = await running.stop("cancel");
    await running.ended;
    return { survivors };
  }

  async reevaluate(request: port.ReevaluateCondition): Promise<{ readonly holds: boolean }> {
    const job = this.#job(request);
    job.reach(request.at);
    const { prepared } = await prepareStep(job, request);
    return { holds: prepared.verdict === "run" };
  }

  async evaluateOutputs(request: port.EvaluateOutputs): Promise<EvaluatedOutputs> {
    const job = this.#job(request);
    job.reach(request.at);
    return evaluateOutputs(job, request);
  }

  /** As on GitHub, what steps left running lives until here. */
  async closeJob(request: { readonly runId: string; readonly job: JobKey }): Promise<void> {
    const job = this.#jobs.get(jobId(request));
    if (job === undefined) return;
    this.#jobs.delete(jobId(request));
    await this.#endLeftBehind(job);
    this.#closed.push(job);
    this.#services.scripts.tidy();
  }

  async recover(request: { readonly runId: string; readonly runDirectory: string }): Promise<Leftovers> {
    const mark = runMark(checkName(request.runId, "run"), request.runDirectory);
    this.#services.scripts.removeRun(mark);
    return recoverRun({ runMark: mark, runDirectory: request.runDirectory });
  }

  /** Ends what runs; those attempts were interrupted, and have no end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    for (const job of this.#jobs.values()) {
      const running = [...job.running.values()];
      await Promise.all(running.map((step) => step.stop("shutdown", { ...SHUTDOWN_GRACES, killMs: this.#services.graces.killMs })));
      await Promise.all(running.map((step) => step.ended));
      await this.#endLeftBehind(job);
    }
    this.#jobs.clear();
    // Whoever closes us closes a store as well: that is on its way before we keep this thread busy.
    await nextTurn();
    this.#removeSpools();
    this.#services.scripts.removeOwn();
  }

  #removeSpools(): void {
    for (const { spool, request } of this.#closed.splice(0)) spool.close(request.job);
  }

  async #endLeftBehind(job: HostedJob): Promise<void> {
    const { processes, graces } = this.#services;
    if (job.lineages.size > 0) {
      const find = () => processes.find(job.lineages);
      await endProcesses({ find, graces: { ...graces, interruptMs: 0, terminateMs: 0 } });
    }
    for (const lineage of job.lineages) processes.remove(lineage);
  }

  /** While the first step's process starts: a step cannot lose a child before it has begun. */
  #prepareForOrphans(): void {
    becomeSubreaper();
    if (this.#isSwept) return;
    this.#isSwept = true;
    // What cannot be removed now is tried again by the next host.
    this.#services.scripts.sweep().catch(() => undefined);
  }

  #job(request: { readonly runId: string; readonly job: JobKey }): HostedJob {
    const job = this.#jobs.get(jobId(request));
    if (job === undefined)
      throw new SignalboxError("NOT_FOUND", `The job ${request.job} of run ${request.runId} is not open at this host.`);
    return job;
  }
}

function opened(job: HostedJob): OpenedJob {
  const { pres } = job;
  const masked = maskedNames(job);
  return { ...(pres.length > 0 && { pres }), ...(masked.length > 0 && { masked }) };
}

function jobId({ runId, job }: { readonly runId: string; readonly job: JobKey }): string {
  return `${checkName(runId, "run")}/${checkName(job, "job")}`;
}

function checkName(name: string, what: string): string {
  if (SAFE_NAME.test(name)) return name;
  throw new SignalboxError("INVALID_ARGUMENT", `'${name}' cannot be the key of a ${what}: use letters, digits, '.', '_' and '-'.`);
}
