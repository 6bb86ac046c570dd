// A workflow file in a run, as a state machine without I/O (see the job's machine): the graph of needs, its jobs' cells,
// the window, concurrency groups, called workflows, cancelling.
//
// A cell passes four gates, in this order: its job's `max-parallel`, its concurrency group, the run's window, its start.

import type { WorkflowPlan } from "../../../model/plan.ts";
import type { Conclusion } from "../../../model/run-view.ts";
import { OwnedClock } from "../job/owned-clock.ts";
import type { JobExpressions, RunRecord } from "../ports.ts";
import type { CancelNotice, GroupAnswer, JobOutcome, JobResult, WorkflowInput, WorkflowOutcome } from "../records.ts";
import { calledWorkflow } from "./called-workflow.ts";
import { hostKeys } from "./host-keys.ts";
import { expandJob, groupWish } from "./job-cells.ts";
import { JobScopes } from "./job-scopes.ts";
import { type Cell, endIfDone, type Job, newCell, newJob, nextCells } from "./job-state.ts";
import { JobWindow, type SlotTaker } from "./job-window.ts";
import { selectJobs } from "./needs.ts";
import type { GroupOwner, GroupWish, WorkflowCommand, WorkflowEvent, WorkflowFact, WorkflowReaction } from "./workflow-protocol.ts";

const GRACE_MS = 300_000;
const CANCELLED_BY_SIBLING = "A job of the same matrix failed (fail-fast).";

export interface WorkflowMachineOptions {
  readonly instanceId: string;
  readonly input: WorkflowInput;
  readonly plan: WorkflowPlan;
  readonly planOf: (hash: string) => WorkflowPlan;
  readonly run: RunRecord;
  readonly expressions: JobExpressions;
}

export class WorkflowMachine {
  readonly #options: WorkflowMachineOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #cells = new Map<string, Cell>();
  readonly #scopes: JobScopes;
  /** At the root only. */
  readonly #window: JobWindow | undefined;
  readonly #grace = new OwnedClock(GRACE_MS);
  #stage: "group" | "jobs" | "done" = "group";
  #group: GroupWish | undefined;
  #cancel: CancelNotice | undefined;
  #hasTimedOut = false;
  #message: string | undefined;
  #commands: WorkflowCommand[] = [];
  #facts: WorkflowFact[] = [];

  constructor(options: WorkflowMachineOptions) {
    this.#options = options;
    const { input, plan, run } = options;
    const { inPlace, jobs: selection, maxJobs } = run.inputs.options;
    // In the working tree jobs run one after the other.
    if (input.call === undefined) this.#window = new JobWindow(inPlace ? 1 : maxJobs);
    const jobs = input.call === undefined ? selectJobs(plan.jobs, selection) : plan.jobs;
    const hosts = hostKeys(plan.jobs, input.call?.host);
    const prefix = input.call === undefined ? "" : `${input.call.key}/`;
    for (const job of jobs) {
      const host = hosts.get(job.id) ?? job.id;
      this.#jobs.set(job.id, newJob(job, prefix + job.id, host));
    }
    this.#scopes = new JobScopes(options, this.#jobs, () => this.#cancel !== undefined);
  }

  begin(): WorkflowReaction {
    for (const job of this.#jobs.values()) {
      const name = job.plan.name?.kind === "string" ? job.plan.name.value : job.plan.id;
      this.#tellQueued(job, job.key, this.#fullName(name), this.#options.input.call?.key);
    }
    const { concurrency } = this.#options.plan;
    try {
      this.#group = concurrency && groupWish(concurrency, this.#scopes.ofWorkflow(), this.#options.expressions);
    } catch (error) {
      this.#message = messageOf(error);
      this.#finish("failure");
      return this.#react();
    }
    if (this.#group === undefined || this.#group.group === "") this.#stage = "jobs";
    else
      this.#commands.push({ kind: "AcquireGroup", owner: { kind: "workflow" }, host: this.#options.input.call?.host, wish: this.#group });
    this.#proceed();
    return this.#react();
  }

  handle(event: WorkflowEvent): WorkflowReaction {
    if (this.#stage !== "done") {
      this.#take(event);
      this.#proceed();
    }
    return this.#react();
  }

  #take(event: WorkflowEvent): void {
    switch (event.kind) {
      case "ChildEnded":
        return this.#childEnded(this.#cell(event.key), event.outcome);
      case "ChildBroke":
        return this.#childEnded(this.#cell(event.key), { conclusion: "failure", outputs: {}, message: event.failure.message });
      case "GroupAnswered":
        return this.#groupAnswered(event.owner, event.answer);
      case "WorkflowLoaded":
        return this.#workflowLoaded(event);
      case "CancelRequested":
        return this.#cancelRequested(event.notice);
      case "GraceFired":
        return this.#graceFired(event.lateMs);
      case "SlotAsked":
        return this.#grant(this.#window?.ask({ kind: "called", from: event.from, key: event.key }) ?? []);
      case "SlotReturned":
        return this.#grant(this.#window?.giveBack() ?? []);
      case "SlotGranted":
        return this.#slotGranted(this.#cell(event.key));
      default:
        return event satisfies never;
    }
  }

