// What the orchestrators call, by name of the call: each with what stands in history.

import type { CancelledStep, EvaluatedOutputs, OpenedJob, PreparedStep } from "../../../model/host-port.ts";
import type { Activity } from "../../../runtime/context.ts";
import type {
  GroupAnswer,
  GroupRequest,
  JobInput,
  LoadedWorkflow,
  LoadWorkflowRequest,
  OutputsRequest,
  PrepareRequest,
  RanStep,
  RunRequest,
  StepRequest,
} from "../records.ts";

export interface RunActivities {
  readonly openJob: Activity<JobInput, OpenedJob>;
  readonly prepareStep: Activity<PrepareRequest, PreparedStep>;
  readonly runStep: Activity<RunRequest, RanStep>;
  readonly cancelStep: Activity<StepRequest, CancelledStep>;
  readonly reevaluateStep: Activity<StepRequest, { readonly holds: boolean }>;
  readonly evaluateOutputs: Activity<OutputsRequest, EvaluatedOutputs>;
  readonly closeJob: Activity<object, object>;
  readonly acquireGroup: Activity<GroupRequest, GroupAnswer>;
  readonly releaseGroup: Activity<GroupRequest, object>;
  readonly loadWorkflow: Activity<LoadWorkflowRequest, LoadedWorkflow>;
}
