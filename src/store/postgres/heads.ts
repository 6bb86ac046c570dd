// What the rules look at of an instance, as a node knows it.

import { isTerminal } from "../../model/status.ts";
import { unescapeKey } from "../encoding/key-text.ts";
import type { NewInstance } from "../encoding/parts.ts";
import { decodeStatus } from "../encoding/rows.ts";
import { integer, type SqlRow, string } from "../encoding/sql-rows.ts";
import type { Head } from "../tables.ts";

export interface PostgresHead extends Head {
  /** As the row has it; may name a node that is dead. */
  readonly owner: number | null;
  /** Nobody alive owns it: whoever has something to do for it takes it. */
  readonly isFree: boolean;
  readonly historyBytes: number;
  readonly updatedAt: number;
  readonly turnAttempt: number;
  /** The lowest key that a carry-over message has had. */
  readonly carryKey: number;
  readonly hasEntityState: boolean;
  readonly hasEntityLock: boolean;
}

/** Of a row `i` of instances. */
export const IS_FREE = "(i.owner IS NULL OR NOT EXISTS (SELECT FROM nodes n WHERE n.epoch = i.owner AND NOT n.is_dead))";
export const HEAD_COLUMNS = `i.ref, i.hub, i.instance_id, i.execution_id, i.status, i.owner, i.history_length, i.history_bytes,
  ${IS_FREE} AS is_free, i.parent_ref, i.updated_at, i.turn_attempt, i.carry_key, i.entity_state IS NOT NULL AS has_state, i.entity_lock IS NOT NULL AS has_lock`;

export function decodeHead(row: SqlRow): PostgresHead {
  return {
    ref: integer(row["ref"]),
    hub: unescapeKey(string(row["hub"])),
    instanceId: unescapeKey(string(row["instance_id"])),
    executionId: unescapeKey(string(row["execution_id"])),
    status: string(row["status"]),
    owner: row["owner"] === null ? null : integer(row["owner"]),
    isFree: row["is_free"] === true,
    historyLength: integer(row["history_length"]),
    historyBytes: integer(row["history_bytes"]),
    updatedAt: integer(row["updated_at"]),
    turnAttempt: integer(row["turn_attempt"]),
    parentRef: row["parent_ref"] === null ? null : integer(row["parent_ref"]),
    carryKey: integer(row["carry_key"]),
    hasEntityState: row["has_state"] === true,
    hasEntityLock: row["has_lock"] === true,
  };
}

/** Columns that some changes write, besides those that every change writes. */
export type HeadColumn =
  | "executionId"
  | "version"
  | "input"
  | "tags"
  | "stalled"
  | "output"
  | "failure"
  | "customStatus"
  | "completedAt"
  | "entityState"
  | "entityLock";

/** A head that the batch may change. */
export interface LiveHead extends PostgresHead {
  owner: number | null;
  isFree: boolean;
  /** For the whole batch: others own it only until they release it. */
  readonly isElsewhere: boolean;
  executionId: string;
  status: string;
  historyLength: number;
  historyBytes: number;
  updatedAt: number;
  turnAttempt: number;
  carryKey: number;
  hasEntityState: boolean;
  hasEntityLock: boolean;
  /** Whose it was when the batch began; an update checks that it still is. */
  readonly ownerBefore: number | null;
  readonly isNew: boolean;
  /** Changed columns besides those that every update writes. */
  readonly columns: Map<HeadColumn, string | number | null>;
  isChanged: boolean;
  /** It has got a message: there is something to do. */
  isWoken: boolean;
}

/** Whose it is after the batch: nobody has anything to do for one that has ended. */
export function ownerAfter(head: LiveHead): number | null {
  return isTerminal(decodeStatus(head.status)) && !head.isWoken ? null : head.owner;
}

export function newHead(ref: number, owner: number, row: NewInstance): LiveHead {
  const { hub, instanceId, executionId, status, createdAt: updatedAt, parentRef } = row;
  const ids = { ref, hub, instanceId, executionId, status, parentRef, updatedAt };
  const counts = { historyLength: 0, historyBytes: 0, turnAttempt: 0, carryKey: 0 };
  const flags = {
    isFree: false,
    isElsewhere: false,
    hasEntityState: false,
    hasEntityLock: false,
    isNew: true,
    isChanged: false,
    isWoken: false,
  };
  return { ...ids, ...counts, ...flags, owner, ownerBefore: owner, columns: new Map() };
}

export function liveHead(head: PostgresHead, node: number): LiveHead {
  const isElsewhere = !head.isFree && head.owner !== node;
  return { ...head, isElsewhere, ownerBefore: head.owner, isNew: false, columns: new Map(), isChanged: false, isWoken: false };
}