  #react(): WorkflowReaction {
    const reaction = { commands: this.#commands, facts: this.#facts };
    this.#commands = [];
    this.#facts = [];
    return reaction;
  }

  // Jobs

  #proceed(): void {
    if (this.#stage !== "jobs") return;
    for (let changed = true; changed; ) {
      changed = false;
      for (const job of this.#jobs.values()) {
        if (job.stage !== "waiting" || !this.#scopes.above(job).every(({ stage }) => stage === "ended")) continue;
        this.#decide(job);
        changed = true;
      }
    }
    if ([...this.#jobs.values()].every(({ stage }) => stage === "ended")) this.#finish(this.#conclusion());
  }

  #decide(job: Job): void {
    this.#guard(job, () => {
      const scope = this.#scopes.ofJob(job);
      const holds = job.plan.if === undefined ? scope.status.success : this.#options.expressions.condition(job.plan.if.expression, scope);
      if (!holds) this.#endJobWhole(job, "skipped", {});
      else if (job.plan.kind === "call") {
        job.stage = "loading";
        this.#commands.push({ kind: "LoadWorkflow", job: job.plan.id, uses: job.plan.uses });
      } else this.#expand(job);
    });
  }

  #expand(job: Job): void {
    const { expressions, run } = this.#options;
    const { matrix, unsupported } = run.inputs.options;
    const expanded = expandJob(job.plan, this.#scopes.ofJob(job), expressions, matrix);
    job.expanded = expanded;
    if (expanded.cells.length === 0) return this.#endJobWhole(job, "skipped", {}, "No cell of the matrix is selected.");
    job.stage = "active";
    job.cells = expanded.cells.map((plan, index) => newCell(job, plan, index));
    for (const cell of job.cells) this.#cells.set(cell.key, cell);
    const hasMatrix = job.plan.strategy?.matrix !== undefined;
    if (hasMatrix) this.#facts.push({ kind: "JobExpanded", key: job.key });
    if (hasMatrix) for (const cell of job.cells) this.#tellQueued(job, cell.key, this.#nameOf(cell), job.key);
    for (const cell of job.cells) {
      if (cell.plan.unsupported === undefined) continue;
      this.#endCell(cell, { conclusion: unsupported === "skip" ? "skipped" : "failure", outputs: {}, message: cell.plan.unsupported });
    }
    this.#startCells(job);
  }

