// History events as messages. Messages are plain objects with a type name; every field is written out, so that the compiler
// sees one that was forgotten.

import type { ExecutionStarted, HistoryEvent, ParentInfo } from "../model/events.ts";
import { entityMessageToWire } from "./entity-messages.ts";
import { failureToWire } from "./failures.ts";
import type { ExecutionStartedEvent, ParentInstanceInfo, HistoryEvent as WireEvent } from "./generated/durable_task_pb.ts";
import { statusToWire } from "./statuses.ts";
import { tagsToWire, taskTagsToWire } from "./tags.ts";
import { optionalTimestampToWire, timestampToWire } from "./timestamps.ts";
import { traceToWire } from "./trace-contexts.ts";

export function eventToWire(event: HistoryEvent): WireEvent {
  return {
    $typeName: "HistoryEvent",
    eventId: event.eventId,
    timestamp: timestampToWire(event.timestamp),
    eventType: eventTypeOf(event),
  };
}

function eventTypeOf(event: HistoryEvent): WireEvent["eventType"] {
  switch (event.kind) {
    case "OrchestratorStarted":
      return { case: "orchestratorStarted", value: { $typeName: "OrchestratorStartedEvent" } };
    case "ExecutionStarted":
      return { case: "executionStarted", value: executionStartedToWire(event) };
    case "ExecutionCompleted":
      return {
        case: "executionCompleted",
        value: {
          $typeName: "ExecutionCompletedEvent",
          orchestrationStatus: statusToWire(event.status),
          result: event.result,
          failureDetails: event.failure === undefined ? undefined : failureToWire(event.failure),
        },
      };
    case "ExecutionTerminated":
      return { case: "executionTerminated", value: { $typeName: "ExecutionTerminatedEvent", input: event.input, recurse: event.recurse } };
    case "ExecutionSuspended":
      return { case: "executionSuspended", value: { $typeName: "ExecutionSuspendedEvent", input: event.reason } };
    case "ExecutionResumed":
      return { case: "executionResumed", value: { $typeName: "ExecutionResumedEvent", input: event.reason } };
    case "TaskScheduled":
      return {
        case: "taskScheduled",
        value: {
          $typeName: "TaskScheduledEvent",
          name: event.name,
          version: event.version,
          input: event.input,
          parentTraceContext: traceToWire(event.traceContext),
          tags: taskTagsToWire(event),
        },
      };
    case "TaskCompleted":
      return {
        case: "taskCompleted",
        value: { $typeName: "TaskCompletedEvent", taskScheduledId: event.taskScheduledId, result: event.result },
      };
    case "TaskFailed":
      return {
        case: "taskFailed",
        value: {
          $typeName: "TaskFailedEvent",
          taskScheduledId: event.taskScheduledId,
          failureDetails: failureToWire(event.failure),
        },
      };
    case "SubOrchestrationInstanceCreated":
      return {
        case: "subOrchestrationInstanceCreated",
        value: {
          $typeName: "SubOrchestrationInstanceCreatedEvent",
          instanceId: event.instanceId,
          name: event.name,
          version: event.version,
          input: event.input,
          parentTraceContext: traceToWire(event.traceContext),
          tags: tagsToWire(event.tags),
        },
      };
    case "SubOrchestrationInstanceCompleted":
      return {
        case: "subOrchestrationInstanceCompleted",
        value: {
          $typeName: "SubOrchestrationInstanceCompletedEvent",
          taskScheduledId: event.taskScheduledId,
          result: event.result,
        },
      };
    case "SubOrchestrationInstanceFailed":
      return {
        case: "subOrchestrationInstanceFailed",
        value: {
          $typeName: "SubOrchestrationInstanceFailedEvent",
          taskScheduledId: event.taskScheduledId,
          failureDetails: failureToWire(event.failure),
        },
      };
    case "TimerCreated":
      return { case: "timerCreated", value: { $typeName: "TimerCreatedEvent", fireAt: timestampToWire(event.fireAt) } };
    case "TimerFired":
      return {
        case: "timerFired",
        value: { $typeName: "TimerFiredEvent", fireAt: timestampToWire(event.fireAt), timerId: event.timerId },
      };
    case "EventSent":
      return {
        case: "eventSent",
        value: { $typeName: "EventSentEvent", instanceId: event.instanceId, name: event.name, input: event.input },
      };
    case "EventRaised":
      return { case: "eventRaised", value: { $typeName: "EventRaisedEvent", name: event.name, input: event.input } };
    case "GenericEvent":
      return { case: "genericEvent", value: { $typeName: "GenericEvent", data: event.data } };
    case "ExecutionRewound":
      return {
        case: "executionRewound",
        value: { $typeName: "ExecutionRewoundEvent", reason: event.reason, tags: {} },
      };
    case "EntityOperationSignaled":
    case "EntityOperationCalled":
    case "EntityLockRequested":
    case "EntityUnlockSent":
      return entityMessageToWire(event);
    case "EntityOperationCompleted":
      return {
        case: "entityOperationCompleted",
        value: { $typeName: "EntityOperationCompletedEvent", requestId: event.requestId, output: event.output },
      };
    case "EntityOperationFailed":
      return {
        case: "entityOperationFailed",
        value: {
          $typeName: "EntityOperationFailedEvent",
          requestId: event.requestId,
          failureDetails: failureToWire(event.failure),
        },
      };
    case "EntityLockGranted":
      return {
        case: "entityLockGranted",
        value: { $typeName: "EntityLockGrantedEvent", criticalSectionId: event.criticalSectionId },
      };
    default:
      return event satisfies never;
  }
}

function executionStartedToWire(event: ExecutionStarted): ExecutionStartedEvent {
  return {
    $typeName: "ExecutionStartedEvent",
    name: event.name,
    version: event.version,
    input: event.input,
    orchestrationInstance: {
      $typeName: "OrchestrationInstance",
      instanceId: event.instanceId,
      executionId: event.executionId,
    },
    parentInstance: event.parent === undefined ? undefined : parentToWire(event.parent),
    scheduledStartTimestamp: optionalTimestampToWire(event.scheduledStartAt),
    parentTraceContext: traceToWire(event.traceContext),
    tags: tagsToWire(event.tags),
  };
}

function parentToWire(parent: ParentInfo): ParentInstanceInfo {
  return {
    $typeName: "ParentInstanceInfo",
    taskScheduledId: parent.actionId,
    name: parent.name,
    version: parent.version,
    orchestrationInstance: {
      $typeName: "OrchestrationInstance",
      instanceId: parent.instanceId,
      executionId: parent.executionId,
    },
  };
}
