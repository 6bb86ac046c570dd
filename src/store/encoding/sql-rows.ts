// Rows as SQL databases answer them, read into what a core answers. Columns have the same names in every database; truths
// are booleans in one and 0 and 1 in another.

import type { EncodedTimer } from "../core.ts";
import { unescapeKey } from "./key-text.ts";
import type { EncodedActivityRow, EncodedInstance } from "./rows.ts";

export type SqlRow = Readonly<Record<string, unknown>>;

export function integer(value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`a column holds ${typeof value} in place of a number`);
  return value;
}

export function string(value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`a column holds ${typeof value} in place of text`);
  return value;
}

const isTrue = (value: unknown): boolean => value === true || value === 1;
const keyIn = (row: SqlRow, column: string): string => unescapeKey(string(row[column]));

/** `expand` puts the large payloads of a text back. */
export function instanceIn(row: SqlRow, expand: (text: string) => string): EncodedInstance {
  const text = (column: string): string | null => (typeof row[column] === "string" ? expand(row[column]) : null);
  const number = (column: string): number | null => (typeof row[column] === "number" ? row[column] : null);
  return {
    ref: integer(row["ref"]),
    hub: keyIn(row, "hub"),
    instanceId: keyIn(row, "instance_id"),
    executionId: keyIn(row, "execution_id"),
    name: keyIn(row, "name"),
    version: typeof row["version"] === "string" ? unescapeKey(row["version"]) : null,
    status: string(row["status"]),
    stalled: text("stalled"),
    input: text("input"),
    output: text("output"),
    failure: text("failure"),
    customStatus: text("custom_status"),
    createdAt: integer(row["created_at"]),
    updatedAt: integer(row["updated_at"]),
    completedAt: number("completed_at"),
    scheduledStartAt: number("scheduled_start_at"),
    parent: text("parent"),
    tags: text("tags"),
    traceContext: text("trace_context"),
    historyLength: integer(row["history_length"]),
    historyBytes: integer(row["history_bytes"]),
    turnAttempt: integer(row["turn_attempt"]),
    entityState: text("entity_state"),
    hasEntityState: isTrue(row["has_entity_state"]),
    entityLock: text("entity_lock"),
    inboxLength: number("inbox_length"),
  };
}

/** `work` is the row's own text with its large payloads put back. */
export function activityIn(row: SqlRow, work: string): EncodedActivityRow {
  return {
    order: integer(row["ord"]),
    ref: integer(row["ref"]),
    hub: keyIn(row, "hub"),
    instanceId: keyIn(row, "instance_id"),
    executionId: keyIn(row, "execution_id"),
    actionId: integer(row["action_id"]),
    attempt: integer(row["attempt"]),
    inFlight: isTrue(row["in_flight"]),
    dueAt: row["due_at"] === null ? null : integer(row["due_at"]),
    work,
  };
}

export function timerIn(row: SqlRow): EncodedTimer {
  return {
    ref: integer(row["ref"]),
    hub: keyIn(row, "hub"),
    instanceId: keyIn(row, "instance_id"),
    executionId: keyIn(row, "execution_id"),
    timerId: integer(row["timer_id"]),
    fireAt: integer(row["fire_at"]),
  };
}
