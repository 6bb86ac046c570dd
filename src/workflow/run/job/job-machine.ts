// A job, as a state machine without I/O: events in, commands and facts out. The orchestrator drives it live, the view
// drives it over a history; both therefore say the same. What it decides depends on the order of events alone.
//
// - Pre steps, known when the job has opened, run one after the other before the main steps, post steps after them (B15).
// - Main steps are walked in order; a foreground step, a join and a cancel hold the walk until they are done.
// - A background step holds the walk only while it is prepared (B2); its end is published by the first control step
//   that includes it (B4), else after the last main step (B14).
// - The job's status changes only where a result is published (B6), or when the job is cancelled.

import type { Failure } from "../../../model/failure.ts";
import type { JobStatus, OpenedJob, PreparedStep, StepConclusion } from "../../../model/host-port.ts";
import type { StepsJobPlan } from "../../../model/plan.ts";
import type { CancelNotice, JobOutcome, PositionDelta, RanStep } from "../records.ts";
import { ControlSteps } from "./control-steps.ts";
import type { JobCommand, JobEvent, JobFact, JobTimer, Reaction } from "./job-protocol.ts";
import type { LiteralSteps, LiteralTraits } from "./literal-steps.ts";
import { type MainItem, mainItems } from "./main-items.ts";
import { OwnedClock } from "./owned-clock.ts";
import { postSteps, preSteps } from "./pre-and-post-steps.ts";
import { Publications } from "./publications.ts";
import { Slots } from "./slots.ts";
import { hasEnded } from "./step-phases.ts";
import { StepRecord } from "./step-record.ts";

const GRACE_MS = 300_000;

export interface JobMachineOptions {
  readonly plan: Pick<StepsJobPlan, "steps" | "outputs">;
  readonly literals: LiteralSteps;
  readonly maxBackground: number;
  readonly timeoutMinutes: number;
}

type Stage = "opening" | "pres" | "main" | "posts" | "outputs" | "closing" | "done";

export class JobMachine {
  readonly #plan: JobMachineOptions["plan"];
  readonly #items: readonly MainItem[];
  readonly #literals: LiteralSteps;
  readonly #records = new Map<string, StepRecord>();
  /** Background steps that have been reached, in that order, which is the order of their start. */
  readonly #background: StepRecord[] = [];
  readonly #publications = new Publications();
  readonly #slots: Slots;
  readonly #control: ControlSteps;
  readonly #timeoutMinutes: number;
  readonly #timeout: OwnedClock;
  readonly #grace = new OwnedClock(GRACE_MS);
  #stage: Stage = "opening";
  #cursor = 0;
  /** The step that holds the walk, unless a control step does. */
  #current: StepRecord | undefined;
  /** Pre or post steps that are to come. */
  #line: StepRecord[] = [];
  #status: JobStatus = "success";
  /** Steps whose literal name a mask changes; undefined: only the host knows which. */
  #masked: ReadonlySet<string> | undefined = new Set();
  #cancelled: "no" | "asked" | "timeout" = "no";
  #isForced = false;
  #message: string | undefined;
  #outputs: JobOutcome["outputs"] = {};
  #commands: JobCommand[] = [];
  #facts: JobFact[] = [];

