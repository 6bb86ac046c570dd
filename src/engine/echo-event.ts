import type { EntityMessage, HistoryEvent } from "../model/events.ts";

/** The events that record what an execution asked for, under the id of the action. */
export type EchoEvent =
  | Extract<HistoryEvent, { kind: "TaskScheduled" | "SubOrchestrationInstanceCreated" | "TimerCreated" | "EventSent" | "GenericEvent" }>
  | EntityMessage;

export function isEcho(event: HistoryEvent): event is EchoEvent {
  switch (event.kind) {
    case "TaskScheduled":
    case "SubOrchestrationInstanceCreated":
    case "TimerCreated":
    case "EventSent":
    case "GenericEvent":
    case "EntityOperationSignaled":
    case "EntityOperationCalled":
    case "EntityLockRequested":
    case "EntityUnlockSent":
      return true;
    default:
      return false;
  }
}
