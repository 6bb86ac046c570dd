// What the orchestrations and activities of a run need from outside. The orchestrators see only what is pure and
// recorded (`RunRecords`, `JobExpressions`); the rest belongs to the activities.

import type { SignalboxError } from "../../model/errors.ts";
import type { HistoryEvent } from "../../model/events.ts";
import type { Host, HostDirectories, JobKey, OpenJob, SecretSource, StepEvent } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { CallInterface, JobPlan, StepsJobPlan, StrategyPlan, WorkflowPlan } from "../../model/plan.ts";
import type { RunInputs } from "../../model/run-view.ts";
import type { TemplateToken } from "../../model/template.ts";
import type { Contexts, GroupAnswer, GroupRequest, LoadedWorkflow } from "./records.ts";
import type { StepLeftovers } from "./step-leftovers.ts";

/** What was recorded before the run started: immutable, and there for as long as the run is. */
export interface RunRecord {
  readonly runId: string;
  /** As `run-name` or the workflow's name says. */
  readonly name: string;
  readonly inputs: RunInputs;
  /** `github` and `vars`. */
  readonly contexts: Contexts;
}

export interface RunRecords {
  /** Throws NOT_FOUND if there is none. */
  run(runId: string): RunRecord;
  /** A recorded plan by the hash of its content. */
  plan(hash: string): WorkflowPlan;
}

export interface ExpressionScope {
  readonly contexts: Contexts;
  readonly status: { readonly success: boolean; readonly failure: boolean; readonly cancelled: boolean };
}

export interface MatrixCell {
  readonly values: { readonly [key: string]: JsonValue };
  /** What stands in brackets after the job's name: `20, linux`. */
  readonly label: string;
}

/** Evaluation of workflow- and job-level keys; pure. Each throws an error for people where the file is at fault. */
export interface JobExpressions {
  condition(expression: string, scope: ExpressionScope): boolean;
  value(token: TemplateToken, scope: ExpressionScope): JsonValue;
  matrix(strategy: StrategyPlan, scope: ExpressionScope): readonly MatrixCell[];
  /** Typed and with defaults, as `inputs` of the called workflow. */
  callInputs(call: CallInterface, given: JsonValue, scope: ExpressionScope): { readonly [name: string]: JsonValue };
  /** Why this machine cannot run the job, in a sentence. */
  unsupported(job: JobPlan, scope: ExpressionScope): string | undefined;
}

/** What a host is told about a job, apart from what the plan and the history say. */
export interface JobOpening {
  readonly directories: HostDirectories;
  /** `job`, `runner`, and what else the session adds; merged over the recorded contexts. */
  readonly contexts: Contexts;
  /** Variables of the base environment that are not recorded in the clear. */
  readonly secretEnvironment?: { readonly [name: string]: string };
  readonly sealKey: string;
  readonly snapshot?: OpenJob["snapshot"];
}

/** Locks between runs. */
export interface Groups {
  /**
   * Settles when the group is the holder's, or when the request is superseded. Repeated for a holder that has it, it
   * answers at once: after a crash the same request comes again.
   */
  acquire(request: GroupRequest, signal: AbortSignal): Promise<GroupAnswer>;
  release(request: GroupRequest): Promise<void>;
  /** Why nothing may be started any more for this run: it lost the fence of a group. */
  lost(runId: string): string | undefined;
}

export interface RunServices {
  readonly host: Host;
  readonly records: RunRecords;
  readonly expressions: JobExpressions;
  readonly groups: Groups;
  readonly leftovers: StepLeftovers;
  /** Records a called workflow and its plan; `uses` as the file has it, relative to the workflow that calls. */
  readonly loadWorkflow: (runId: string, caller: WorkflowPlan, uses: string) => Promise<LoadedWorkflow>;
  readonly openJob: (runId: string, job: JobKey, plan: StepsJobPlan, generation: number) => Promise<JobOpening>;
  /** The run's secrets, from memory. */
  readonly secrets: (runId: string) => readonly SecretSource[];
  /** The committed history of an instance. */
  readonly history: (instanceId: string) => Promise<readonly HistoryEvent[]>;
  /** What happens while a step runs. */
  readonly onStepEvent: (from: StepSource, event: StepEvent) => void;
  /** The machine cannot go on: whoever carries the run out leaves it, interrupted. */
  readonly onFault: (fault: SignalboxError) => void;
}

export interface StepSource {
  readonly runId: string;
  /** The job's instance. */
  readonly instanceId: string;
  readonly job: JobKey;
  readonly step: string;
  readonly attempt: number;
}
