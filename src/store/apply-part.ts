// The rules of the store: what becomes of each part, decided inside the transaction, the same over every set of tables.

import { SignalboxError } from "../model/errors.ts";
import { asExecutionId, asHubName, asInstanceId } from "../model/ids.ts";
import { isTerminal } from "../model/status.ts";
import type { EncodedPart, EncodedStart, EncodedTurn } from "./encoding/parts.ts";
import { decodeStatus } from "./encoding/rows.ts";
import type { Text } from "./encoding/text.ts";
import type { Delivered, PartAnswer } from "./store.ts";
import type { Head, Tables } from "./tables.ts";

const DONE: PartAnswer = { kind: "done" };
const TURNED: PartAnswer = { kind: "turned", inboxKeys: [] };
const UNSETTLED: PartAnswer = { kind: "unsettled" };

/** The caller has opened a transaction, and undoes it if this throws. */
export function applyPart(tables: Tables, part: EncodedPart): PartAnswer {
  switch (part.kind) {
    case "turn":
      return turn(tables, part);
    case "start":
      return start(tables, part);
    case "deliver": {
      const target = tables.headByKey(part.hub, part.instanceId);
      if (target === undefined) return { kind: "dropped", why: "absent" };
      if (part.limit !== null && isActive(target) && tables.inboxLength(target.ref) >= part.limit) return { kind: "dropped", why: "full" };
      return deliver(tables, target, part.message, part.executionId);
    }
    case "deliverToChildren": {
      const living = tables.children(part.parentRef).filter(isActive);
      return { kind: "deliveredToChildren", deliveries: living.map((child) => put(tables, child, part.message, null)) };
    }
    case "settle": {
      const { ref, executionId, actionId } = part;
      if (!tables.removeActivity(ref, executionId, actionId)) return UNSETTLED;
      const head = tables.headByRef(ref);
      if (head === undefined || head.executionId !== executionId || !isActive(head)) return UNSETTLED;
      return { kind: "settled", inboxKey: tables.appendInbox(ref, part.message, executionId) };
    }
    case "forgetActivity":
      tables.removeActivity(part.ref, part.executionId, part.actionId);
      return DONE;
    case "attempt":
      tables.setAttempt(part.ref, part.executionId, part.actionId, part.attempt, part.inFlight, part.dueAt);
      return DONE;
    case "raiseAttempts":
      tables.raiseAttempts();
      return DONE;
    case "row":
      tables.change(part.ref, part.change);
      return DONE;
    case "purge": {
      const target = tables.headByKey(part.hub, part.instanceId);
      if (target === undefined) return { kind: "notPurged", why: "absent" };
      if (isActive(target)) return { kind: "notPurged", why: "active" };
      tables.removeInstance(target.ref);
      return { kind: "purged", ref: target.ref };
    }
    default:
      return part satisfies never;
  }
}

function isActive(head: Head): boolean {
  return !isTerminal(decodeStatus(head.status));
}

function start(tables: Tables, part: EncodedStart): PartAnswer {
  const { row, ifTaken } = part;
  const holder = tables.headByKey(row.hub, row.instanceId);
  if (holder !== undefined && !part.replaceable.includes(holder.status)) {
    const parent = ifTaken === null || row.parentRef === null ? undefined : tables.headByRef(row.parentRef);
    const told = ifTaken === null || parent === undefined ? undefined : deliver(tables, parent, ifTaken.message, ifTaken.executionId);
    const status = decodeStatus(holder.status);
    return told?.kind === "delivered" ? { kind: "taken", status, notified: told } : { kind: "taken", status };
  }
  if (holder !== undefined) tables.removeInstance(holder.ref);
  const ref = tables.insertInstance(row);
  if (row.scheduledStartAt !== null) tables.insertTimer(ref, 0, row.scheduledStartAt);
  const inboxKey = tables.appendInbox(ref, part.message, null);
  return holder === undefined ? { kind: "started", ref, inboxKey } : { kind: "started", ref, inboxKey, replaced: holder.ref };
}

function deliver(tables: Tables, target: Head, message: Text, executionId: string | null): PartAnswer {
  if (!isActive(target)) return { kind: "dropped", why: "terminal" };
  if (executionId !== null && executionId !== target.executionId) return { kind: "dropped", why: "execution" };
  return { kind: "delivered", ...put(tables, target, message, executionId) };
}

function put(tables: Tables, target: Head, message: Text, executionId: string | null): Delivered {
  return {
    key: { hub: asHubName(target.hub), instanceId: asInstanceId(target.instanceId) },
    ref: target.ref,
    executionId: asExecutionId(target.executionId),
    inboxKey: tables.appendInbox(target.ref, message, executionId),
  };
}

function turn(tables: Tables, part: EncodedTurn): PartAnswer {
  const { ref, executionId, next, ended, change } = part;
  const head = tables.headByRef(ref);
  if (head === undefined || head.executionId !== executionId || head.historyLength !== part.historyLength) throw outdated(part, head);
  for (const key of part.consumed) tables.removeInbox(ref, key);
  for (const actionId of part.removeActivities) tables.removeActivity(ref, executionId, actionId);
  for (const timerId of part.removeTimers) tables.removeTimer(ref, timerId);
  tables.appendHistory(ref, part.append, change.updatedAt);
  for (const activity of part.addActivities) tables.insertActivity(ref, executionId, activity);
  if (next !== null) tables.replaceExecution(ref, next);
  for (const timer of part.addTimers) tables.insertTimer(ref, timer.timerId, timer.fireAt);
  tables.change(ref, ended === null ? change : { ...change, status: ended.status });
  // A commit that only moves a timer is no turn: it says nothing of what the messages do that were in flight.
  if (part.append.count > 0 || part.consumed.length > 0) tables.clearTurnAttempt(ref);
  if (ended !== null) {
    tables.clearTimers(ref);
    tables.clearInbox(ref);
    if (ended.dropQueued) tables.removeQueuedActivities(ref);
  }
  if (next === null || next.inbox.length === 0) return TURNED;
  return { kind: "turned", inboxKeys: tables.prependInbox(ref, next.inbox) };
}

function outdated(part: EncodedTurn, head: Head | undefined): SignalboxError {
  const found =
    head === undefined ? "is not in the store" : `is at event ${head.historyLength} of execution ${JSON.stringify(head.executionId)}`;
  const asked = `event ${part.historyLength} of execution ${JSON.stringify(part.executionId)}`;
  return new SignalboxError("STORE_REFUSED", `A turn was computed on ${asked}, but its instance (row ${part.ref}) ${found}.`);
}
