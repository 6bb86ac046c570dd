// How messages to entities are made: what an orchestration asks for, with the facts that only the engine can vouch for, and
// the delivery that each message owes.

import { canonicalEntityId, entityName } from "../model/entity.ts";
import type { EntityMessage, EntityUnlockSent } from "../model/events.ts";
import type { ExecutionId, HubName, InstanceId } from "../model/ids.ts";
import type { DeliverToEntityPart, InstanceRow } from "../model/parts.ts";

/** What a delivery to an entity needs from outside. */
export interface EntityPorts {
  /** For the row of an entity that gets its first message. */
  readonly mintExecutionId: () => ExecutionId;
  /** How many messages may wait for an entity before a signal to it is dropped (E11). */
  readonly maxInboxMessages: number;
}

/**
 * The message as history records it. Who asks is known here and not taken from a worker; ids are canonical, and lock sets
 * sorted and without duplicates, so that no two of them can wait for each other in a circle (E16).
 */
export function recordedMessage(row: InstanceRow, message: EntityMessage, eventId: number, timestamp: number): EntityMessage {
  const parent = { parentInstanceId: row.instanceId, parentExecutionId: row.executionId };
  switch (message.kind) {
    case "EntityOperationSignaled":
      return { ...message, eventId, timestamp, targetInstanceId: canonicalEntityId(message.targetInstanceId) };
    case "EntityOperationCalled":
      return { ...message, ...parent, eventId, timestamp, targetInstanceId: canonicalEntityId(message.targetInstanceId) };
    case "EntityLockRequested":
      return { ...message, ...parent, eventId, timestamp, lockSet: sortedLockSet(message.lockSet), position: 0 };
    case "EntityUnlockSent":
      return {
        ...message,
        eventId,
        timestamp,
        parentInstanceId: row.instanceId,
        targetInstanceId: canonicalEntityId(message.targetInstanceId),
      };
    default:
      return message satisfies never;
  }
}

export function sortedLockSet(ids: readonly InstanceId[]): InstanceId[] {
  return [...new Set(ids.map(canonicalEntityId))].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Which entity a message goes to; of a lock request the one that has to lock next. */
export function targetOf(message: EntityMessage): InstanceId | undefined {
  return message.kind === "EntityLockRequested" ? message.lockSet[message.position] : message.targetInstanceId;
}

/**
 * Its delivery. Only signals are dropped at the bound of an inbox: somebody waits for the answer to a call, and a lock or an
 * unlock that is lost would hold an entity for ever.
 */
export function deliveryOf(hub: HubName, message: EntityMessage, at: number, ports: EntityPorts): DeliverToEntityPart {
  const instanceId = targetOf(message);
  const name = instanceId === undefined ? undefined : entityName(instanceId);
  if (instanceId === undefined || name === undefined) throw new TypeError(`${JSON.stringify(instanceId)} is not the id of an entity`);
  const dueAt = "scheduledAt" in message && message.scheduledAt !== undefined && message.scheduledAt > at ? message.scheduledAt : undefined;
  return {
    kind: "deliverToEntity",
    to: { hub, instanceId },
    name,
    executionId: ports.mintExecutionId(),
    message: { ...message, eventId: -1 },
    at,
    ...(dueAt !== undefined && { dueAt }),
    ...(message.kind === "EntityOperationSignaled" && { limit: ports.maxInboxMessages }),
  };
}

export function unlockOf(
  criticalSectionId: string,
  parentInstanceId: InstanceId,
  targetInstanceId: InstanceId,
  timestamp: number,
): EntityUnlockSent {
  return { kind: "EntityUnlockSent", eventId: -1, timestamp, criticalSectionId, parentInstanceId, targetInstanceId };
}
