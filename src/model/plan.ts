// What a workflow file says, checked and with its templates still unevaluated: the one representation that front ends
// produce and the orchestrators interpret. Plain data: it is recorded with the run and travels to hosts.

import type { SourcePosition, TemplateToken } from "./template.ts";

export interface WorkflowPlan {
  /** As shown to people: relative to the repository. */
  readonly file: string;
  readonly name: string;
  readonly runName?: TemplateToken;
  readonly triggers: readonly Trigger[];
  readonly env?: TemplateToken;
  readonly defaults: RunDefaults;
  readonly concurrency?: ConcurrencyPlan;
  readonly permissions?: TemplateToken;
  readonly jobs: readonly JobPlan[];
  /** What `on.workflow_call` declares; absent where the file cannot be called. */
  readonly call?: CallInterface;
}

export interface Trigger {
  readonly event: string;
  /** `types`, and each of the branch, tag and path filters that is given. */
  readonly types?: readonly string[];
  readonly branches?: readonly string[];
  readonly branchesIgnore?: readonly string[];
  readonly tags?: readonly string[];
  readonly tagsIgnore?: readonly string[];
  readonly paths?: readonly string[];
  readonly pathsIgnore?: readonly string[];
  /** Of `workflow_run`. */
  readonly workflows?: readonly string[];
  /** Of `workflow_dispatch`. */
  readonly inputs?: readonly InputDeclaration[];
  /** Of `schedule`. */
  readonly cron?: readonly string[];
  readonly at: SourcePosition;
}

export interface InputDeclaration {
  readonly name: string;
  readonly type: "string" | "number" | "boolean" | "choice" | "environment";
  readonly required: boolean;
  readonly description?: string;
  /** Of `workflow_dispatch` a literal, of `workflow_call` possibly an expression. */
  readonly default?: TemplateToken;
  readonly options?: readonly string[];
  readonly at: SourcePosition;
}

export interface CallInterface {
  readonly inputs: readonly InputDeclaration[];
  readonly secrets: readonly { readonly name: string; readonly required: boolean }[];
  readonly outputs: readonly { readonly name: string; readonly value: TemplateToken }[];
}

export interface RunDefaults {
  readonly shell?: TemplateToken;
  readonly workingDirectory?: TemplateToken;
}

export interface ConcurrencyPlan {
  readonly group: TemplateToken;
  readonly cancelInProgress?: TemplateToken;
  /** `max` keeps up to 100 pending in order; by default one is pending. */
  readonly queue?: "single" | "max";
  readonly at: SourcePosition;
}

interface JobBase {
  /** The key under `jobs`. */
  readonly id: string;
  readonly name?: TemplateToken;
  readonly needs: readonly string[];
  /** The text of the condition without `${{ }}`; `success()` is implied where it names no status function. */
  readonly if?: ConditionPlan;
  readonly strategy?: StrategyPlan;
  readonly concurrency?: ConcurrencyPlan;
  readonly permissions?: TemplateToken;
  readonly at: SourcePosition;
}

/** A job with steps. */
export interface StepsJobPlan extends JobBase {
  readonly kind: "steps";
  readonly runsOn: TemplateToken;
  readonly env?: TemplateToken;
  readonly defaults: RunDefaults;
  readonly outputs: readonly { readonly name: string; readonly value: TemplateToken }[];
  readonly environment?: TemplateToken;
  readonly container?: TemplateToken;
  readonly services?: TemplateToken;
  readonly timeoutMinutes?: TemplateToken;
  readonly continueOnError?: TemplateToken;
  readonly steps: readonly StepPlan[];
}

/** A job that calls a reusable workflow. */
export interface CallJobPlan extends JobBase {
  readonly kind: "call";
  /** `./.github/workflows/x.yml` or `owner/repo/path@ref`. */
  readonly uses: string;
  readonly usesAt?: SourcePosition;
  readonly with?: TemplateToken;
  readonly secrets: "inherit" | readonly { readonly name: string; readonly value: TemplateToken }[];
}

export type JobPlan = StepsJobPlan | CallJobPlan;

export interface StrategyPlan {
  readonly matrix?: TemplateToken;
  readonly failFast?: TemplateToken;
  readonly maxParallel?: TemplateToken;
  readonly at: SourcePosition;
}

export interface ConditionPlan {
  /** With the implied `success()` already written out. */
  readonly expression: string;
  /** Whether the file says no status function itself. */
  readonly isDefault: boolean;
  readonly at: SourcePosition;
}

interface StepBase {
  /** Unique in the job and stable: the id, or `__1`, `__2`, ... by position among the file's steps. */
  readonly key: string;
  /** As the file gives it. */
  readonly id?: string;
  readonly name?: TemplateToken;
  readonly continueOnError?: TemplateToken;
  readonly at: SourcePosition;
}

interface WorkStepBase extends StepBase {
  readonly if: ConditionPlan;
  readonly env?: TemplateToken;
  readonly timeoutMinutes?: TemplateToken;
  readonly background: boolean;
  /** The key of the `parallel` step that it is a member of. */
  readonly group?: string;
}

export interface RunStepPlan extends WorkStepBase {
  readonly kind: "run";
  readonly run: TemplateToken;
  readonly shell?: TemplateToken;
  readonly workingDirectory?: TemplateToken;
}

export interface UsesStepPlan extends WorkStepBase {
  readonly kind: "uses";
  readonly uses: string;
  readonly with?: TemplateToken;
}

/** A step that runs something, in the foreground or in the background. */
export type WorkStepPlan = RunStepPlan | UsesStepPlan;

export interface WaitStepPlan extends StepBase {
  readonly kind: "wait";
  /** Keys of earlier background steps, as listed. */
  readonly targets: readonly string[];
}

export interface WaitAllStepPlan extends StepBase {
  readonly kind: "wait-all";
  /** True for the one that B14 appends. */
  readonly implicit: boolean;
}

export interface CancelStepPlan extends StepBase {
  readonly kind: "cancel";
  readonly target: string;
}

/** Its members run as background steps; one wait for all of them follows. */
export interface ParallelStepPlan extends StepBase {
  readonly kind: "parallel";
  readonly members: readonly WorkStepPlan[];
}

export type StepPlan = WorkStepPlan | WaitStepPlan | WaitAllStepPlan | CancelStepPlan | ParallelStepPlan;

/** Something to say about a file; `error` means that nothing runs. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly file: string;
  readonly at?: SourcePosition;
  readonly message: string;
  /** A section of the documentation, where that helps. */
  readonly help?: string;
}
