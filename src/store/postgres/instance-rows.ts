// The columns of an instance's row that reads ask for.

export const ROW_COLUMNS = `i.ref, i.hub, i.instance_id, i.execution_id, i.name, i.version, i.status, i.stalled, i.created_at, i.updated_at,
  i.completed_at, i.scheduled_start_at, i.turn_attempt, i.parent, i.tags, i.trace_context, i.history_length, i.history_bytes,
  i.entity_state IS NOT NULL AS has_entity_state, i.entity_lock`;
/** Of entities only. */
export const INBOX_LENGTH =
  "CASE WHEN starts_with(i.instance_id, '@') THEN (SELECT count(*) FROM inbox WHERE ref = i.ref) END AS inbox_length";
export const PAYLOAD_COLUMNS = "i.input, i.output, i.failure, i.custom_status, i.entity_state";
