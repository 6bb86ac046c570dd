// What an orchestrator asks for, as messages. Trace, tags and versions are carried through; the options of our activities travel
// in a reserved tag (tags.ts), markers as a reserved event (markers.ts).

import type { Action, CompleteOrchestration } from "../model/actions.ts";
import { SignalboxError } from "../model/errors.ts";
import { asInstanceId } from "../model/ids.ts";
import { present } from "../model/present.ts";
import { entityMessageFromWire, entityMessageToWire } from "./entity-messages.ts";
import { eventsFromWire } from "./event-from-wire.ts";
import { eventToWire } from "./event-to-wire.ts";
import { failureFromWire, failureToWire } from "./failures.ts";
import type { CompleteOrchestrationAction, OrchestratorAction } from "./generated/durable_task_pb.ts";
import { isMarker, MARKER_EVENT } from "./markers.ts";
import { endStatusFromWire, statusToWire } from "./statuses.ts";
import { tagsFromWire, tagsToWire, taskTagsFromWire, taskTagsToWire } from "./tags.ts";
import { optionalTimestampFromWire, timestampToWire } from "./timestamps.ts";
import { traceFromWire, traceToWire } from "./trace-contexts.ts";

type WireAction = OrchestratorAction["orchestratorActionType"];

export function actionToWire(action: Action): OrchestratorAction {
  return { $typeName: "OrchestratorAction", id: action.id, orchestratorActionType: actionTypeOf(action) };
}

function actionTypeOf(action: Action): WireAction {
  switch (action.kind) {
    case "ScheduleTask": {
      const { name, version, input, traceContext } = action;
      const parentTraceContext = traceToWire(traceContext);
      return {
        case: "scheduleTask",
        value: { $typeName: "ScheduleTaskAction", name, version, input, parentTraceContext, tags: taskTagsToWire(action) },
      };
    }
    case "CreateSubOrchestration": {
      const { instanceId = "", name, version, input, tags, traceContext } = action;
      const optional = { version, input, tags: tagsToWire(tags), parentTraceContext: traceToWire(traceContext) };
      return {
        case: "createSubOrchestration",
        value: { $typeName: "CreateSubOrchestrationAction", instanceId, name, ...optional },
      };
    }
    case "CreateTimer":
      return { case: "createTimer", value: { $typeName: "CreateTimerAction", fireAt: timestampToWire(action.fireAt) } };
    case "SendEvent":
      return sendEvent(action.instanceId, action.name, action.input);
    case "RecordMarker":
      return sendEvent(MARKER_EVENT.instanceId, MARKER_EVENT.name, action.data);
    case "TerminateOrchestration": {
      const { instanceId, reason, recurse } = action;
      return { case: "terminateOrchestration", value: { $typeName: "TerminateOrchestrationAction", instanceId, reason, recurse } };
    }
    case "CompleteOrchestration":
      return { case: "completeOrchestration", value: completeToWire(action) };
    case "SendEntityMessage":
      return {
        case: "sendEntityMessage",
        value: { $typeName: "SendEntityMessageAction", EntityMessageType: entityMessageToWire(action.message) },
      };
    default:
      return action satisfies never;
  }
}

function sendEvent(instanceId: string, name: string, data: string | undefined): WireAction {
  return {
    case: "sendEvent",
    value: { $typeName: "SendEventAction", instance: { $typeName: "OrchestrationInstance", instanceId }, name, data },
  };
}

function completeToWire(action: CompleteOrchestration): CompleteOrchestrationAction {
  return {
    $typeName: "CompleteOrchestrationAction",
    orchestrationStatus: statusToWire(action.status),
    result: action.result,
    newVersion: action.newVersion,
    carryoverEvents: (action.carryoverEvents ?? []).map(eventToWire),
    failureDetails: action.failure === undefined ? undefined : failureToWire(action.failure),
    tags: tagsToWire(action.tags),
  };
}

export function actionFromWire({ id, orchestratorActionType: action }: OrchestratorAction): Action {
  switch (action.case) {
    case "scheduleTask": {
      const { name, version, input, tags, parentTraceContext } = action.value;
      const traceContext = traceFromWire(parentTraceContext);
      const { tags: own, options } = taskTagsFromWire(tags);
      return { kind: "ScheduleTask", id, name, ...present({ version, input, tags: own, options, traceContext }) };
    }
    case "createSubOrchestration": {
      const { instanceId, name, version, input, tags, parentTraceContext } = action.value;
      const given = instanceId === "" ? undefined : asInstanceId(instanceId);
      const optional = { version, input, tags: tagsFromWire(tags), traceContext: traceFromWire(parentTraceContext) };
      return { kind: "CreateSubOrchestration", id, name, ...present({ instanceId: given, ...optional }) };
    }
    case "createTimer": {
      const fireAt = optionalTimestampFromWire(action.value.fireAt);
      if (fireAt === undefined) throw nonsense(id, "creates a timer without saying when it fires");
      return { kind: "CreateTimer", id, fireAt };
    }
    case "sendEvent": {
      const { instance, name, data } = action.value;
      if (isMarker(instance?.instanceId, name)) return { kind: "RecordMarker", id, data: data ?? "" };
      if (instance === undefined) throw nonsense(id, "sends an event to no instance");
      return { kind: "SendEvent", id, instanceId: asInstanceId(instance.instanceId), name, ...present({ input: data }) };
    }
    case "terminateOrchestration": {
      const { instanceId, reason, recurse } = action.value;
      return { kind: "TerminateOrchestration", id, instanceId: asInstanceId(instanceId), ...present({ reason }), recurse };
    }
    case "completeOrchestration":
      return completeFromWire(id, action.value);
    case "sendEntityMessage": {
      const { EntityMessageType: message } = action.value;
      if (message.case === undefined) throw nonsense(id, "sends an entity a message of no kind");
      return { kind: "SendEntityMessage", id, message: entityMessageFromWire(message, { eventId: id, timestamp: 0 }) };
    }
    case "rewindOrchestration":
      throw nonsense(id, "rewinds the orchestration, which the server does itself and never asks for");
    case undefined:
      throw nonsense(id, "is of no kind that this version knows");
    default:
      return action satisfies never;
  }
}

function completeFromWire(id: number, action: CompleteOrchestrationAction): CompleteOrchestration {
  const { orchestrationStatus, result, details, newVersion, carryoverEvents, failureDetails, tags } = action;
  const status = endStatusFromWire(orchestrationStatus);
  if (status === "Canceled") throw nonsense(id, "completes the orchestration with the status Canceled, which none ends with");
  // SDKs from before failure details said in `details` what was wrong.
  const failure =
    failureDetails !== undefined
      ? failureFromWire(failureDetails)
      : status === "Failed"
        ? { type: "OrchestrationFailed", message: details ?? result ?? "It failed without any details." }
        : undefined;
  const carried = carryoverEvents.length === 0 ? undefined : eventsFromWire(carryoverEvents);
  const optional = { result, failure, newVersion, carryoverEvents: carried, tags: tagsFromWire(tags) };
  return { kind: "CompleteOrchestration", id, status, ...present(optional) };
}

function nonsense(id: number, what: string): SignalboxError {
  return new SignalboxError("INVALID_ARGUMENT", `The action ${id} ${what}.`);
}
