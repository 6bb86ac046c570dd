// The event that records an action in history. The replay check compares these with what the code asks for.

import type { Action, CompleteOrchestration, TerminateOrchestration } from "../model/actions.ts";
import type { HistoryEvent } from "../model/events.ts";
import type { InstanceId } from "../model/ids.ts";
import { present } from "./present.ts";

/** Actions that leave an event in the history of the instance that asks; a sent terminate leaves none, an end has its own. */
export type EchoedAction = Exclude<Action, TerminateOrchestration | CompleteOrchestration>;

export function echoOf(action: EchoedAction, timestamp: number, childId: (id: number) => InstanceId): HistoryEvent {
  const eventId = action.id;
  switch (action.kind) {
    case "ScheduleTask": {
      const { name, version, input, tags, options, traceContext } = action;
      return { kind: "TaskScheduled", eventId, timestamp, name, ...present({ version, input, tags, options, traceContext }) };
    }
    case "CreateSubOrchestration": {
      const { name, version, input, tags, traceContext } = action;
      const instanceId = action.instanceId ?? childId(action.id);
      return {
        kind: "SubOrchestrationInstanceCreated",
        eventId,
        timestamp,
        instanceId,
        name,
        ...present({ version, input, tags, traceContext }),
      };
    }
    case "CreateTimer":
      return { kind: "TimerCreated", eventId, timestamp, fireAt: action.fireAt };
    case "SendEvent":
      return {
        kind: "EventSent",
        eventId,
        timestamp,
        instanceId: action.instanceId,
        name: action.name,
        ...present({ input: action.input }),
      };
    case "RecordMarker":
      return { kind: "GenericEvent", eventId, timestamp, data: action.data };
    default:
      return action satisfies never;
  }
}
