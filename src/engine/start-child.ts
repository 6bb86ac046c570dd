import type { CreateSubOrchestration } from "../model/actions.ts";
import type { ExecutionStarted, SubOrchestrationInstanceFailed } from "../model/events.ts";
import type { ExecutionId, InstanceId } from "../model/ids.ts";
import type { InstanceRow, StartPart } from "../model/parts.ts";
import type { OrchestrationStatus } from "../model/status.ts";
import { present } from "./present.ts";

/** The type of the failure that a call gets whose child has the id of a living instance. */
export const INSTANCE_ALREADY_EXISTS = "InstanceAlreadyExists";

/** Statuses in which an id is free for a new instance. */
export const TERMINAL_STATUSES: readonly OrchestrationStatus[] = ["Completed", "Failed", "Canceled", "Terminated"];

/** A child's start: an ended instance of that id is replaced, a living one fails the call, and the parent never hangs. */
export function startOfChild(
  parent: InstanceRow,
  action: Omit<CreateSubOrchestration, "kind">,
  instanceId: InstanceId,
  executionId: ExecutionId,
  time: number,
): StartPart {
  const { name, version, input, tags, traceContext } = action;
  const started: ExecutionStarted = {
    kind: "ExecutionStarted",
    eventId: -1,
    timestamp: time,
    name,
    instanceId,
    executionId,
    parent: {
      instanceId: parent.instanceId,
      executionId: parent.executionId,
      name: parent.name,
      ...present({ version: parent.version }),
      actionId: action.id,
    },
    ...present({ version, input, tags, traceContext }),
  };
  const ifTaken: SubOrchestrationInstanceFailed = {
    kind: "SubOrchestrationInstanceFailed",
    eventId: -1,
    timestamp: time,
    taskScheduledId: action.id,
    failure: {
      type: INSTANCE_ALREADY_EXISTS,
      message: `The child orchestration ${JSON.stringify(name)} was not started: an active instance has the id ${JSON.stringify(instanceId)}. Give the child another id, or wait for that instance to end.`,
      isNonRetriable: true,
    },
  };
  return {
    kind: "start",
    key: { hub: parent.hub, instanceId },
    started,
    createdAt: time,
    replaceable: TERMINAL_STATUSES,
    child: { parentRef: parent.ref, ifTaken },
  };
}
