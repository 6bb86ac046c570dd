// One open job at this host: what does not change about it, what its steps have published, its masks, and what it runs.

import type { EvaluationScope, StatusFunctions } from "../../expressions/evaluate-expression.ts";
import { evaluateStrings } from "../../expressions/evaluate-template.ts";
import type { JobStatus, OpenJob, RegisteredPre, StepPosition, StepValue } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { StepPlan } from "../../model/plan.ts";
import { RecordedActions } from "../actions/recorded-actions.ts";
import type { StepLineage } from "../process/step-processes.ts";
import { runMark } from "../run-mark.ts";
import type { ReadyStep } from "../step/ready-step.ts";
import type { RunningStep } from "../step/running-step.ts";
import { Spool } from "../step/spool.ts";
import { Masker } from "../text/masker.ts";
import { ProblemMatchers } from "../text/problem-matchers.ts";
import { ValueSealer } from "../text/sealed-value.ts";
import { PublishedResults } from "./published-results.ts";

type Texts = { readonly [name: string]: string };
type JsonObject = { readonly [name: string]: JsonValue };

export class HostedJob {
  readonly request: OpenJob;
  /** Its run, as processes and scripts are named by it. */
  readonly runMark: string;
  readonly masker: Masker;
  readonly matchers = new ProblemMatchers();
  readonly sealer: ValueSealer;
  readonly published: PublishedResults;
  readonly spool: Spool;
  readonly actions: RecordedActions;
  /** What runs before the job's first step, in order. */
  pres: readonly RegisteredPre[] = [];
  /** By key, members of `parallel` included. */
  readonly steps: ReadonlyMap<string, StepPlan>;
  /** Prepared and not run yet: exactly what the step saw when it was reached (B2). */
  readonly ready = new Map<string, ReadyStep>();
  /** Asked to run; settles when the attempt is among those that run. */
  readonly starting = new Map<string, Promise<unknown>>();
  readonly running = new Map<string, RunningStep>();
  readonly lineages = new Set<StepLineage>();
  readonly secrets: Texts;
  #environment: Texts | undefined;

  constructor(request: OpenJob) {
    this.request = request;
    this.runMark = runMark(request.runId, request.directories.run);
    this.sealer = new ValueSealer(request.sealKey, request.runId);
    this.masker = new Masker(request.secrets.map(({ value }) => value));
    this.addMasks(request.sealedMasks);
    this.published = new PublishedResults((value) => this.sealer.fromStepValue(value));
    this.spool = new Spool(request.directories.run);
    this.actions = new RecordedActions(request.directories.run, request.job, {
      close: (text) => this.toValue(text),
      open: (value) => this.sealer.fromStepValue(value),
    });
    const steps = request.steps.flatMap((step): readonly StepPlan[] => (step.kind === "parallel" ? [step, ...step.members] : [step]));
    this.steps = new Map(steps.map((step) => [step.key, step]));
    this.secrets = Object.fromEntries(request.secrets.map(({ name, value }) => [name, value]));
  }

  addMasks(values: readonly StepValue[]): void {
    for (const value of values) this.masker.add(this.sealer.fromStepValue(value));
  }

  /** What the job has published up to here stands in history. */
  reach(at: StepPosition): void {
    this.published.record(at);
    for (const { step } of at.published) this.spool.acknowledge(this.request.job, step);
  }

  toValue(text: string): StepValue {
    return this.sealer.toStepValue(text, this.masker);
  }

  context(name: string): JsonObject {
    const value = this.request.contexts[name];
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}; // Not a list: checked.
  }

  /** The `github` context; an action adds its own part. */
  get github(): JsonObject {
    const { workspace } = this.request.directories;
    return { ...this.context("github"), workspace };
  }

  get runner(): JsonObject {
    const { temp, toolCache } = this.request.directories;
    return { ...this.context("runner"), temp, tool_cache: toolCache };
  }

  get isDebug(): boolean {
    return [this.secrets["ACTIONS_STEP_DEBUG"], this.context("vars")["ACTIONS_STEP_DEBUG"]].includes("true");
  }

  /** Workflow < job < GITHUB_ENV so far. */
  environmentAt(at: StepPosition): Texts {
    if (this.#environment === undefined) {
      const scope = this.scope({ at, environment: {} });
      const { workflowEnv, jobEnv } = this.request;
      this.#environment = { ...evaluateStrings(workflowEnv, scope), ...evaluateStrings(jobEnv, scope) };
    }
    return { ...this.#environment, ...this.published.environmentAt(at.position) };
  }

  scope(view: StepView): EvaluationScope {
    const { at, environment, hashFiles } = view;
    const contexts = (name: string): JsonValue | undefined => {
      const own = view.contexts?.[name];
      if (own !== undefined) return own;
      switch (name) {
        case "env":
          return environment;
        case "steps":
          return this.published.stepsAt(at.position);
        case "secrets":
          return this.secrets;
        case "github":
          return this.github;
        case "runner":
          return this.runner;
        case "job":
          return { ...this.context("job"), status: at.jobStatus };
        default:
          return this.request.contexts[name];
      }
    };
    return { contexts, status: statusFunctions(view.status ?? at.jobStatus), ...(hashFiles === undefined ? {} : { hashFiles }) };
  }
}

/** From where an expression of a step looks at the job. */
export interface StepView {
  readonly at: StepPosition;
  readonly environment: Texts;
  /** Contexts that hide the job's, such as an action's `inputs` and `steps`. */
  readonly contexts?: { readonly [name: string]: JsonValue };
  /** Of the action, in the main stage of a composite one; absent: of the job. */
  readonly status?: JobStatus;
  readonly hashFiles?: NonNullable<EvaluationScope["hashFiles"]>;
}

function statusFunctions(status: JobStatus): StatusFunctions {
  return {
    success: () => status === "success",
    failure: () => status === "failure",
    cancelled: () => status === "cancelled",
  };
}
