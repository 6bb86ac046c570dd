import { unescapeKey } from "../encoding/key-text.ts";
import type { EncodedInstance } from "../encoding/rows.ts";
import type { SqlRow } from "./connection.ts";
import { integer, string } from "./heads.ts";

export const ROW_COLUMNS = `i.ref, i.hub, i.instance_id, i.execution_id, i.name, i.version, i.status, i.stalled, i.created_at, i.updated_at,
  i.completed_at, i.scheduled_start_at, i.turn_attempt, i.parent, i.tags, i.trace_context, i.history_length, i.history_bytes,
  i.entity_state IS NOT NULL AS has_entity_state, i.entity_lock`;
/** Of entities only. */
export const INBOX_LENGTH =
  "CASE WHEN starts_with(i.instance_id, '@') THEN (SELECT count(*) FROM inbox WHERE ref = i.ref) END AS inbox_length";
export const PAYLOAD_COLUMNS = "i.input, i.output, i.failure, i.custom_status, i.entity_state";

/** `expand` puts the large payloads of a text back. */
export function decodeRow(row: SqlRow, expand: (text: string) => string): EncodedInstance {
  const text = (column: string): string | null => (typeof row[column] === "string" ? expand(row[column]) : null);
  const number = (column: string): number | null => (typeof row[column] === "number" ? row[column] : null);
  const key = (column: string): string => unescapeKey(string(row[column]));
  return {
    ref: integer(row["ref"]),
    hub: key("hub"),
    instanceId: key("instance_id"),
    executionId: key("execution_id"),
    name: key("name"),
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
    hasEntityState: row["has_entity_state"] === true,
    entityLock: text("entity_lock"),
    inboxLength: number("inbox_length"),
  };
}
