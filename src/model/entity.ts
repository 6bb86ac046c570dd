// Entities: small addressed states that serve one operation after the other. In the store an entity is a row among the
// instances, with an inbox and no history; its id says what it is.

import type { EntityOperationCalled, EntityOperationSignaled } from "./events.ts";
import type { ExecutionId, InstanceId } from "./ids.ts";

/** What an entity's worker serves; locks are the engine's. */
export type EntityOperation = EntityOperationSignaled | EntityOperationCalled;

/** Who holds an entity, and which entities the same critical section still asks for. */
export interface EntityLock {
  readonly criticalSectionId: string;
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly lockSet: readonly InstanceId[];
  readonly position: number;
}

/** `@name@key`: the name in lower case and not empty, the key any text. */
const ENTITY_ID = /^@([^@]+)@([\s\S]*)$/;

/** True for ids that name entities; no orchestration has such an id. */
export const isEntityId = (instanceId: string): boolean => instanceId.startsWith("@");

/** The entity's name in lower case, or undefined if the id is not of the form `@name@key`. */
export function entityName(instanceId: string): string | undefined {
  return ENTITY_ID.exec(instanceId)?.[1]?.toLowerCase();
}

/** The id with its name in lower case: ids of one entity may differ in that only. */
export function canonicalEntityId(instanceId: InstanceId): InstanceId {
  const name = entityName(instanceId);
  return name === undefined ? instanceId : (`@${name}${instanceId.slice(name.length + 1)}` as InstanceId);
}
