// Steps that run nothing themselves: wait, wait-all, parallel's join, cancel. They always run, also after a failure or
// a cancellation; each holds the walk until what it names has ended, and then publishes what that deferred (B4).

import type { PreparedStep, StepConclusion } from "../../../model/host-port.ts";
import type { JobFact } from "./job-protocol.ts";
import { type LiteralTraits, literalControl } from "./literal-steps.ts";
import type { ControlStepPlan, MainItem } from "./main-items.ts";
import { hasEnded } from "./step-phases.ts";
import type { StepRecord } from "./step-record.ts";

export interface ControlSurroundings {
  record(key: string): StepRecord;
  readonly background: readonly StepRecord[];
  /** Asks the host for a name or continue-on-error that is an expression. */
  prepare(step: string): void;
  cancel(record: StepRecord): void;
  /** Publishes what the step deferred, once. */
  flush(record: StepRecord, by: string): void;
  /** Lets a result count for the job. */
  count(conclusion: StepConclusion, cancelledBy?: StepRecord["cancelledBy"]): void;
  tell(fact: JobFact): void;
  /** Makes the control step's own result visible in `steps`. */
  publish(step: string, outcome: StepConclusion, conclusion: StepConclusion): void;
}

type ControlItem = Exclude<MainItem, { kind: "work" }>;

interface Traits extends LiteralTraits {
  readonly failure?: string;
}

interface Current {
  readonly item: ControlItem;
  /** Absent until the step has begun. */
  targets?: readonly StepRecord[];
}

export class ControlSteps {
  readonly #job: ControlSurroundings;
  readonly #traits = new Map<string, Traits>();
  #current: Current | undefined;

  constructor(job: ControlSurroundings) {
    this.#job = job;
  }

  begin(item: ControlItem): void {
    this.#current = { item };
    const { step } = item;
    if (this.#traits.has(step.key)) return;
    const literal = literalControl(step);
    if (literal === undefined) this.#job.prepare(step.key);
    else this.#traits.set(step.key, literal);
  }

  /** True if the answer was for a control step. */
  prepared(step: string, prepared: PreparedStep): boolean {
    if (this.#current?.item.step.key !== step) return false;
    this.#traits.set(step, {
      name: prepared.name,
      continueOnError: prepared.verdict !== "skip" && prepared.continueOnError,
      ...(prepared.verdict === "fail" ? { failure: prepared.failure.message } : {}),
    });
    return true;
  }

  /** False while a control step holds the walk. */
  advance(): boolean {
    const current = this.#current;
    if (current === undefined) return true;
    const traits = this.#traits.get(current.item.step.key);
    if (traits === undefined) return false;
    const { item } = current;
    if (item.kind === "group") {
      this.#job.tell({ kind: "StepStarted", step: item.step.key, name: traits.name });
      this.#current = undefined;
      return true;
    }
    current.targets ??= this.#start(item, traits);
    if (!current.targets.every(isSettled)) return false;
    this.#current = undefined;
    if (item.kind === "cancel") this.#finishCancel(item.step, traits, current.targets);
    else this.#finishJoin(item.step, traits, current.targets);
    return true;
  }

  #start(item: Exclude<ControlItem, { kind: "group" }>, traits: Traits): readonly StepRecord[] {
    const { step } = item;
    if (step.kind !== "parallel") this.#job.tell({ kind: "StepStarted", step: step.key, name: traits.name });
    const targets = this.#targets(step);
    for (const target of targets) target.isWaitedFor = true;
    const names = targets.map((target) => target.name).join(", ");
    if (step.kind === "cancel") {
      this.#print(step, `Cancelling background step(s): ${names}`);
      for (const target of targets) this.#job.cancel(target);
    } else if (targets.length === 0) this.#print(step, "No background steps remaining to wait for.");
    else this.#print(step, `Waiting for background step(s) to complete: ${names}`);
    return targets;
  }

  #targets(step: ControlStepPlan): readonly StepRecord[] {
    switch (step.kind) {
      case "wait":
        return step.targets.map((key) => this.#job.record(key));
      case "wait-all":
        // Skipped ones have been visible from the start (B9).
        return this.#job.background.filter((record) => !record.isWaitedFor && record.phase !== "published");
      case "cancel":
        return [this.#job.record(step.target)];
      case "parallel":
        return step.members.map((member) => this.#job.record(member.key));
      default:
        return step satisfies never;
    }
  }

  #finishJoin(step: ControlStepPlan, traits: Traits, targets: readonly StepRecord[]): void {
    for (const target of targets) this.#job.flush(target, step.key);
    if (targets.length > 0) this.#print(step, "Finished waiting for background step(s).");
    for (const target of targets) this.#print(step, `${target.name}: ${target.conclusion}`);
    const failed = targets.filter((target) => target.conclusion === "failure");
    // B17: what something else than its own cancel step has ended is no success.
    const isCancelled = targets.some((target) => target.conclusion === "cancelled" && target.cancelledBy !== "step");
    if (traits.failure !== undefined) this.#finish(step, traits, "failure", traits.failure);
    else if (failed.length > 0) this.#finish(step, traits, "failure", `Failed: ${failed.map((target) => target.name).join(", ")}`);
    else this.#finish(step, traits, isCancelled ? "cancelled" : "success");
  }

  #finishCancel(step: ControlStepPlan, traits: Traits, targets: readonly StepRecord[]): void {
    for (const target of targets) {
      this.#job.flush(target, step.key);
      // B10: if it had already failed, that counts now.
      if (!traits.continueOnError) this.#job.count(target.conclusion, target.cancelledBy);
    }
    this.#print(step, "Finished cancelling background step(s).");
    const survivors = targets.flatMap((target) => target.survivors);
    if (survivors.length === 0) {
      return this.#finish(step, traits, traits.failure === undefined ? "success" : "failure", traits.failure);
    }
    const list = survivors.map(({ pid, reason }) => `${pid} (${reason})`).join(", ");
    this.#finish(step, traits, "failure", `These processes could not be ended: ${list}`);
  }

  #finish(step: ControlStepPlan, traits: Traits, outcome: StepConclusion, message?: string): void {
    const conclusion = outcome === "failure" && traits.continueOnError ? "success" : outcome;
    this.#job.count(conclusion);
    if (step.id !== undefined) this.#job.publish(step.key, outcome, conclusion);
    const said = message === undefined ? {} : { message };
    this.#job.tell({ kind: "StepFinished", step: step.key, name: traits.name, outcome, conclusion, ...said });
  }

  #print(step: ControlStepPlan, text: string): void {
    this.#job.tell({ kind: "StepLog", step: step.key, text });
  }
}

/** Ended, and if it was asked to end, nothing of it is left or the survivors are known (B10). */
function isSettled(record: StepRecord): boolean {
  return hasEnded(record.phase) && (record.cancelledBy === undefined || record.cancelAnswered);
}
