// What goes into the workflow's machine, what it asks for, and what it tells (see the job's protocol).

import type { Failure } from "../../../model/failure.ts";
import type { JsonValue } from "../../../model/payload.ts";
import type { Conclusion } from "../../../model/run-view.ts";
import type { CancelNotice, GroupAnswer, JobInput, JobOutcome, LoadedWorkflow, WorkflowInput, WorkflowOutcome } from "../records.ts";

/** A group is held by the workflow itself, or by one of its jobs' cells. */
export type GroupOwner = { readonly kind: "workflow" } | { readonly kind: "cell"; readonly key: string };

export interface GroupWish {
  readonly group: string;
  readonly cancelInProgress: boolean;
  readonly queue: "single" | "max";
}

export type WorkflowEvent =
  | { readonly kind: "ChildEnded"; readonly key: string; readonly outcome: JobOutcome | WorkflowOutcome }
  | { readonly kind: "ChildBroke"; readonly key: string; readonly failure: Failure }
  | { readonly kind: "GroupAnswered"; readonly owner: GroupOwner; readonly answer: GroupAnswer }
  | { readonly kind: "WorkflowLoaded"; readonly job: string; readonly loaded: LoadedWorkflow }
  | { readonly kind: "CancelRequested"; readonly notice: CancelNotice }
  | { readonly kind: "GraceFired"; readonly lateMs: number }
  /** From a called workflow to the root, which holds the window of the whole run. */
  | { readonly kind: "SlotAsked"; readonly from: string; readonly key: string }
  | { readonly kind: "SlotReturned" }
  /** From the root. */
  | { readonly kind: "SlotGranted"; readonly key: string };

export type WorkflowCommand =
  | { readonly kind: "StartJob"; readonly key: string; readonly input: JobInput }
  | { readonly kind: "StartCall"; readonly key: string; readonly input: WorkflowInput }
  | { readonly kind: "CancelChild"; readonly key: string; readonly host: string; readonly notice: CancelNotice }
  | { readonly kind: "AcquireGroup"; readonly owner: GroupOwner; readonly host: string | undefined; readonly wish: GroupWish }
  | { readonly kind: "ReleaseGroup"; readonly host: string | undefined; readonly wish: GroupWish }
  | { readonly kind: "LoadWorkflow"; readonly job: string; readonly uses: string }
  | { readonly kind: "AskSlot"; readonly key: string }
  | { readonly kind: "ReturnSlot" }
  | { readonly kind: "GrantSlot"; readonly to: string; readonly key: string }
  | { readonly kind: "ArmGrace"; readonly ms: number }
  | { readonly kind: "Complete"; readonly outcome: WorkflowOutcome };

export interface JobQueued {
  readonly kind: "JobQueued";
  readonly key: string;
  readonly name: string;
  readonly needs: readonly string[];
  /** The key of the job in whose place it stands: of a matrix or a call. */
  readonly within?: string;
  /** Others will stand in its place. */
  readonly isPlaceholder: boolean;
}

export type WorkflowFact =
  | JobQueued
  /** The job's cells or called jobs stand in its place from now on. */
  | { readonly kind: "JobExpanded"; readonly key: string }
  | { readonly kind: "JobWaits"; readonly key: string; readonly message: string }
  | { readonly kind: "JobStarted"; readonly key: string; readonly host: string; readonly child: "job" | "workflow" }
  | {
      readonly kind: "JobFinished";
      readonly key: string;
      readonly conclusion: Conclusion;
      readonly outputs: { readonly [name: string]: JsonValue };
      readonly message?: string;
    }
  | { readonly kind: "Notice"; readonly message: string }
  | { readonly kind: "WorkflowFinished"; readonly outcome: WorkflowOutcome };

export interface WorkflowReaction {
  readonly commands: readonly WorkflowCommand[];
  readonly facts: readonly WorkflowFact[];
}