  #nameOf(cell: Cell): string {
    return this.#fullName(cell.plan.name);
  }

  #fullName(name: string): string {
    const { call } = this.#options.input;
    return call === undefined ? name : `${call.name} / ${name}`;
  }

  /** The first gate. */
  #startCells(job: Job): void {
    for (const cell of nextCells(job)) {
      const wish = cell.plan.group;
      if (wish === undefined || wish.group === "") this.#askSlot(cell);
      else {
        cell.gate = "group";
        this.#facts.push({ kind: "JobWaits", key: cell.key, message: `Waiting for the concurrency group "${wish.group}".` });
        this.#commands.push({ kind: "AcquireGroup", owner: { kind: "cell", key: cell.key }, host: cell.host, wish });
      }
    }
  }

  #askSlot(cell: Cell): void {
    cell.gate = "window";
    // A called workflow's jobs take the slots, not the job that calls it.
    if (cell.job.plan.kind === "call") this.#start(cell);
    else if (this.#window === undefined) this.#commands.push({ kind: "AskSlot", key: cell.key });
    else this.#grant(this.#window.ask({ kind: "cell", key: cell.key }));
  }

  #grant(takers: readonly SlotTaker[]): void {
    for (const taker of takers) {
      if (taker.kind === "cell") this.#slotGranted(this.#cell(taker.key));
      else this.#commands.push({ kind: "GrantSlot", to: taker.from, key: taker.key });
    }
  }

  #slotGranted(cell: Cell): void {
    // It was cancelled while it stood in the queue.
    if (cell.gate === "ended") this.#returnSlot();
    else this.#start(cell);
  }

  #returnSlot(): void {
    if (this.#window === undefined) this.#commands.push({ kind: "ReturnSlot" });
    else this.#grant(this.#window.giveBack());
  }

  #start(cell: Cell): void {
    const { input } = this.#options;
    const { job, key, host } = cell;
    cell.gate = "running";
    const contexts = { inputs: input.inputs, needs: this.#scopes.needs(job), ...cell.plan.contexts };
    if (job.called !== undefined) {
      const called = job.called;
      this.#guardCell(cell, () => {
        const scope = this.#scopes.ofCell(cell);
        const call = { job: job.plan, key, name: this.#nameOf(cell), host, contexts, scope, caller: input, root: this.#options.instanceId };
        const child = calledWorkflow(called, call, this.#options.expressions);
        this.#facts.push({ kind: "JobStarted", key, host, child: "workflow" }, { kind: "JobExpanded", key });
        this.#commands.push({ kind: "StartCall", key, input: child });
      });
      return;
    }
    this.#facts.push({ kind: "JobStarted", key, host, child: "job" });
    this.#commands.push({
      kind: "StartJob",
      key,
      input: {
        runId: input.runId,
        plan: input.plan,
        job: job.plan.id,
        key,
        name: this.#nameOf(cell),
        host,
        contexts,
        secrets: input.call?.secrets ?? [],
        timeoutMinutes: cell.plan.timeoutMinutes,
        generation: 1,
      },
    });
  }

  #childEnded(cell: Cell, outcome: JobOutcome | WorkflowOutcome): void {
    this.#endCell(cell, outcome);
    if (cell.job.plan.kind === "steps") this.#returnSlot();
  }

  #endCell(cell: Cell, outcome: JobOutcome | WorkflowOutcome): void {
    const { job } = cell;
    cell.gate = "ended";
    cell.outputs = outcome.outputs;
    const result = outcome.conclusion === "timed_out" ? "cancelled" : outcome.conclusion;
    const failed = outcome.conclusion === "failure" || outcome.conclusion === "timed_out";
    cell.result = failed && cell.plan.continueOnError ? "success" : result;
    if (outcome.conclusion === "timed_out" && !cell.plan.continueOnError) this.#hasTimedOut = true;
    this.#facts.push({ kind: "JobFinished", key: cell.key, ...outcome });
    this.#releaseGroup(cell);
    if (failed && !cell.plan.continueOnError && job.expanded?.failFast === true) {
      this.#stopJob(job, { reason: CANCELLED_BY_SIBLING });
    }
    this.#startCells(job);
    endIfDone(job);
  }

  /** A job that ends without any of its cells. */
  #endJobWhole(job: Job, result: JobResult, outputs: Job["outputs"], message?: string): void {
    job.stage = "ended";
    job.result = result;
    job.outputs = outputs;
    const said = message === undefined ? {} : { message };
    this.#facts.push({ kind: "JobFinished", key: job.key, conclusion: result, outputs, ...said });
  }

  #guard(job: Job, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#endJobWhole(job, "failure", {}, messageOf(error));
    }
  }

  #guardCell(cell: Cell, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#endCell(cell, { conclusion: "failure", outputs: {}, message: messageOf(error) });
    }
  }

  // Called workflows and groups

  #workflowLoaded({ job: id, loaded }: Extract<WorkflowEvent, { kind: "WorkflowLoaded" }>): void {
    const job = this.#jobs.get(id);
    if (job?.stage !== "loading") return;
    if (loaded.kind === "refused") return this.#endJobWhole(job, "failure", {}, loaded.message);
    if (this.#cancel !== undefined) return this.#endJobWhole(job, "cancelled", {}, this.#cancel.reason);
    job.called = { hash: loaded.plan, plan: this.#options.planOf(loaded.plan) };
    this.#guard(job, () => this.#expand(job));
  }

  #groupAnswered(owner: GroupOwner, answer: GroupAnswer): void {
    if (owner.kind === "workflow") {
      if (answer.kind === "held") this.#stage = "jobs";
      else {
        this.#group = undefined;
        this.#message = answer.message;
        this.#finish("cancelled");
      }
      return;
    }
    const cell = this.#cell(owner.key);
    cell.holdsGroup = answer.kind === "held";
    if (cell.gate === "ended") this.#releaseGroup(cell);
    else if (answer.kind === "held") this.#askSlot(cell);
    else this.#endCell(cell, { conclusion: "cancelled", outputs: {}, message: answer.message });
  }

  #releaseGroup(cell: Cell): void {
    if (!cell.holdsGroup || cell.plan.group === undefined) return;
    cell.holdsGroup = false;
    this.#commands.push({ kind: "ReleaseGroup", host: cell.host, wish: cell.plan.group });
  }

  // Cancelling

  #cancelRequested(notice: CancelNotice): void {
    if (this.#cancel === undefined) {
      this.#cancel = notice;
      this.#commands.push({ kind: "ArmGrace", ms: this.#grace.nextTickMs });
    }
    if (this.#stage === "group") {
      this.#message = notice.reason;
      return this.#finish("cancelled");
    }
    for (const job of this.#jobs.values()) {
      if (job.stage === "active" && (notice.force === true || !this.#survives(job))) this.#stopJob(job, notice);
    }
    if (notice.force !== true) return;
    for (const job of this.#jobs.values()) if (job.stage === "waiting") this.#endJobWhole(job, "cancelled", {}, notice.reason);
  }

  /** Does the job's condition still hold now that the run is cancelled? */
  #survives(job: Job): boolean {
    if (job.plan.if === undefined) return false;
    try {
      return this.#options.expressions.condition(job.plan.if.expression, this.#scopes.ofJob(job));
    } catch {
      return false;
    }
  }

  #stopJob(job: Job, notice: CancelNotice): void {
    job.isStopped = true;
    for (const cell of job.cells) this.#cancelCell(cell, notice);
  }

  #cancelCell(cell: Cell, notice: CancelNotice): void {
    if (cell.gate === "ended" || (cell.isCancelAsked && notice.force !== true)) return;
    cell.isCancelAsked = true;
    if (cell.gate === "running") this.#commands.push({ kind: "CancelChild", key: cell.key, host: cell.host, notice });
    else this.#endCell(cell, { conclusion: "cancelled", outputs: {}, message: notice.reason });
  }

  #graceFired(lateMs: number): void {
    this.#grace.tick(lateMs);
    if (this.#grace.nextTickMs > 0) this.#commands.push({ kind: "ArmGrace", ms: this.#grace.nextTickMs });
    else this.#cancelRequested({ reason: this.#cancel?.reason ?? "", force: true });
  }

  // The end

  #conclusion(): Conclusion {
    if (this.#cancel !== undefined) return "cancelled";
    const results = [...this.#jobs.values()].map(({ result }) => result);
    if (results.includes("failure") || this.#hasTimedOut) return "failure";
    return results.includes("cancelled") ? "cancelled" : "success";
  }

  #finish(conclusion: Conclusion): void {
    this.#stage = "done";
    let outcome: WorkflowOutcome = { conclusion, outputs: {}, ...(this.#message === undefined ? {} : { message: this.#message }) };
    try {
      outcome = { ...outcome, outputs: this.#outputs() };
    } catch (error) {
      outcome = { conclusion: "failure", outputs: {}, message: messageOf(error) };
    }
    for (const job of this.#jobs.values()) {
      if (job.stage !== "ended") this.#endJobWhole(job, conclusion === "cancelled" ? "cancelled" : "skipped", {}, this.#message);
    }
    if (this.#group !== undefined && this.#group.group !== "") {
      this.#commands.push({ kind: "ReleaseGroup", host: this.#options.input.call?.host, wish: this.#group });
    }
    this.#commands.push({ kind: "Complete", outcome });
    this.#facts.push({ kind: "WorkflowFinished", outcome });
  }

  /** What `on.workflow_call.outputs` says, for the caller. */
  #outputs(): WorkflowOutcome["outputs"] {
    const { input, plan, expressions } = this.#options;
    if (input.call === undefined || plan.call === undefined) return {};
    const jobs = Object.fromEntries([...this.#jobs].map(([id, { result, outputs }]) => [id, { result, outputs }]));
    const scope = this.#scopes.ofWorkflow({ jobs });
    return Object.fromEntries(plan.call.outputs.map(({ name, value }) => [name, expressions.value(value, scope)]));
  }

  #tellQueued(job: Job, key: string, name: string, within: string | undefined): void {
    const isCell = key !== job.key;
    const isPlaceholder = job.plan.kind === "call" || (!isCell && job.plan.strategy?.matrix !== undefined);
    const place = within === undefined ? {} : { within };
    this.#facts.push({ kind: "JobQueued", key, name, needs: job.plan.needs, isPlaceholder, ...place });
  }

  #cell(key: string): Cell {
    const cell = this.#cells.get(key);
    if (cell === undefined) throw new Error(`the workflow has no job ${key}`);
    return cell;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
