// E16 as checks: what an entity's turn commits, whom it serves while it is held, and who may still hold it at a rest.

import type { EntityOperation } from "../../src/model/entity.ts";
import { isTerminal } from "../../src/model/status.ts";
import type { Part, TurnPart } from "../../src/store/store.ts";
import { type Finding, nameOf } from "./invariants.ts";
import type { Ledger, LedgerInstance } from "./ledger.ts";
import type { OperationInput } from "./sim-entity.ts";

export function consumedOperations({ inbox }: LedgerInstance, { consumed }: TurnPart): readonly EntityOperation[] {
  return consumed.flatMap((key) => {
    const message = inbox.get(key)?.message;
    return message?.kind === "EntityOperationCalled" || message?.kind === "EntityOperationSignaled" ? [message] : [];
  });
}

/** While it is held, only its holder is served. */
export function e16OnlyTheHolderIsServed(entity: LedgerInstance, part: TurnPart): Finding {
  const { entityLock } = entity;
  if (entityLock === undefined) return undefined;
  const stranger = consumedOperations(entity, part).find(
    (operation) => operation.kind !== "EntityOperationCalled" || operation.parentExecutionId !== entityLock.executionId,
  );
  return stranger === undefined ? undefined : `${nameOf(entity)} is held by "${entityLock.instanceId}" and has served somebody else`;
}

/** A lock is taken by a request that was there, and given back by an unlock of its own section. */
export function e16LocksMoveByMessages(entity: LedgerInstance, part: TurnPart): Finding {
  if (!("entityLock" in part.row)) return undefined;
  const [before, after] = [entity.entityLock?.criticalSectionId, part.row.entityLock?.criticalSectionId];
  if (before === after) return undefined;
  const settled = part.consumed.flatMap((key) => entity.inbox.get(key)?.message ?? []);
  const isReleased = settled.some((message) => message.kind === "EntityUnlockSent" && message.criticalSectionId === before);
  if (before !== undefined && !isReleased) return `${nameOf(entity)} is released without an unlock of its section`;
  const isAsked = settled.some((message) => message.kind === "EntityLockRequested" && message.criticalSectionId === after);
  return after === undefined || isAsked ? undefined : `${nameOf(entity)} is held by a section that has not asked for it`;
}

/** In the commit that releases an entity the unlock goes on to the next one of the lock set. */
export function e16UnlockGoesOn(entity: LedgerInstance, part: TurnPart, batch: readonly Part[]): Finding {
  const { entityLock } = entity;
  if (entityLock === undefined || !("entityLock" in part.row)) return undefined;
  if (part.row.entityLock?.criticalSectionId === entityLock.criticalSectionId) return undefined;
  const next = entityLock.lockSet[entityLock.position + 1];
  const isForwarded = batch.some(
    (each) =>
      each.kind === "deliverToEntity" &&
      each.to.instanceId === next &&
      each.message.kind === "EntityUnlockSent" &&
      each.message.criticalSectionId === entityLock.criticalSectionId,
  );
  return next === undefined || isForwarded ? undefined : `${nameOf(entity)} is released, and the unlock does not go on to "${next}"`;
}

/** Operations and their answers are one commit; a call has one answer. */
export function e16CallsAreAnsweredOnce(entity: LedgerInstance, part: TurnPart, batch: readonly Part[], answered: Set<string>): Finding {
  for (const operation of consumedOperations(entity, part)) {
    if (operation.kind === "EntityOperationSignaled") continue;
    const { requestId, parentExecutionId } = operation;
    const answers = batch.filter(
      (each) =>
        each.kind === "deliver" &&
        (each.message.kind === "EntityOperationCompleted" || each.message.kind === "EntityOperationFailed") &&
        each.message.requestId === requestId &&
        each.executionId === parentExecutionId,
    );
    // The same part twice is a message that came twice.
    const count = new Set(answers).size;
    if (count !== 1) return `${nameOf(entity)} settles call ${requestId} with ${count} answers`;
    if (answered.has(requestId)) return `${nameOf(entity)} answers call ${requestId} a second time`;
    answered.add(requestId);
  }
  return undefined;
}

/** E7: what one sender sends to one entity is served in that order. `last`: of each sender, by entity. */
export function e7OperationsInOrder(entity: LedgerInstance, part: TurnPart, last: Map<string, number>): Finding {
  for (const { input } of consumedOperations(entity, part)) {
    const { from, sequence } = JSON.parse(input ?? "{}") as OperationInput;
    if (sequence === undefined) continue;
    const sender = `${entity.ref} ${from}`;
    if (sequence < (last.get(sender) ?? 0)) return `${nameOf(entity)} serves operation ${sequence} of ${from} too late`;
    last.set(sender, sequence);
  }
  return undefined;
}

/** Section 2, Time. */
export function operationsWaitForTheirTime(entity: LedgerInstance, part: TurnPart): Finding {
  const time = part.row.updatedAt ?? 0;
  const early = consumedOperations(entity, part).find(({ scheduledAt }) => (scheduledAt ?? 0) > time);
  return early === undefined ? undefined : `${nameOf(entity)} serves an operation of ${early.scheduledAt} at ${time}`;
}

/** At rest. */
export function e16NoLockWithoutLivingHolder(ledger: Ledger): Finding {
  for (const entity of ledger.entities) {
    const { entityLock } = entity;
    if (entityLock === undefined) continue;
    const holder = ledger.byId(entityLock.instanceId, entity.hub);
    const isAlive = holder !== undefined && !isTerminal(holder.status) && holder.executionId === entityLock.executionId;
    if (!isAlive) return `${nameOf(entity)} is held by "${entityLock.instanceId}" (${entityLock.executionId}), which does not live`;
  }
  return undefined;
}
