// The event that records an action in history. The replay check compares these with what the code asks for.

import type { Action, CompleteOrchestration, CreateSubOrchestration, TerminateOrchestration } from "../model/actions.ts";
import type { HistoryEvent } from "../model/events.ts";
import { asInstanceId, type InstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import { recordedMessage } from "./entity-message.ts";
import { present } from "./present.ts";

/** Actions that leave an event in the history of the instance that asks; a sent terminate leaves none, an end has its own. */
export type EchoedAction = Exclude<Action, TerminateOrchestration | CompleteOrchestration>;

export const isEchoed = (action: Action): action is EchoedAction =>
  action.kind !== "TerminateOrchestration" && action.kind !== "CompleteOrchestration";

/** A child without an id of its own is named by the execution that asks for it. */
export const childIdOf = ({ executionId }: InstanceRow, { instanceId, id }: CreateSubOrchestration): InstanceId =>
  instanceId ?? asInstanceId(`${executionId}:${id}`);

export function echoOf(row: InstanceRow, action: EchoedAction, timestamp: number): HistoryEvent {
  const eventId = action.id;
  switch (action.kind) {
    case "ScheduleTask": {
      const { name, version, input, tags, options, traceContext } = action;
      return { kind: "TaskScheduled", eventId, timestamp, name, ...present({ version, input, tags, options, traceContext }) };
    }
    case "CreateSubOrchestration": {
      const { name, version, input, tags, traceContext } = action;
      const instanceId = childIdOf(row, action);
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
    case "SendEntityMessage":
      return recordedMessage(row, action.message, eventId, timestamp);
    default:
      return action satisfies never;
  }
}
