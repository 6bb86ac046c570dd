// The statements of a batch; each takes columns as arrays, and so any number of rows.

import type { Statement } from "./connection.ts";

const REMOVED_WITH = ["history", "inbox", "activities", "timers"];

export const BEGIN = statement("begin", "BEGIN");
export const COMMIT = statement("commit", "COMMIT");
export const FENCE = statement("fence", "SELECT fence($1, $2, $3)");

export const REMOVE_INSTANCES = statement(
  "remove-instances",
  `WITH ${REMOVED_WITH.map((table) => `${table[0]} AS (DELETE FROM ${table} WHERE ref = ANY ($1::bigint[]))`).join()}
  DELETE FROM instances WHERE ref = ANY ($1::bigint[])`,
);
export const INSERT_INSTANCES = statement(
  "insert-instances",
  `INSERT INTO instances (owner, ref, digest, hub, instance_id, execution_id, name, version, status, created_at, updated_at,
    scheduled_start_at, parent_ref, parent, tags, trace_context, input)
  SELECT $1::bigint, ref, digest, hub, instance_id, execution_id, name, version, status, created_at, created_at, scheduled_start_at,
    parent_ref, parent, tags, trace_context, input
  FROM unnest($2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
    $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::text[])
    AS v (ref, digest, hub, instance_id, execution_id, name, version, status, created_at, scheduled_start_at, parent_ref, parent, tags,
      trace_context, input)`,
);
/** In the order in which every node locks rows. */
export const LOCK = statement("lock", "SELECT FROM instances WHERE ref = ANY ($1::bigint[]) ORDER BY ref FOR NO KEY UPDATE");

export const CLEAR_HISTORIES = statement("clear-histories", "DELETE FROM history WHERE ref = ANY ($1::bigint[])");
export const INSERT_HISTORY = statement(
  "insert-history",
  "INSERT INTO history SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])",
);

export const CLEAR_INBOXES = statement("clear-inboxes", "DELETE FROM inbox WHERE ref = ANY ($1::bigint[])");
export const REMOVE_MESSAGES = statement(
  "remove-messages",
  "DELETE FROM inbox t USING unnest($1::bigint[], $2::bigint[]) AS v (ref, key) WHERE t.ref = v.ref AND t.key = v.key",
);
export const INSERT_MESSAGES = statement(
  "insert-messages",
  "INSERT INTO inbox SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])",
);

const SAME_ACTIVITY = "t.ref = v.ref AND t.action_id = v.action_id AND t.execution_id = v.execution_id";
export const INSERT_ACTIVITIES = statement(
  "insert-activities",
  `INSERT INTO activities (ref, action_id, execution_id, attempt, in_flight, claimed_by, due_at, name, work)
  SELECT ref, action_id, execution_id, attempt, in_flight, claimed_by, due_at, name, work
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
    WITH ORDINALITY AS v (ref, action_id, execution_id, attempt, in_flight, claimed_by, due_at, name, work, position) ORDER BY position
  ON CONFLICT DO NOTHING`,
);
export const REMOVE_ACTIVITIES = statement(
  "remove-activities",
  `DELETE FROM activities t USING unnest($1::bigint[], $2::bigint[], $3::text[]) AS v (ref, action_id, execution_id) WHERE ${SAME_ACTIVITY}`,
);
export const REMOVE_QUEUED = statement("remove-queued", "DELETE FROM activities WHERE ref = ANY ($1::bigint[]) AND NOT in_flight");
export const SET_ATTEMPTS = statement(
  "set-attempts",
  `UPDATE activities t SET attempt = v.attempt, in_flight = v.in_flight, due_at = v.due_at, claimed_by = $1::bigint
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::boolean[], $7::bigint[])
    AS v (ref, action_id, execution_id, attempt, in_flight, due_at) WHERE ${SAME_ACTIVITY}`,
);

export const CLEAR_TIMERS = statement("clear-timers", "DELETE FROM timers WHERE ref = ANY ($1::bigint[])");
export const REMOVE_TIMERS = statement(
  "remove-timers",
  "DELETE FROM timers t USING unnest($1::bigint[], $2::bigint[]) AS v (ref, timer_id) WHERE t.ref = v.ref AND t.timer_id = v.timer_id",
);
export const INSERT_TIMERS = statement(
  "insert-timers",
  `INSERT INTO timers SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
  ON CONFLICT (ref, timer_id) DO UPDATE SET fire_at = excluded.fire_at`,
);

/** The row of one that is there is locked, so that nobody removes it before its use is written. */
export const INSERT_BLOBS = statement(
  "insert-blobs",
  "INSERT INTO blobs SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash",
);
export const INSERT_USES = statement(
  "insert-uses",
  "INSERT INTO blob_uses SELECT DISTINCT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING",
);
export const COLLECT_BLOBS = statement("collect-blobs", "SELECT collect_blobs($1::bigint[], $2::text[])");

export const REMEMBER = statement(
  "remember",
  `INSERT INTO deliveries SELECT DISTINCT ON (digest) * FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS v (digest, hub, until)
  ORDER BY digest, until DESC ON CONFLICT (digest) DO UPDATE SET until = excluded.until`,
);
/** What another node is just forgetting is left to it. */
export const FORGET_EXPIRED = statement(
  "forget-expired",
  `DELETE FROM deliveries WHERE digest IN (
    SELECT digest FROM deliveries WHERE until <= $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED)`,
);
export const FORGET_OF_HUB = statement(
  "forget-of-hub",
  "DELETE FROM deliveries WHERE digest IN (SELECT digest FROM deliveries WHERE md5(hub) = md5($1) AND hub = $1 LIMIT $2)",
);

/** See the function in migrations.ts. */
export const TAKE_OVER = statement("take-over", "SELECT take_over($1, $2)");
/** What others have to know of instances that are nobody's any more. */
export const RELEASED = statement(
  "released",
  `SELECT (SELECT min(fire_at) FROM timers WHERE ref = ANY ($1::bigint[])) AS due,
    to_json(ARRAY(SELECT DISTINCT ref FROM inbox WHERE ref = ANY ($1::bigint[]))) AS waiting`,
);

export function statement(name: string, text: string): Statement {
  return { name, text };
}
