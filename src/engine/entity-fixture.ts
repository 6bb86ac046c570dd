// Entities and their messages, for tests.

import type { EntityLock } from "../model/entity.ts";
import type { EntityLockRequested, EntityOperationCalled, EntityOperationSignaled, EntityUnlockSent, Message } from "../model/events.ts";
import { asExecutionId, asHubName, asInstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import { fold, type InstanceState } from "./state.ts";
import type { Waiting } from "./triage.ts";

export const ENTITY = asInstanceId("@e@k");
const LOCK_SET = ["@d@k", ENTITY, "@f@k"].map(asInstanceId);
const base = { eventId: -1, timestamp: 1 };

export function entity(more: Partial<InstanceRow> = {}): InstanceState {
  const counts = { historyLength: 0, historyBytes: 0, turnAttempt: 0, createdAt: 1, updatedAt: 1 };
  const ids = { hub: asHubName("hub"), instanceId: ENTITY, executionId: asExecutionId("e"), ref: 1 };
  return fold({ ...ids, name: "e", status: "Running", ...counts, ...more }, []);
}

export const call = (who: string, requestId: string, scheduledAt?: number): EntityOperationCalled => ({
  kind: "EntityOperationCalled",
  ...base,
  requestId,
  operation: "op",
  parentInstanceId: asInstanceId(who),
  parentExecutionId: asExecutionId(`${who}1`),
  targetInstanceId: ENTITY,
  ...(scheduledAt !== undefined && { scheduledAt }),
});

export const signal = (requestId: string, scheduledAt?: number): EntityOperationSignaled => ({
  kind: "EntityOperationSignaled",
  ...base,
  requestId,
  operation: "op",
  targetInstanceId: ENTITY,
  ...(scheduledAt !== undefined && { scheduledAt }),
});

export const request = (who: string, position = 1): EntityLockRequested => ({
  kind: "EntityLockRequested",
  ...base,
  criticalSectionId: `s-${who}`,
  lockSet: LOCK_SET,
  position,
  parentInstanceId: asInstanceId(who),
  parentExecutionId: asExecutionId(`${who}1`),
});

export const unlock = (who: string): EntityUnlockSent => ({
  kind: "EntityUnlockSent",
  ...base,
  criticalSectionId: `s-${who}`,
  parentInstanceId: asInstanceId(who),
  targetInstanceId: ENTITY,
});

export const lockOf = (who: string): EntityLock => ({
  criticalSectionId: `s-${who}`,
  instanceId: asInstanceId(who),
  executionId: asExecutionId(`${who}1`),
  lockSet: LOCK_SET,
  position: 1,
});

export const queueOf = (messages: readonly Message[]): Waiting[] =>
  messages.map((message, index) => ({ message, source: { kind: "inbox", key: index + 1 } }));
