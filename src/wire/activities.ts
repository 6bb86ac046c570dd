import { type ActionId, asExecutionId, asInstanceId } from "../model/ids.ts";
import { present } from "../model/present.ts";
import type { ActivityItem, Completion, CompletionToken } from "../model/work-item.ts";
import { failureFromWire, failureToWire } from "./failures.ts";
import type { ActivityRequest, ActivityResponse } from "./generated/durable_task_pb.ts";
import { tagsToWire, taskTagsFromWire, taskTagsToWire } from "./tags.ts";
import { traceFromWire, traceToWire } from "./trace-contexts.ts";

export type ActivityOutcome = Extract<Completion, { readonly sort: "activity" }>["outcome"];

/** An activity as a worker receives it. Other servers do not say which attempt it is: it reads as the first. */
export interface ReceivedActivity extends Omit<ActivityItem, "activity"> {
  readonly activity: Omit<ActivityItem["activity"], "scheduledAt" | "inFlight">;
  /** The id of the first attempt, where the orchestrator itself tries again. */
  readonly retryOf?: ActionId;
}

/** `toOurs`: our own worker is told the options and the attempt too, in reserved tags. */
export function activityToWire({ instanceId, executionId, activity, attempt }: ActivityItem, toOurs: boolean): ActivityRequest {
  const { name, version, input, tags, traceContext } = activity;
  return {
    $typeName: "ActivityRequest",
    name,
    version,
    input,
    orchestrationInstance: { $typeName: "OrchestrationInstance", instanceId, executionId },
    taskId: activity.actionId,
    parentTraceContext: traceToWire(traceContext),
    tags: toOurs ? taskTagsToWire({ ...activity, attempt }) : tagsToWire(tags),
  };
}

export function activityFromWire(token: CompletionToken, wire: ActivityRequest): ReceivedActivity {
  const { name, version, input, orchestrationInstance, taskId, parentTraceContext } = wire;
  const { tags, options, attempt = 1, retryOf } = taskTagsFromWire(wire.tags);
  return {
    sort: "activity",
    token,
    instanceId: asInstanceId(orchestrationInstance?.instanceId ?? ""),
    executionId: asExecutionId(orchestrationInstance?.executionId ?? ""),
    activity: {
      actionId: taskId,
      name,
      ...present({ version, input, tags, options, traceContext: traceFromWire(parentTraceContext) }),
    },
    attempt,
    ...present({ retryOf }),
  };
}

export function outcomeToWire(
  item: Pick<ReceivedActivity, "token" | "instanceId" | "activity">,
  outcome: ActivityOutcome,
): ActivityResponse {
  return {
    $typeName: "ActivityResponse",
    instanceId: item.instanceId,
    taskId: item.activity.actionId,
    result: outcome.kind === "completed" ? outcome.result : undefined,
    failureDetails: outcome.kind === "failed" ? failureToWire(outcome.failure) : undefined,
    completionToken: item.token,
  };
}

export function outcomeFromWire({ result, failureDetails }: ActivityResponse): ActivityOutcome {
  return failureDetails === undefined ? { kind: "completed", result } : { kind: "failed", failure: failureFromWire(failureDetails) };
}
