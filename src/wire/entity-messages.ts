// Messages to entities, as they stand in histories, inboxes and actions. The wire has no field for the trace context of a
// signal, nor for the execution that asks for locks: whoever records such a message knows its execution.

import type {
  EntityLockRequested,
  EntityMessage,
  EntityOperationCalled,
  EntityOperationSignaled,
  EntityUnlockSent,
} from "../model/events.ts";
import { asExecutionId, asInstanceId } from "../model/ids.ts";
import { present } from "../model/present.ts";
import type {
  EntityLockRequestedEvent,
  EntityOperationCalledEvent,
  EntityOperationSignaledEvent,
  EntityUnlockSentEvent,
} from "./generated/durable_task_pb.ts";
import { notBeforeFromWire, optionalTimestampToWire } from "./timestamps.ts";

/** What every event has. */
interface Head {
  readonly eventId: number;
  readonly timestamp: number;
}

type WireEntityMessage =
  | { readonly case: "entityOperationSignaled"; readonly value: EntityOperationSignaledEvent }
  | { readonly case: "entityOperationCalled"; readonly value: EntityOperationCalledEvent }
  | { readonly case: "entityLockRequested"; readonly value: EntityLockRequestedEvent }
  | { readonly case: "entityUnlockSent"; readonly value: EntityUnlockSentEvent };

export function entityMessageToWire(message: EntityMessage): WireEntityMessage {
  switch (message.kind) {
    case "EntityOperationSignaled":
      return {
        case: "entityOperationSignaled",
        value: {
          $typeName: "EntityOperationSignaledEvent",
          requestId: message.requestId,
          operation: message.operation,
          scheduledTime: optionalTimestampToWire(message.scheduledAt),
          input: message.input,
          targetInstanceId: message.targetInstanceId,
        },
      };
    case "EntityOperationCalled":
      return {
        case: "entityOperationCalled",
        value: {
          $typeName: "EntityOperationCalledEvent",
          requestId: message.requestId,
          operation: message.operation,
          scheduledTime: optionalTimestampToWire(message.scheduledAt),
          input: message.input,
          parentInstanceId: message.parentInstanceId,
          parentExecutionId: message.parentExecutionId,
          targetInstanceId: message.targetInstanceId,
        },
      };
    case "EntityLockRequested":
      return {
        case: "entityLockRequested",
        value: {
          $typeName: "EntityLockRequestedEvent",
          criticalSectionId: message.criticalSectionId,
          lockSet: [...message.lockSet],
          position: message.position,
          parentInstanceId: message.parentInstanceId,
        },
      };
    case "EntityUnlockSent":
      return {
        case: "entityUnlockSent",
        value: {
          $typeName: "EntityUnlockSentEvent",
          criticalSectionId: message.criticalSectionId,
          parentInstanceId: message.parentInstanceId,
          targetInstanceId: message.targetInstanceId,
        },
      };
    default:
      return message satisfies never;
  }
}

export function entityMessageFromWire(message: WireEntityMessage, head: Head): EntityMessage {
  switch (message.case) {
    case "entityOperationSignaled":
      return signaledFromWire(message.value, head);
    case "entityOperationCalled":
      return calledFromWire(message.value, head);
    case "entityLockRequested":
      return lockRequestedFromWire(message.value, head);
    case "entityUnlockSent":
      return unlockSentFromWire(message.value, head);
    default:
      return message satisfies never;
  }
}

function signaledFromWire(event: EntityOperationSignaledEvent, head: Head): EntityOperationSignaled {
  return {
    kind: "EntityOperationSignaled",
    ...head,
    requestId: event.requestId,
    operation: event.operation,
    ...present({ scheduledAt: notBeforeFromWire(event.scheduledTime), input: event.input }),
    targetInstanceId: asInstanceId(event.targetInstanceId ?? ""),
  };
}

function calledFromWire(event: EntityOperationCalledEvent, head: Head): EntityOperationCalled {
  return {
    kind: "EntityOperationCalled",
    ...head,
    requestId: event.requestId,
    operation: event.operation,
    ...present({ scheduledAt: notBeforeFromWire(event.scheduledTime), input: event.input }),
    parentInstanceId: asInstanceId(event.parentInstanceId ?? ""),
    parentExecutionId: asExecutionId(event.parentExecutionId ?? ""),
    targetInstanceId: asInstanceId(event.targetInstanceId ?? ""),
  };
}

function lockRequestedFromWire(event: EntityLockRequestedEvent, head: Head): EntityLockRequested {
  return {
    kind: "EntityLockRequested",
    ...head,
    criticalSectionId: event.criticalSectionId,
    lockSet: event.lockSet.map(asInstanceId),
    position: event.position,
    parentInstanceId: asInstanceId(event.parentInstanceId ?? ""),
    parentExecutionId: asExecutionId(""),
  };
}

function unlockSentFromWire(event: EntityUnlockSentEvent, head: Head): EntityUnlockSent {
  return {
    kind: "EntityUnlockSent",
    ...head,
    criticalSectionId: event.criticalSectionId,
    parentInstanceId: asInstanceId(event.parentInstanceId ?? ""),
    targetInstanceId: asInstanceId(event.targetInstanceId ?? ""),
  };
}
