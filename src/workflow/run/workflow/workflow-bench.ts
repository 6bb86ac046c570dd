// Drives a workflow's machine in tests: jobs end when the test says so.

import type { JobPlan, WorkflowPlan } from "../../../model/plan.ts";
import type { RunInputs } from "../../../model/run-view.ts";
import { fakeExpressions } from "../fake-expressions.ts";
import { workflow } from "../fake-plans.ts";
import { fakeRecords, PLAN, RUN_ID } from "../fake-records.ts";
import type { JobInput, JobOutcome, WorkflowInput, WorkflowOutcome } from "../records.ts";
import { workflowMachineOf } from "./workflow-of-plan.ts";
import type { GroupOwner, WorkflowCommand, WorkflowEvent, WorkflowFact, WorkflowReaction } from "./workflow-protocol.ts";

export interface BenchOptions {
  readonly options?: Partial<RunInputs["options"]>;
  readonly plan?: Partial<WorkflowPlan>;
  readonly called?: WorkflowPlan;
  readonly input?: Partial<WorkflowInput>;
}

export class WorkflowBench {
  readonly facts: WorkflowFact[] = [];
  readonly commands: WorkflowCommand[] = [];
  readonly jobs = new Map<string, JobInput>();
  readonly calls = new Map<string, WorkflowInput>();
  readonly cancelled: string[] = [];
  outcome: WorkflowOutcome | undefined;
  readonly #machine: ReturnType<typeof workflowMachineOf>;

  constructor(jobs: readonly JobPlan[], { options = {}, plan = {}, called = workflow([]), input = {} }: BenchOptions = {}) {
    const records = fakeRecords({ plans: { [PLAN]: workflow(jobs, plan), called }, options });
    this.#machine = workflowMachineOf(records, fakeExpressions, RUN_ID, { runId: RUN_ID, plan: PLAN, inputs: {}, ...input });
    this.#react(this.#machine.begin());
  }

  /** Jobs that have been started, in order. */
  get started(): readonly string[] {
    return [...this.jobs.keys()];
  }

  send(event: WorkflowEvent): this {
    this.#react(this.#machine.handle(event));
    return this;
  }

  end(key: string, conclusion: JobOutcome["conclusion"] = "success", outputs: JobOutcome["outputs"] = {}): this {
    return this.send({ kind: "ChildEnded", key, outcome: { conclusion, outputs } });
  }

  cancel(force = false): this {
    return this.send({ kind: "CancelRequested", notice: { reason: "asked", force } });
  }

  hold(owner: GroupOwner = { kind: "workflow" }): this {
    return this.send({ kind: "GroupAnswered", owner, answer: { kind: "held" } });
  }

  finished(key: string): { readonly conclusion: string; readonly message?: string } | undefined {
    const fact = this.facts.findLast((each) => each.kind === "JobFinished" && each.key === key);
    if (fact?.kind !== "JobFinished") return undefined;
    return { conclusion: fact.conclusion, ...(fact.message === undefined ? {} : { message: fact.message }) };
  }

  #react({ commands, facts }: WorkflowReaction): void {
    this.facts.push(...facts);
    this.commands.push(...commands);
    for (const command of commands) {
      if (command.kind === "StartJob") this.jobs.set(command.key, command.input);
      else if (command.kind === "StartCall") this.calls.set(command.key, command.input);
      else if (command.kind === "CancelChild") this.cancelled.push(command.key);
      else if (command.kind === "LoadWorkflow")
        this.send({ kind: "WorkflowLoaded", job: command.job, loaded: { kind: "loaded", plan: "called" } });
      else if (command.kind === "Complete") this.outcome = command.outcome;
    }
  }
}
