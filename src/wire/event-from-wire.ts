// History events from messages. Only what has no meaning at all is refused here; names, ids and states are judged by the
// engine. Three kinds of event say nothing to whoever reads a history and are left out.

import { SignalboxError } from "../model/errors.ts";
import type { ExecutionStarted, HistoryEvent, ParentInfo } from "../model/events.ts";
import { asExecutionId, asInstanceId } from "../model/ids.ts";
import { present } from "../model/present.ts";
import { entityMessageFromWire } from "./entity-messages.ts";
import { failureFromWire } from "./failures.ts";
import type { ExecutionStartedEvent, ParentInstanceInfo, HistoryEvent as WireEvent } from "./generated/durable_task_pb.ts";
import { isMarker } from "./markers.ts";
import { endStatusFromWire } from "./statuses.ts";
import { tagsFromWire, taskTagsFromWire } from "./tags.ts";
import { notBeforeFromWire, optionalTimestampFromWire } from "./timestamps.ts";
import { traceFromWire } from "./trace-contexts.ts";

export function eventsFromWire(events: readonly WireEvent[]): HistoryEvent[] {
  return events.map(eventFromWire).filter((event) => event !== undefined);
}

/** Undefined: an event that is of no use to a reader. */
export function eventFromWire({ eventId, timestamp, eventType }: WireEvent): HistoryEvent | undefined {
  const head = { eventId, timestamp: optionalTimestampFromWire(timestamp) ?? 0 };
  switch (eventType.case) {
    case "orchestratorStarted":
      return { kind: "OrchestratorStarted", ...head };
    case "executionStarted":
      return executionStartedFromWire(eventType.value, head);
    case "executionCompleted": {
      const { orchestrationStatus, result, failureDetails } = eventType.value;
      const failure = failureDetails === undefined ? undefined : failureFromWire(failureDetails);
      return { kind: "ExecutionCompleted", ...head, status: endStatusFromWire(orchestrationStatus), ...present({ result, failure }) };
    }
    case "executionTerminated": {
      const { input, recurse } = eventType.value;
      return { kind: "ExecutionTerminated", ...head, ...present({ input }), recurse };
    }
    case "executionSuspended":
      return { kind: "ExecutionSuspended", ...head, ...present({ reason: eventType.value.input }) };
    case "executionResumed":
      return { kind: "ExecutionResumed", ...head, ...present({ reason: eventType.value.input }) };
    case "taskScheduled": {
      const { name, version, input, tags, parentTraceContext } = eventType.value;
      const traceContext = traceFromWire(parentTraceContext);
      const { tags: own, options } = taskTagsFromWire(tags);
      return { kind: "TaskScheduled", ...head, name, ...present({ version, input, tags: own, options, traceContext }) };
    }
    case "taskCompleted": {
      const { taskScheduledId, result } = eventType.value;
      return { kind: "TaskCompleted", ...head, taskScheduledId, ...present({ result }) };
    }
    case "taskFailed": {
      const { taskScheduledId, failureDetails } = eventType.value;
      return { kind: "TaskFailed", ...head, taskScheduledId, failure: failureFromWire(failureDetails) };
    }
    case "subOrchestrationInstanceCreated": {
      const { instanceId, name, version, input, tags, parentTraceContext } = eventType.value;
      const optional = present({ version, input, tags: tagsFromWire(tags), traceContext: traceFromWire(parentTraceContext) });
      return { kind: "SubOrchestrationInstanceCreated", ...head, instanceId: asInstanceId(instanceId), name, ...optional };
    }
    case "subOrchestrationInstanceCompleted": {
      const { taskScheduledId, result } = eventType.value;
      return { kind: "SubOrchestrationInstanceCompleted", ...head, taskScheduledId, ...present({ result }) };
    }
    case "subOrchestrationInstanceFailed": {
      const { taskScheduledId, failureDetails } = eventType.value;
      return { kind: "SubOrchestrationInstanceFailed", ...head, taskScheduledId, failure: failureFromWire(failureDetails) };
    }
    case "timerCreated":
      return { kind: "TimerCreated", ...head, fireAt: optionalTimestampFromWire(eventType.value.fireAt) ?? 0 };
    case "timerFired": {
      const { timerId, fireAt } = eventType.value;
      return { kind: "TimerFired", ...head, timerId, fireAt: optionalTimestampFromWire(fireAt) ?? 0 };
    }
    case "eventSent": {
      const { instanceId, name, input } = eventType.value;
      if (isMarker(instanceId, name)) return { kind: "GenericEvent", ...head, ...present({ data: input }) };
      return { kind: "EventSent", ...head, instanceId: asInstanceId(instanceId), name, ...present({ input }) };
    }
    case "eventRaised": {
      const { name, input } = eventType.value;
      return { kind: "EventRaised", ...head, name, ...present({ input }) };
    }
    case "genericEvent":
      return { kind: "GenericEvent", ...head, ...present({ data: eventType.value.data }) };
    case "executionRewound":
      return { kind: "ExecutionRewound", ...head, ...present({ reason: eventType.value.reason }) };
    case "entityOperationSignaled":
    case "entityOperationCalled":
    case "entityLockRequested":
    case "entityUnlockSent":
      return entityMessageFromWire(eventType, head);
    case "entityOperationCompleted": {
      const { requestId, output } = eventType.value;
      return { kind: "EntityOperationCompleted", ...head, requestId, ...present({ output }) };
    }
    case "entityOperationFailed": {
      const { requestId, failureDetails } = eventType.value;
      return { kind: "EntityOperationFailed", ...head, requestId, failure: failureFromWire(failureDetails) };
    }
    case "entityLockGranted":
      return { kind: "EntityLockGranted", ...head, criticalSectionId: eventType.value.criticalSectionId };
    case "orchestratorCompleted":
    case "historyState":
    case "continueAsNew":
      return undefined;
    case undefined:
      throw new SignalboxError("INVALID_ARGUMENT", `The history event ${eventId} has no type that this version knows.`);
    default:
      return eventType satisfies never;
  }
}

function executionStartedFromWire(event: ExecutionStartedEvent, head: { eventId: number; timestamp: number }): ExecutionStarted {
  const { name, version, input, orchestrationInstance, parentInstance, scheduledStartTimestamp, parentTraceContext, tags } = event;
  return {
    kind: "ExecutionStarted",
    ...head,
    name,
    instanceId: asInstanceId(orchestrationInstance?.instanceId ?? ""),
    executionId: asExecutionId(orchestrationInstance?.executionId ?? ""),
    ...present({
      version,
      input,
      parent: parentInstance === undefined ? undefined : parentFromWire(parentInstance),
      scheduledStartAt: notBeforeFromWire(scheduledStartTimestamp),
      tags: tagsFromWire(tags),
      traceContext: traceFromWire(parentTraceContext),
    }),
  };
}

function parentFromWire({ taskScheduledId, name, version, orchestrationInstance }: ParentInstanceInfo): ParentInfo {
  return {
    instanceId: asInstanceId(orchestrationInstance?.instanceId ?? ""),
    executionId: asExecutionId(orchestrationInstance?.executionId ?? ""),
    name: name ?? "",
    actionId: taskScheduledId,
    ...present({ version }),
  };
}
