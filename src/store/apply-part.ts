// The rules of the store: what becomes of each part, decided inside the transaction, the same over every set of tables.

import { isEntityId } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import { deliver, deliverToEntity, isActive, once, put, rewind, tell, whereOf } from "./deliveries.ts";
import type { EncodedPart, EncodedStart, EncodedTurn } from "./encoding/parts.ts";
import { decodeStatus } from "./encoding/rows.ts";
import type { ClearHubPart, PartAnswer } from "./store.ts";
import type { Head, Tables } from "./tables.ts";

const DONE: PartAnswer = { kind: "done" };
const TURNED: PartAnswer = { kind: "turned", inboxKeys: [] };
const UNSETTLED: PartAnswer = { kind: "unsettled" };
const UNCLAIMED: PartAnswer = { kind: "unclaimed" };

/** The caller has opened a transaction, and undoes it if this throws. */
export function applyPart(tables: Tables, part: EncodedPart): PartAnswer {
  switch (part.kind) {
    case "turn":
      return turn(tables, part);
    case "start":
      return start(tables, part);
    case "deliver":
      return once(tables, part.hub, part.once, () => deliver(tables, part));
    case "deliverToEntity":
      return once(tables, part.row.hub, part.once, () => deliverToEntity(tables, part));
    case "rewind":
      return rewind(tables, part);
    case "removeEntity": {
      const target = tables.headByKey(part.hub, part.instanceId);
      if (target === undefined) return { kind: "notPurged", why: "absent" };
      return tables.isBareEntity(target.ref) ? remove(tables, target) : { kind: "notPurged", why: "active" };
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
      return { kind: "settled", ...whereOf(head), inboxKey: tables.appendInbox(ref, part.message, executionId) };
    }
    case "forgetActivity":
      tables.removeActivity(part.ref, part.executionId, part.actionId);
      return DONE;
    case "attempt":
      return tables.setAttempt(part.ref, part.executionId, part.actionId, part.attempt, part.inFlight, part.dueAt) ? DONE : UNCLAIMED;
    case "raiseAttempts":
      tables.raiseAttempts();
      return DONE;
    case "row":
      tables.change(part.ref, part.change);
      // What goes on after a stall is tried anew: crashes are counted from nothing (E5).
      if (part.change.columns.some(([column, value]) => column === "stalled" && value === null)) tables.clearTurnAttempt(part.ref);
      return DONE;
    case "purge": {
      const target = tables.headByKey(part.hub, part.instanceId);
      if (target === undefined) return { kind: "notPurged", why: "absent" };
      return isActive(target) ? { kind: "notPurged", why: "active" } : remove(tables, target);
    }
    case "clearHub":
      return clearHub(tables, part);
    case "release":
      for (const ref of part.refs) tables.release(ref);
      return DONE;
    case "takeOver":
      tables.takeOver();
      return DONE;
    default:
      return part satisfies never;
  }
}

function remove(tables: Tables, { ref }: Head): PartAnswer {
  tables.removeInstance(ref);
  return { kind: "purged", ref };
}

function clearHub(tables: Tables, { hub, limit }: ClearHubPart): PartAnswer {
  const refs = tables.refsOfHub(hub, limit);
  for (const ref of refs) tables.removeInstance(ref);
  const removed = refs.length + (refs.length < limit ? tables.forgetDeliveries(hub, limit - refs.length) : 0);
  return { kind: "cleared", refs, isLast: removed < limit };
}

function start(tables: Tables, part: EncodedStart): PartAnswer {
  const { row, ifTaken } = part;
  const holder = tables.headByKey(row.hub, row.instanceId);
  if (holder !== undefined && !part.replaceable.includes(holder.status)) {
    const parent = ifTaken === null || row.parentRef === null ? undefined : tables.headByRef(row.parentRef);
    const told = ifTaken === null || parent === undefined ? undefined : tell(tables, parent, ifTaken.message, ifTaken.executionId);
    const status = decodeStatus(holder.status);
    return told?.kind === "delivered" ? { kind: "taken", status, notified: told } : { kind: "taken", status };
  }
  if (holder !== undefined) tables.removeInstance(holder.ref);
  const ref = tables.insertInstance(row);
  if (row.scheduledStartAt !== null) tables.insertTimer(ref, 0, row.scheduledStartAt);
  const inboxKey = tables.appendInbox(ref, part.message, null);
  return holder === undefined ? { kind: "started", ref, inboxKey } : { kind: "started", ref, inboxKey, replaced: holder.ref };
}

function turn(tables: Tables, part: EncodedTurn): PartAnswer {
  const { ref, executionId, next, ended, change } = part;
  const head = tables.headByRef(ref);
  if (head === undefined || head.executionId !== executionId || head.historyLength !== part.historyLength) throw outdated(part, head);
  for (const key of part.consumed) tables.removeInbox(ref, key);
  if (isEntityId(head.instanceId)) for (const key of part.consumed) tables.removeTimer(ref, key);
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
