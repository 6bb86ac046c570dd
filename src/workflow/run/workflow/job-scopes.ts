// What the expressions of a workflow and its jobs see: recorded contexts, inputs, needs, matrix, and how it went above.

import type { WorkflowPlan } from "../../../model/plan.ts";
import type { ExpressionScope, RunRecord } from "../ports.ts";
import type { JobResult, NeedsContext, WorkflowInput } from "../records.ts";
import type { Cell, Job } from "./job-state.ts";
import { ancestorsOf, statusOf } from "./needs.ts";

export class JobScopes {
  readonly #jobs: ReadonlyMap<string, Job>;
  readonly #contexts: ExpressionScope["contexts"];
  readonly #ancestors: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #isCancelled: () => boolean;

  constructor(
    parts: { readonly run: RunRecord; readonly input: WorkflowInput; readonly plan: WorkflowPlan },
    jobs: ReadonlyMap<string, Job>,
    isCancelled: () => boolean,
  ) {
    this.#jobs = jobs;
    this.#contexts = { ...parts.run.contexts, inputs: parts.input.inputs };
    this.#ancestors = new Map([...jobs.keys()].map((id) => [id, ancestorsOf(parts.plan.jobs, [id])]));
    this.#isCancelled = isCancelled;
  }

  ofWorkflow(contexts: ExpressionScope["contexts"] = {}): ExpressionScope {
    return this.#scope([], contexts);
  }

  ofJob(job: Job): ExpressionScope {
    const above = [...(this.#ancestors.get(job.plan.id) ?? [])].flatMap((id) => this.#jobs.get(id)?.result ?? []);
    return this.#scope(above, { needs: this.needs(job) });
  }

  ofCell(cell: Cell): ExpressionScope {
    const scope = this.ofJob(cell.job);
    return { ...scope, contexts: { ...scope.contexts, ...cell.plan.contexts } };
  }

  needs(job: Job): NeedsContext {
    return Object.fromEntries(this.above(job).map(({ plan, result, outputs }) => [plan.id, { result, outputs }]));
  }

  /** The jobs that it needs itself. */
  above(job: Job): readonly Job[] {
    return job.plan.needs.flatMap((id) => this.#jobs.get(id) ?? []);
  }

  #scope(above: readonly JobResult[], contexts: ExpressionScope["contexts"]): ExpressionScope {
    return { contexts: { ...this.#contexts, ...contexts }, status: statusOf(above, this.#isCancelled()) };
  }
}
