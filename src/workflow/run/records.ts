// What stands in the histories of a run: inputs and outputs of its orchestrations and activities. Kept small and flat:
// a step's results are recorded once, where it ended; everything else names it by key and position.

import type { AttemptLog, JobKey, JobStatus, PostStep, PublishedStep, RegisteredPre, StepResult } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { Conclusion } from "../../model/run-view.ts";
import type { TemplateToken } from "../../model/template.ts";

/** Of the orchestrators: it changes when recorded decisions would no longer be taken the same way. */
export const RUN_VERSION = "1";

/** Raised at a run's root by a person, and sent on to what runs below it. */
export const CANCEL_EVENT = "cancel";

/** Between a called workflow and the root, which holds the window of `--max-jobs`. */
export const SLOT_EVENT = "job-slot";
export const SLOT_GRANTED_EVENT = "job-slot-granted";

export interface CancelNotice {
  /** For people: why. */
  readonly reason: string;
  /** The grace is over: always() no longer holds anything. */
  readonly force?: boolean;
}

export type Contexts = { readonly [name: string]: JsonValue };

/** GitHub's word for a job as `needs` sees it. */
export type JobResult = "success" | "failure" | "cancelled" | "skipped";
export type NeedsContext = {
  readonly [job: string]: { readonly result: JobResult; readonly outputs: { readonly [name: string]: JsonValue } };
};

/** Where the secrets of a called workflow come from: one link for each call above it, the outermost first. */
export type SecretScope = readonly SecretLink[];
export interface SecretLink {
  readonly secrets: "inherit" | readonly { readonly name: string; readonly value: TemplateToken }[];
  readonly contexts: Contexts;
}

export interface WorkflowInput {
  readonly runId: string;
  /** Content hash of the recorded plan. */
  readonly plan: string;
  /** The `inputs` context. */
  readonly inputs: { readonly [name: string]: JsonValue };
  /** Absent at the root. */
  readonly call?: WorkflowCall;
}

export interface WorkflowCall {
  /** Instance of the run's root, which holds the window of `--max-jobs`. */
  readonly root: string;
  /** The caller's job, as people see it; the called jobs stand below it. */
  readonly key: string;
  readonly name: string;
  readonly host: JobKey;
  readonly depth: number;
  readonly secrets: SecretScope;
}

export interface WorkflowOutcome {
  readonly conclusion: Conclusion;
  readonly outputs: { readonly [name: string]: JsonValue };
  readonly message?: string;
}

export interface JobInput {
  readonly runId: string;
  readonly plan: string;
  /** The job's id in the plan. */
  readonly job: string;
  /** As people see it. */
  readonly key: string;
  readonly name: string;
  readonly host: JobKey;
  readonly contexts: Contexts;
  readonly secrets: SecretScope;
  readonly timeoutMinutes: number;
  /** Grows with every start over in a fresh workspace (`--on-interrupt rerun-job`). */
  readonly generation: number;
}

export interface JobOutcome {
  readonly conclusion: Conclusion;
  readonly outputs: { readonly [name: string]: JsonValue };
  readonly message?: string;
}

export const ACTIVITY = {
  openJob: "open-job",
  prepareStep: "prepare-step",
  runStep: "run-step",
  cancelStep: "cancel-step",
  reevaluateStep: "reevaluate-step",
  evaluateOutputs: "evaluate-outputs",
  closeJob: "close-job",
  acquireGroup: "acquire-group",
  releaseGroup: "release-group",
  loadWorkflow: "load-workflow",
} as const;

/** An entry of the published results, without its values: those stand in the step's own result. */
export interface Publication {
  readonly step: string;
  readonly outcome: PublishedStep["outcome"];
  /** Absent: like the outcome. */
  readonly conclusion?: PublishedStep["conclusion"];
}

/** What happened to the published results since the last activity that carried them. */
export interface PositionDelta {
  /** The position after `published`. */
  readonly position: number;
  readonly published?: readonly Publication[];
}

export interface StepRequest {
  readonly step: string;
}
export interface PrepareRequest extends StepRequest, PositionDelta {
  /** Absent: success. */
  readonly status?: JobStatus;
  readonly post?: PostStep;
  readonly pre?: RegisteredPre;
}
/** With a position: the step has not been prepared, the host does both. */
export interface RunRequest extends StepRequest, Partial<PositionDelta> {}
export interface OutputsRequest extends PositionDelta {
  readonly status?: JobStatus;
}

/** How an attempt came out, or why there was none. */
export type RanStep =
  | { readonly kind: "ended"; readonly result: StepResult }
  /** It had begun when the engine died, and policy says that it fails, or a cancel that it does not survive stands. */
  | {
      readonly kind: "interrupted";
      readonly attempt: number;
      readonly message: string;
      readonly outcome?: "cancelled";
      readonly log?: AttemptLog;
    }
  /** It had begun when the engine died, and policy says that the whole job starts over. */
  | { readonly kind: "start-over" };

export interface GroupRequest {
  readonly group: string;
  readonly cancelInProgress: boolean;
  readonly queue: "single" | "max";
  readonly runId: string;
  /** The instance that holds it; cancelled when a newcomer takes the group. */
  readonly holder: string;
}
export type GroupAnswer = { readonly kind: "held" } | { readonly kind: "superseded"; readonly message: string };

export interface LoadWorkflowRequest {
  readonly runId: string;
  /** The hash of the calling plan. */
  readonly caller: string;
  readonly uses: string;
}
export type LoadedWorkflow = { readonly kind: "loaded"; readonly plan: string } | { readonly kind: "refused"; readonly message: string };
