// The invariants as workers out of process see them: what they are sent, how much of it, and what becomes of their answers.

import type { ExecutionId } from "../../src/model/ids.ts";
import type { InstanceRef } from "../../src/model/parts.ts";
import type { Completion, EntityItem, TurnItem, WorkItem } from "../../src/model/work-item.ts";
import type { Finding } from "./invariants.ts";
import { activityName, type Ledger, type LedgerInstance } from "./ledger.ts";

/** A turn goes out on committed state only, with the whole history or none. */
export function e3TurnFollowsCommit(ledger: Ledger, ref: InstanceRef, item: TurnItem): Finding {
  const instance = ledger.instances.get(ref);
  if (instance === undefined) return `a turn of "${item.instanceId}" goes out, which is not committed`;
  const { executionId, history } = instance;
  if (item.executionId !== executionId) return `a turn of "${item.instanceId}" goes out for another execution than is committed`;
  if (item.historyLength !== history.length) {
    return `a turn of "${item.instanceId}" goes out at ${item.historyLength} events, committed are ${history.length}`;
  }
  if (item.history === undefined || JSON.stringify(item.history) === JSON.stringify(history)) return undefined;
  return `a turn of "${item.instanceId}" goes out with another history than is committed`;
}

/** A turn without its past goes only to the stream whose worker made the turn before it, and carries nothing but news. */
export function e12DeltaGoesToItsHolder(
  item: TurnItem,
  keepsWarm: boolean,
  holds: { readonly executionId: ExecutionId; readonly historyLength: number } | undefined,
): Finding {
  const [first, ...rest] = item.newEvents;
  if (first?.kind !== "OrchestratorStarted" || rest.length === 0) return `a turn of "${item.instanceId}" has no new events`;
  if (rest.some(({ kind }) => kind === "OrchestratorStarted")) return `a turn of "${item.instanceId}" carries past events as new ones`;
  if (item.history !== undefined) return undefined;
  if (keepsWarm && holds?.executionId === item.executionId && holds.historyLength === item.historyLength) return undefined;
  const held = holds === undefined ? "never" : `at ${holds.historyLength} events`;
  return `a turn of "${item.instanceId}" at ${item.historyLength} events without its history goes to a stream that does not hold it (it did: ${held})`;
}

export function e5TokenNamesOneSubject(before: string | undefined, now: string, token: string): Finding {
  return before === undefined || before === now ? undefined : `the token ${token} names two subjects: ${before} and ${now}`;
}

/** What a worker's answer settles is committed when it is told so (E3). A stale answer settles nothing (E5). */
export function e3AnswerIsTaken(ledger: Ledger, ref: InstanceRef, item: WorkItem, completion: Completion, isCurrent: boolean): Finding {
  const instance = ledger.instances.get(ref);
  if (instance === undefined || instance.executionId !== item.executionId) return undefined;
  if (item.sort === "activity") {
    if (completion.sort !== "activity" || completion.outcome.kind === "failed") return undefined;
    const isLeft = instance.activities.has(activityName(item.executionId, item.activity.actionId));
    return isLeft ? `a worker was told that activity ${item.activity.actionId} of "${item.instanceId}" is settled` : undefined;
  }
  if (!isCurrent || instance.stalled !== undefined) return undefined;
  if (item.sort === "entity") {
    const [first] = item.operations;
    const isLeft = [...instance.inbox.values()].some(({ message }) => sameMessage(message, first));
    return isLeft ? `a worker was told that its batch of "${item.instanceId}" is settled, and it waits there` : undefined;
  }
  if (completion.sort === "orchestration" && completion.result.requiresHistory === true) return undefined;
  if (instance.history.length !== item.historyLength || isDistracted(instance, item)) return undefined;
  return `a worker was told that its turn of "${item.instanceId}" is settled, and it is not committed`;
}

/** What came meanwhile may have taken the turn back. */
function isDistracted({ inbox, status }: LedgerInstance, { newEvents }: TurnItem): boolean {
  if (status === "Suspended") return true;
  return [...inbox.values()].some(({ message }) => !newEvents.some((event) => sameMessage(event, message)));
}

const sameMessage = (one: object, other: object | undefined): boolean => JSON.stringify(one) === JSON.stringify(other);

export function e10StreamIsOpen(isOpen: boolean, name: string): Finding {
  return isOpen ? undefined : `stream ${name} is closed and gets an item`;
}

export function e10LostItemIsSentAgain(ledger: Ledger, ref: InstanceRef, item: WorkItem): Finding {
  const instance = ledger.instances.get(ref);
  if (instance === undefined || instance.executionId !== item.executionId || instance.stalled !== undefined) return undefined;
  const waits =
    item.sort === "activity"
      ? instance.activities.has(activityName(item.executionId, item.activity.actionId))
      : instance.inbox.size > 0 && (item.sort === "entity" || instance.history.length === item.historyLength);
  return waits ? `an item (${item.sort}) of "${item.instanceId}" was lost with its stream and is never sent again` : undefined;
}

export function e11CreditsHold(out: number, credits: number, sort: string): Finding {
  return out <= credits ? undefined : `${out} items (${sort}) are with a stream that takes ${credits}`;
}

/** At a rest. */
export function e11CreditsComeBack(inFlight: number, out: number, sort: string): Finding {
  return inFlight === out ? undefined : `${inFlight} items (${sort}) are taken to be with workers, who have ${out}`;
}

/** What a worker serves is what waits, in its order, in its time, and, of one that is held, its holder's alone. */
export function e16BatchIsWhatWaits(ledger: Ledger, ref: InstanceRef, item: EntityItem, now: number): Finding {
  const entity = ledger.instances.get(ref);
  if (entity === undefined) return `operations of "${item.instanceId}" go out, which is not committed`;
  if (entity.entityState !== item.state) return `operations of "${item.instanceId}" go out with another state than is committed`;
  const waiting = [...entity.inbox.values()].map(({ message }) => JSON.stringify(message));
  let position = -1;
  for (const operation of item.operations) {
    position = waiting.indexOf(JSON.stringify(operation), position + 1);
    if (position < 0) return `an operation of "${item.instanceId}" goes out that does not wait there, or out of order`;
    if ((operation.scheduledAt ?? 0) > now) return `an operation of "${item.instanceId}" goes out before its time`;
    const { entityLock } = entity;
    if (entityLock === undefined) continue;
    const isHolders = operation.kind === "EntityOperationCalled" && operation.parentExecutionId === entityLock.executionId;
    if (!isHolders) return `"${item.instanceId}" is held by "${entityLock.instanceId}" and serves somebody else`;
  }
  return undefined;
}
