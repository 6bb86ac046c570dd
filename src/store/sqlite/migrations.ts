// The schema, as numbered steps; a store is brought to the newest by the steps it lacks, in one transaction.
//
// A turn of a warm instance writes one history row and its activities, and nothing of the instance's own row: how long the
// history is and when it last grew stand in its last row. Every page that a commit does not touch is one less to sync.

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  INSERT INTO meta VALUES ('epoch', 0);

  -- AUTOINCREMENT: a ref is never used again, so that a child's parent_ref never means another instance.
  CREATE TABLE instances (
    ref INTEGER PRIMARY KEY AUTOINCREMENT,
    hub TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    status TEXT NOT NULL,
    stalled TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    completed_at INTEGER,
    scheduled_start_at INTEGER,
    turn_attempt INTEGER NOT NULL,
    parent_ref INTEGER,
    parent TEXT,
    tags TEXT,
    trace_context TEXT,
    input TEXT,
    output TEXT,
    failure TEXT,
    custom_status TEXT,
    entity_state TEXT,
    entity_lock TEXT,
    UNIQUE (hub, instance_id)
  );
  CREATE INDEX instances_by_parent ON instances (parent_ref) WHERE parent_ref IS NOT NULL;
  -- Lists go by ref, the order of creation, which ends every index. Entities lie among the instances and are listed apart.
  CREATE INDEX entities_by_hub ON instances (hub) WHERE instance_id >= '@' AND instance_id < 'A';
  CREATE INDEX orchestrations_by_hub ON instances (hub) WHERE NOT (instance_id >= '@' AND instance_id < 'A');
  -- None by status: each change of one would pay for it, and to look for it through 100,000 instances takes 15 ms.

  -- One row for each turn: its events as a JSON array, from position \`first\` on.
  CREATE TABLE history (
    ref INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    total_bytes INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (ref, first)
  ) WITHOUT ROWID;

  CREATE TABLE inbox (
    ref INTEGER NOT NULL,
    key INTEGER NOT NULL,
    execution_id TEXT,
    message TEXT NOT NULL,
    PRIMARY KEY (ref, key)
  ) WITHOUT ROWID;

  -- \`ord\` has no index: it is asked for at an opening alone, and every turn would pay for it.
  CREATE TABLE activities (
    ref INTEGER NOT NULL,
    action_id INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    ord INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    in_flight INTEGER NOT NULL,
    due_at INTEGER,
    work TEXT NOT NULL,
    PRIMARY KEY (ref, action_id, execution_id)
  ) WITHOUT ROWID;
  CREATE INDEX activities_by_due ON activities (due_at) WHERE due_at IS NOT NULL;

  CREATE TABLE timers (
    ref INTEGER NOT NULL,
    timer_id INTEGER NOT NULL,
    fire_at INTEGER NOT NULL,
    PRIMARY KEY (ref, timer_id)
  ) WITHOUT ROWID;
  CREATE INDEX timers_by_time ON timers (fire_at);

  -- Large strings, once by content, and the instances whose rows refer to them.
  CREATE TABLE blobs (hash TEXT PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE blob_uses (ref INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (ref, hash)) WITHOUT ROWID;
  CREATE INDEX blob_uses_by_hash ON blob_uses (hash);

  -- Deliveries that count once, by the key that their sender gave them.
  CREATE TABLE deliveries (hub TEXT NOT NULL, key TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (hub, key)) WITHOUT ROWID;
  CREATE INDEX deliveries_by_time ON deliveries (until);
  `,
];

/** Tells our files from other SQLite databases: "SgBx". */
export const APPLICATION_ID = 0x53674278;