  constructor(options: JobMachineOptions) {
    this.#plan = options.plan;
    this.#items = mainItems(options.plan.steps);
    this.#literals = options.literals;
    this.#slots = new Slots(options.maxBackground);
    this.#timeoutMinutes = options.timeoutMinutes;
    this.#timeout = new OwnedClock(options.timeoutMinutes * 60_000);
    this.#control = new ControlSteps({
      record: (key) => this.#record(key),
      background: this.#background,
      prepare: (step) => this.#prepare(step),
      cancel: (record) => this.#cancelStep(record, "step"),
      flush: (record, by) => this.#flush(record, by),
      tell: (fact) => this.#facts.push(fact),
      count: (conclusion, cancelledBy) => this.#count(conclusion, cancelledBy),
      publish: (step, outcome, conclusion) => this.#publications.add(step, outcome, conclusion),
    });
  }

  begin(): Reaction {
    this.#commands.push({ kind: "OpenJob" });
    this.#facts.push({ kind: "SetUpStarted" });
    this.#armTimer("timeout");
    return this.#react();
  }

  handle(event: JobEvent): Reaction {
    if (this.#stage === "done") return this.#react();
    this.#take(event);
    this.#proceed();
    return this.#react();
  }

  #take(event: JobEvent): void {
    switch (event.kind) {
      case "Opened":
        return event.failure === undefined ? this.#opened(event) : this.#refused(event.failure);
      case "StepPrepared":
        return this.#prepared(event.step, event.prepared);
      case "StepRan":
        return this.#ran(this.#record(event.step), event.ran);
      case "StepBroke":
        return this.#broke(event.step, event.failure);
      case "StepCancelled":
        return this.#cancelAnswered(this.#record(event.step), event.survivors);
      case "StepReevaluated":
        return this.#reevaluated(this.#record(event.step), event.holds);
      case "CancelRequested":
        return this.#cancelRequested(event.notice);
      case "TimerFired":
        return this.#timerFired(event.timer, event.lateMs);
      case "OutputsEvaluated":
        return this.#outputsEvaluated(event);
      case "Closed":
        return this.#complete();
      default:
        return event satisfies never;
    }
  }

  #react(): Reaction {
    const reaction = { commands: this.#commands, facts: this.#facts };
    this.#commands = [];
    this.#facts = [];
    return reaction;
  }

  // The walk

  #proceed(): void {
    while (this.#advance()) {}
  }

  /** One move; false when there is nothing to do until the next event. */
  #advance(): boolean {
    if (this.#stage !== "pres" && this.#stage !== "main" && this.#stage !== "posts") return false;
    if (this.#current !== undefined) {
      if (!this.#letsPass(this.#current)) return false;
      this.#current = undefined;
    }
    if (this.#stage === "main") return this.#advanceMain();
    return this.#stage === "pres" ? this.#advancePres() : this.#advancePosts();
  }

  #letsPass(record: StepRecord): boolean {
    return record.traits.background ? record.phase !== "preparing" : record.phase === "published";
  }

  #advancePres(): boolean {
    if (!this.#reachNext()) this.#stage = "main";
    return true;
  }

  #advanceMain(): boolean {
    if (!this.#control.advance()) return false;
    const item = this.#items[this.#cursor];
    if (item === undefined) return this.#drain();
    this.#cursor++;
    if (item.kind !== "work") this.#control.begin(item);
    else {
      const { key, id, background, group } = item.step;
      this.#reach({ key, background, ...(id === undefined ? {} : { id }), ...(group === undefined ? {} : { group }) });
    }
    return true;
  }

  /** B14: whatever still runs is awaited before post steps in any case. */
  #drain(): boolean {
    if (!this.#background.every((record) => hasEnded(record.phase))) return false;
    for (const record of this.#background.filter(({ phase }) => phase === "ended")) this.#publish(record);
    this.#stage = "posts";
    this.#line = postSteps(this.#items, this.#records);
    for (const { traits } of this.#line) {
      if (traits.post !== undefined) this.#facts.push({ kind: "PostAdded", step: traits.key, post: traits.post });
    }
    return true;
  }

  #advancePosts(): boolean {
    if (this.#reachNext()) return true;
    if (this.#plan.outputs.length === 0) this.#close();
    else {
      this.#stage = "outputs";
      this.#commands.push({ kind: "EvaluateOutputs", request: { ...this.#publications.take(), ...this.#statusField() } });
    }
    return false;
  }

  #reachNext(): boolean {
    const record = this.#line.shift();
    if (record !== undefined) this.#reach(record.traits);
    return record !== undefined;
  }

  #reach(traits: StepRecord["traits"]): void {
    const record = new StepRecord(traits);
    this.#records.set(traits.key, record);
    this.#current = record;
    if (traits.background) this.#background.push(record);
    record.knowsOfCancel = this.#cancelled !== "no";
    record.signal("Reached");
    this.#facts.push({ kind: "StepReached", step: traits.key });
    const literal = this.#literalTraits(record);
    if (this.#isForced) this.#skip(record);
    else if (literal !== undefined) this.#startUnprepared(record, literal);
    else this.#prepare(traits.key, traits);
  }

  /** Undefined: the host must say what becomes of the step, or what it is called. */
  #literalTraits({ traits }: StepRecord): LiteralTraits | undefined {
    if (this.#status !== "success" || this.#masked === undefined || this.#masked.has(traits.key)) return undefined;
    // A background step may have added a mask that is not in history yet.
    return this.#background.every((record) => hasEnded(record.phase)) ? this.#literals.get(traits.key) : undefined;
  }

  #prepare(step: string, { pre, post }: Pick<StepRecord["traits"], "pre" | "post"> = {}): void {
    const edge = { ...(post === undefined ? {} : { post }), ...(pre === undefined ? {} : { pre }) };
    const request = { step, ...this.#publications.take(), ...this.#statusField(), ...edge };
    this.#commands.push({ kind: "PrepareStep", request });
  }

  #statusField(): { readonly status?: JobStatus } {
    return this.#status === "success" ? {} : { status: this.#status };
  }

  // A step that runs something

  #prepared(step: string, prepared: PreparedStep): void {
    if (this.#control.prepared(step, prepared)) return;
    const record = this.#record(step);
    record.prepared(prepared);
    if (prepared.verdict === "skip" || this.#isForced) this.#skip(record);
    else if (prepared.verdict === "fail") this.#endStep(record, "Refused", { outcome: "failure", message: prepared.failure.message });
    else if (this.#cancelled !== "no" && !record.knowsOfCancel) this.#reevaluate(record);
    else this.#queue(record);
  }

  #skip(record: StepRecord): void {
    record.end({ outcome: "skipped" });
    record.signal("Skipped");
    this.#publications.add(record.traits.key, "skipped", "skipped");
    this.#tellFinished(record);
  }

  #queue(record: StepRecord): void {
    record.signal("Prepared");
    if (!record.traits.background) return this.#start(record);
    this.#slots.enqueue(record);
    this.#fillSlots();
    if (record.phase === "queued") this.#facts.push({ kind: "StepQueued", step: record.traits.key, name: record.name });
  }

  #fillSlots(): void {
    for (let next = this.#slots.take(); next !== undefined; next = this.#slots.take()) this.#start(next);
  }

  #startUnprepared(record: StepRecord, literal: LiteralTraits): void {
    record.prepared({ verdict: "run", hashes: [], ...literal });
    record.signal("Prepared");
    this.#start(record, this.#publications.take());
  }

  #start(record: StepRecord, position?: PositionDelta): void {
    record.signal("SlotTaken");
    this.#commands.push({ kind: "RunStep", request: { step: record.traits.key, ...position } });
    this.#facts.push({ kind: "StepStarted", step: record.traits.key, name: record.name });
  }

  #ran(record: StepRecord, ran: RanStep): void {
    if (ran.kind === "start-over") {
      this.#stage = "done";
      this.#commands.push({ kind: "StartOver" });
    } else if (ran.kind === "interrupted") {
      this.#endStep(record, "RunEnded", {
        outcome: ran.outcome ?? "failure",
        message: ran.message,
        attempt: ran.attempt,
        ...(ran.log && { log: ran.log }),
      });
    } else {
      const { result } = ran;
      const message = result.message === undefined ? {} : { message: result.message };
      this.#endStep(record, "RunEnded", { outcome: result.outcome, result, attempt: result.attempt, ...message });
    }
  }

  #broke(step: string, failure: Failure): void {
    if (this.#control.prepared(step, { verdict: "fail", name: step, failure, continueOnError: false, hashes: [] })) return;
    const record = this.#record(step);
    this.#endStep(record, record.phase === "preparing" ? "Refused" : "RunEnded", { outcome: "failure", message: failure.message });
  }

  #endStep(record: StepRecord, signal: "Refused" | "RunEnded" | "Dropped" | "SweepFailed", ending: Parameters<StepRecord["end"]>[0]): void {
    const heldSlot = record.traits.background && (record.phase === "running" || record.phase === "cancelling");
    if (signal !== "Refused" && signal !== "Dropped" && mayHaveMasked(ending)) this.#masked = undefined;
    if (!record.signal(signal)) return;
    record.end(ending);
    this.#tellFinished(record);
    if (!record.traits.background) this.#publish(record);
    if (!heldSlot) return;
    this.#slots.free();
    this.#fillSlots();
  }

  #tellFinished(record: StepRecord): void {
    this.#facts.push({
      kind: "StepFinished",
      step: record.traits.key,
      name: record.name,
      conclusion: record.conclusion,
      ...record.ending,
    });
  }

  #publish(record: StepRecord): void {
    this.#flush(record, "");
    this.#count(record.conclusion, record.cancelledBy);
  }

  /** Makes the step's results visible to what follows, once. */
  #flush(record: StepRecord, by: string): void {
    if (!record.signal("Published")) return;
    const { key, background, post } = record.traits;
    if (post === undefined) this.#publications.add(key, record.ending.outcome, record.conclusion);
    if (background) this.#facts.push({ kind: "StepFlushed", step: key, by });
  }

  #count(conclusion: StepConclusion, cancelledBy?: StepRecord["cancelledBy"]): void {
    if (conclusion === "failure") this.#fail();
    // B17: ended by something else than its own cancel step.
    if (conclusion === "cancelled" && cancelledBy !== "step") this.#status = "cancelled";
  }

  #fail(): void {
    if (this.#status === "success") this.#status = "failure";
  }

  // Cancelling

  #cancelRequested(notice: CancelNotice): void {
    if (this.#cancelled === "no") this.#stop("asked", notice.reason);
    if (notice.force === true) this.#force();
  }

  #stop(cause: "asked" | "timeout", message: string): void {
    this.#cancelled = cause;
    this.#status = "cancelled";
    this.#message = message;
    this.#armTimer("grace");
    for (const record of this.#records.values()) {
      if (record.phase === "queued" || record.phase === "running") this.#reevaluate(record);
    }
  }

  #force(): void {
    this.#isForced = true;
    for (const record of this.#records.values()) this.#cancelStep(record, "job");
  }

  #reevaluate(record: StepRecord): void {
    this.#commands.push({ kind: "ReevaluateStep", step: record.traits.key });
  }

  /** B16: `always()` and `cancelled()` survive. */
  #reevaluated(record: StepRecord, holds: boolean): void {
    if (record.phase === "preparing") {
      if (holds && !this.#isForced) this.#queue(record);
      else this.#skip(record);
    } else if (!holds) this.#cancelStep(record, "job");
  }

  #cancelStep(record: StepRecord, by: "step" | "job"): void {
    if (record.phase === "queued") {
      // B11: it never starts.
      record.cancelledBy = by;
      record.cancelAnswered = true;
      this.#slots.leave(record);
      this.#endStep(record, "Dropped", { outcome: "cancelled" });
    } else if (record.phase === "running") {
      record.cancelledBy = by;
      record.signal("CancelAsked");
      this.#commands.push({ kind: "CancelStep", step: record.traits.key });
    }
  }

  #cancelAnswered(record: StepRecord, survivors: StepRecord["survivors"]): void {
    record.cancelAnswered = true;
    record.survivors = survivors;
    if (survivors.length > 0) this.#endStep(record, "SweepFailed", { outcome: "cancelled" });
  }

  #timerFired(timer: JobTimer, lateMs: number): void {
    const clock = timer === "timeout" ? this.#timeout : this.#grace;
    clock.tick(lateMs);
    if (clock.nextTickMs > 0) this.#armTimer(timer);
    else if (timer === "grace") this.#force();
    else if (this.#cancelled === "no") {
      this.#stop("timeout", `The job has exceeded the maximum execution time of ${this.#timeoutMinutes} minutes.`);
    }
  }

  #armTimer(timer: JobTimer): void {
    const clock = timer === "timeout" ? this.#timeout : this.#grace;
    this.#commands.push({ kind: "ArmTimer", timer, ms: clock.nextTickMs });
  }

  // Both ends of the job

  #opened({ pres = [], masked = [] }: OpenedJob): void {
    this.#masked = new Set(masked);
    this.#facts.push({ kind: "SetUpFinished" });
    this.#stage = "pres";
    this.#line = preSteps(pres);
    for (const { traits } of this.#line) {
      if (traits.pre !== undefined) this.#facts.push({ kind: "PreAdded", step: traits.key, pre: traits.pre });
    }
  }

  #refused(failure: Failure): void {
    this.#facts.push({ kind: "SetUpFinished", message: failure.message });
    this.#fail();
    this.#message ??= failure.message;
    this.#close();
  }

  #outputsEvaluated(event: Extract<JobEvent, { kind: "OutputsEvaluated" }>): void {
    this.#outputs = event.evaluated.values;
    for (const name of event.evaluated.skipped) {
      this.#facts.push({ kind: "Notice", message: `Skip output '${name}' since it may contain secret.` });
    }
    if (event.failure !== undefined) {
      this.#fail();
      this.#message ??= event.failure.message;
    }
    this.#close();
  }

  #close(): void {
    this.#stage = "closing";
    this.#commands.push({ kind: "CloseJob" });
  }

  #complete(): void {
    this.#stage = "done";
    const conclusion = this.#cancelled === "timeout" ? "timed_out" : this.#status;
    const outcome: JobOutcome = {
      conclusion,
      outputs: this.#outputs,
      ...(this.#message === undefined ? {} : { message: this.#message }),
    };
    this.#commands.push({ kind: "Complete", outcome });
    this.#facts.push({ kind: "JobFinished", outcome });
  }

  #record(key: string): StepRecord {
    const record = this.#records.get(key);
    if (record === undefined) throw new Error(`the job has not reached a step ${key}`);
    return record;
  }
}

/** What an earlier attempt masked stands in no result, nor what one without an end did. */
function mayHaveMasked({ result }: Parameters<StepRecord["end"]>[0]): boolean {
  return result === undefined || result.attempt > 1 || result.masks.length > 0;
}
