// What becomes of messages: whose inbox takes them, and which of them count once.

import { asExecutionId, asHubName, asInstanceId } from "../model/ids.ts";
import { isTerminal } from "../model/status.ts";
import type { EncodedDeliver, EncodedDeliverToEntity, EncodedOnce, EncodedRewind } from "./encoding/parts.ts";
import { decodeStatus } from "./encoding/rows.ts";
import type { Text } from "./encoding/text.ts";
import type { Delivered, PartAnswer } from "./store.ts";
import type { Head, Tables } from "./tables.ts";

/** More than one, so that keys go faster than they come; few, so that no delivery pays for all that were before it. */
const FORGOTTEN_PER_DELIVERY = 4;

export function isActive(head: Head): boolean {
  return !isTerminal(decodeStatus(head.status));
}

/** Carries a delivery out unless its key is remembered. One that was dropped may be tried again. */
export function once(tables: Tables, hub: string, key: EncodedOnce | null, carryOut: () => PartAnswer): PartAnswer {
  if (key === null) return carryOut();
  if (tables.isRemembered(hub, key.key, key.at)) return { kind: "repeated" };
  const answer = carryOut();
  if (answer.kind !== "delivered") return answer;
  tables.forgetExpired(key.at, FORGOTTEN_PER_DELIVERY);
  tables.remember(hub, key.key, key.until);
  return answer;
}

export function deliver(tables: Tables, part: EncodedDeliver): PartAnswer {
  const target = tables.headByKey(part.hub, part.instanceId);
  if (target === undefined) return { kind: "dropped", why: "absent" };
  if (isActive(target) && isFull(tables, target, part.limit)) return { kind: "dropped", why: "full" };
  return tell(tables, target, part.message, part.executionId);
}

export function deliverToEntity(tables: Tables, part: EncodedDeliverToEntity): PartAnswer {
  const { row, message, dueAt } = part;
  const found = tables.headByKey(row.hub, row.instanceId);
  if (found !== undefined && isFull(tables, found, part.limit)) return { kind: "dropped", why: "full" };
  const target = found ?? { ...row, ref: tables.insertInstance(row), historyLength: 0 };
  const answer = tell(tables, target, message, null);
  if (answer.kind === "delivered" && dueAt !== null) tables.insertTimer(target.ref, answer.inboxKey, dueAt);
  return answer;
}

export function rewind(tables: Tables, { hub, instanceId, message, ifGone }: EncodedRewind): PartAnswer {
  const target = tables.headByKey(hub, instanceId);
  const isMeant = target !== undefined && (ifGone === null ? target.status === "Failed" : target.parentRef === ifGone.parentRef);
  if (isMeant && !isActive(target)) return { kind: "delivered", ...put(tables, target, message, null) };
  const why = target === undefined ? "absent" : "notFailed";
  // A child that is still under way reports its end itself.
  if (isMeant) return { kind: "notRewound", why };
  const parent = ifGone === null ? undefined : tables.headByRef(ifGone.parentRef);
  const told = ifGone === null || parent === undefined ? undefined : tell(tables, parent, ifGone.message, ifGone.executionId);
  return told?.kind === "delivered" ? { kind: "notRewound", why, notified: told } : { kind: "notRewound", why };
}

/** To a living instance, and if one is named only in that execution. */
export function tell(tables: Tables, target: Head, message: Text, executionId: string | null): PartAnswer {
  if (!isActive(target)) return { kind: "dropped", why: "terminal" };
  if (executionId !== null && executionId !== target.executionId) return { kind: "dropped", why: "execution" };
  return { kind: "delivered", ...put(tables, target, message, executionId) };
}

export function put(tables: Tables, target: Head, message: Text, executionId: string | null): Delivered {
  return {
    key: { hub: asHubName(target.hub), instanceId: asInstanceId(target.instanceId) },
    ref: target.ref,
    executionId: asExecutionId(target.executionId),
    inboxKey: tables.appendInbox(target.ref, message, executionId),
    ...whereOf(target),
  };
}

export function whereOf({ isElsewhere }: Head): { readonly isElsewhere?: true } {
  return isElsewhere === true ? { isElsewhere } : {};
}

function isFull(tables: Tables, target: Head, limit: number | null): boolean {
  return limit !== null && tables.inboxLength(target.ref) >= limit;
}
