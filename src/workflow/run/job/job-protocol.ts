// What goes into the job's machine, what it asks for, and what it tells. Events and commands are history; facts are
// derived from it, by the live run and by whoever reads the history later, through the same machine.

import type { Failure } from "../../../model/failure.ts";
import type {
  AttemptLog,
  CancelledStep,
  EvaluatedOutputs,
  OpenedJob,
  PostStep,
  PreparedStep,
  RegisteredPre,
  StepConclusion,
  StepResult,
} from "../../../model/host-port.ts";
import type { CancelNotice, JobOutcome, OutputsRequest, PrepareRequest, RanStep, RunRequest } from "../records.ts";

export type JobTimer = "timeout" | "grace";

export type JobEvent =
  | ({ readonly kind: "Opened"; readonly failure?: Failure } & OpenedJob)
  | { readonly kind: "StepPrepared"; readonly step: string; readonly prepared: PreparedStep }
  | { readonly kind: "StepRan"; readonly step: string; readonly ran: RanStep }
  /** The activity itself failed: no word of the step. */
  | { readonly kind: "StepBroke"; readonly step: string; readonly failure: Failure }
  | { readonly kind: "StepCancelled"; readonly step: string; readonly survivors: CancelledStep["survivors"] }
  | { readonly kind: "StepReevaluated"; readonly step: string; readonly holds: boolean }
  | { readonly kind: "CancelRequested"; readonly notice: CancelNotice }
  | { readonly kind: "TimerFired"; readonly timer: JobTimer; readonly lateMs: number }
  | { readonly kind: "OutputsEvaluated"; readonly evaluated: EvaluatedOutputs; readonly failure?: Failure }
  | { readonly kind: "Closed" };

export type JobCommand =
  | { readonly kind: "OpenJob" }
  | { readonly kind: "PrepareStep"; readonly request: PrepareRequest }
  | { readonly kind: "RunStep"; readonly request: RunRequest }
  | { readonly kind: "CancelStep"; readonly step: string }
  | { readonly kind: "ReevaluateStep"; readonly step: string }
  | { readonly kind: "EvaluateOutputs"; readonly request: OutputsRequest }
  | { readonly kind: "CloseJob" }
  | { readonly kind: "ArmTimer"; readonly timer: JobTimer; readonly ms: number }
  | { readonly kind: "StartOver" }
  | { readonly kind: "Complete"; readonly outcome: JobOutcome };

export type JobFact =
  | { readonly kind: "SetUpStarted" }
  | { readonly kind: "SetUpFinished"; readonly message?: string }
  | { readonly kind: "StepReached"; readonly step: string }
  | { readonly kind: "StepQueued"; readonly step: string; readonly name: string }
  | { readonly kind: "StepStarted"; readonly step: string; readonly name: string }
  | {
      readonly kind: "StepFinished";
      readonly step: string;
      readonly name: string;
      readonly outcome: StepConclusion;
      readonly conclusion: StepConclusion;
      readonly message?: string;
      /** Absent where nothing ran. */
      readonly result?: StepResult;
      readonly attempt?: number;
      /** Of an attempt that was interrupted: what it had written. */
      readonly log?: AttemptLog;
    }
  | { readonly kind: "StepFlushed"; readonly step: string; readonly by: string }
  /** A line that the engine prints for a control step. */
  | { readonly kind: "StepLog"; readonly step: string; readonly text: string }
  | { readonly kind: "PreAdded"; readonly step: string; readonly pre: RegisteredPre }
  | { readonly kind: "PostAdded"; readonly step: string; readonly post: PostStep }
  | { readonly kind: "Notice"; readonly message: string }
  | { readonly kind: "JobFinished"; readonly outcome: JobOutcome };

export interface Reaction {
  readonly commands: readonly JobCommand[];
  readonly facts: readonly JobFact[];
}
