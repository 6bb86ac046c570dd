// Compares what history recorded with what the code asks for at the same place. A difference stalls the instance and
// shows both sides: code was changed under a running execution, or it is not deterministic.

import type { EchoEvent } from "../engine/echo-event.ts";
import type { Action } from "../model/actions.ts";
import { canonicalEntityId } from "../model/entity.ts";
import type { EntityMessage } from "../model/events.ts";

/** Undefined if they agree. Inputs may differ (a fixed typo in a message is no other decision); names and targets may not. */
export function mismatch(recorded: EchoEvent, asked: Action | undefined, position: number): string | undefined {
  if (asked !== undefined && agree(recorded, asked)) return undefined;
  const wanted = asked === undefined ? "nothing" : describeAction(asked);
  return `Replay mismatch at event ${position}: history has ${describeEvent(recorded)}, the code asks for ${wanted}. Bring back the code that made this history, or put the change behind ctx.patched(id).`;
}

export function surplus(asked: Action, position: number): string {
  return `Replay mismatch at event ${position}: the turn in history has ended, the code asks for ${describeAction(asked)} as well. Bring back the code that made this history, or put the change behind ctx.patched(id).`;
}

function agree(event: EchoEvent, action: Action): boolean {
  if (event.eventId !== action.id) return false;
  switch (event.kind) {
    case "TaskScheduled":
      return action.kind === "ScheduleTask" && action.name === event.name;
    case "SubOrchestrationInstanceCreated":
      return action.kind === "CreateSubOrchestration" && action.name === event.name && action.instanceId === event.instanceId;
    case "TimerCreated":
      return action.kind === "CreateTimer";
    case "EventSent":
      return action.kind === "SendEvent" && action.name === event.name && action.instanceId === event.instanceId;
    case "GenericEvent":
      return action.kind === "RecordMarker" && action.data === event.data;
    case "EntityOperationSignaled":
    case "EntityOperationCalled":
    case "EntityLockRequested":
    case "EntityUnlockSent":
      return action.kind === "SendEntityMessage" && sameMessage(event, action.message);
    default:
      return event satisfies never;
  }
}

/** Requests are found again by their ids, so those have to agree too; who asks and when is the engine's to say. */
function sameMessage(recorded: EntityMessage, asked: EntityMessage): boolean {
  switch (recorded.kind) {
    case "EntityOperationSignaled":
    case "EntityOperationCalled":
      return (
        recorded.kind === asked.kind &&
        recorded.operation === asked.operation &&
        recorded.requestId === asked.requestId &&
        recorded.targetInstanceId === canonicalEntityId(asked.targetInstanceId)
      );
    case "EntityLockRequested":
      return (
        recorded.kind === asked.kind &&
        recorded.criticalSectionId === asked.criticalSectionId &&
        recorded.lockSet.length === asked.lockSet.length &&
        recorded.lockSet.every((id, index) => id === asked.lockSet[index])
      );
    case "EntityUnlockSent":
      return (
        recorded.kind === asked.kind &&
        recorded.criticalSectionId === asked.criticalSectionId &&
        recorded.targetInstanceId === canonicalEntityId(asked.targetInstanceId)
      );
    default:
      return recorded satisfies never;
  }
}

function describeMessage(message: EntityMessage): string {
  switch (message.kind) {
    case "EntityOperationSignaled":
      return `signal ${JSON.stringify(message.operation)} to ${JSON.stringify(message.targetInstanceId)}`;
    case "EntityOperationCalled":
      return `call ${JSON.stringify(message.operation)} of ${JSON.stringify(message.targetInstanceId)}`;
    case "EntityLockRequested":
      return `locks of ${message.lockSet.map((id) => JSON.stringify(id)).join(", ")}`;
    case "EntityUnlockSent":
      return `unlock of ${JSON.stringify(message.targetInstanceId)}`;
    default:
      return message satisfies never;
  }
}

function describeEvent(event: EchoEvent): string {
  const id = `#${event.eventId}`;
  switch (event.kind) {
    case "TaskScheduled":
      return `activity ${JSON.stringify(event.name)} ${id}`;
    case "SubOrchestrationInstanceCreated":
      return `child ${JSON.stringify(event.name)} (${JSON.stringify(event.instanceId)}) ${id}`;
    case "TimerCreated":
      return `a timer ${id}`;
    case "EventSent":
      return `event ${JSON.stringify(event.name)} to ${JSON.stringify(event.instanceId)} ${id}`;
    case "GenericEvent":
      return `marker ${event.data ?? ""} ${id}`;
    case "EntityOperationSignaled":
    case "EntityOperationCalled":
    case "EntityLockRequested":
    case "EntityUnlockSent":
      return `${describeMessage(event)} ${id}`;
    default:
      return event satisfies never;
  }
}

function describeAction(action: Action): string {
  const id = `#${action.id}`;
  switch (action.kind) {
    case "ScheduleTask":
      return `activity ${JSON.stringify(action.name)} ${id}`;
    case "CreateSubOrchestration":
      return `child ${JSON.stringify(action.name)} (${JSON.stringify(action.instanceId)}) ${id}`;
    case "CreateTimer":
      return `a timer ${id}`;
    case "SendEvent":
      return `event ${JSON.stringify(action.name)} to ${JSON.stringify(action.instanceId)} ${id}`;
    case "RecordMarker":
      return `marker ${action.data} ${id}`;
    case "SendEntityMessage":
      return `${describeMessage(action.message)} ${id}`;
    case "TerminateOrchestration":
      return `the end of ${JSON.stringify(action.instanceId)} ${id}`;
    case "CompleteOrchestration":
      return `its own end (${action.status}) ${id}`;
    default:
      return action satisfies never;
  }
}
