// The SQL that reads rows of instances. Pages go by ref along an index of the hub, from where the page before ended: what a
// page costs does not grow with what lies before it.

import { escapeKey, escapePrefix } from "../encoding/key-text.ts";
import { pageStart } from "../filter.ts";
import type { InstanceFilter, Page } from "../store.ts";

/** As `isEntityId`; in the words of the indexes. */
export const IS_ENTITY = "instance_id >= '@' AND instance_id < 'A'";
const UPDATED_AT = "max(i.updated_at, coalesce(h.updated_at, 0))";
const COLUMNS = `i.ref, hub, instance_id, execution_id, name, version, status, stalled, created_at, completed_at, scheduled_start_at, turn_attempt,
  parent, tags, trace_context, entity_state IS NOT NULL AS has_entity_state, entity_lock, ${UPDATED_AT} AS updated_at,
  CASE WHEN ${IS_ENTITY} THEN (SELECT count(*) FROM inbox WHERE ref = i.ref) END AS inbox_length,
  coalesce(h.first + h.count, 0) AS history_length, coalesce(h.total_bytes, 0) AS history_bytes`;
const PAYLOADS = "input, output, failure, custom_status, entity_state";
const FROM = "FROM instances i LEFT JOIN history h ON h.ref = i.ref AND h.first = (SELECT max(first) FROM history WHERE ref = i.ref)";

export function instanceQuery(where: string, withPayloads: boolean): string {
  return `SELECT ${withPayloads ? `${COLUMNS}, ${PAYLOADS}` : COLUMNS} ${FROM} WHERE ${where}`;
}

/** The part of a filter that SQL can decide; a prefix is decided again on the row, where half a surrogate pair counts. */
export function pageQuery(filter: InstanceFilter, page: Page): { readonly sql: string; readonly values: readonly (string | number)[] } {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const need = (condition: string, ...operands: readonly (string | number | undefined)[]): void => {
    if (operands.includes(undefined)) return;
    conditions.push(condition);
    for (const operand of operands) if (operand !== undefined) values.push(operand);
  };
  need("hub = ?", escapeKey(filter.hub));
  need(filter.sort === "entities" ? IS_ENTITY : `NOT (${IS_ENTITY})`);
  if (filter.withStateOnly === true) need("entity_state IS NOT NULL");
  need("i.ref > ?", pageStart(page));
  need("created_at >= ?", filter.createdFrom);
  need("created_at <= ?", filter.createdTo);
  need(`${UPDATED_AT} >= ?`, filter.updatedFrom);
  need(`${UPDATED_AT} <= ?`, filter.updatedTo);
  need("completed_at >= ?", filter.completedFrom);
  need("completed_at <= ?", filter.completedTo);
  need("name = ?", filter.name === undefined ? undefined : escapeKey(filter.name));
  if (filter.status !== undefined) need(`status IN (${filter.status.map(() => "?").join()})`, ...filter.status);
  const prefix = filter.idPrefix === undefined ? undefined : escapePrefix(filter.idPrefix);
  need("instance_id >= ? AND substr(instance_id, 1, length(?)) = ?", prefix, prefix, prefix);
  return { sql: `${instanceQuery(conditions.join(" AND "), page.withPayloads)} ORDER BY i.ref`, values };
}
