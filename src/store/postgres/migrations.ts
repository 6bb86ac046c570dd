// The schema, as numbered steps; each runs once, under a lock, in one transaction with the number that it brings.
//
// Ids are unbounded text, and an index entry is not: keys are found by their digest. A row of `instances` holds all that the
// rules look at, in columns that no index covers but `owner`, so that a turn's update stays on its page (HOT). Numbers for
// inbox rows are drawn after the target's row is locked: they grow with the order of arrival, whichever node delivers.

export const MIGRATIONS: readonly string[] = [
  `
  -- One row for each opening of the store. The epoch names the node; \`batch\` is the last one that landed (E4).
  CREATE TABLE nodes (
    epoch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch bigint NOT NULL DEFAULT 0,
    -- Which try of the batch it was that landed.
    attempt bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_dead boolean NOT NULL DEFAULT false
  ) WITH (fillfactor = 10);

  CREATE SEQUENCE refs;
  -- 1 is the first message of a new instance.
  CREATE SEQUENCE inbox_keys START 2;
  CREATE SEQUENCE orders;

  CREATE TABLE instances (
    ref bigint PRIMARY KEY,
    digest bytea NOT NULL CONSTRAINT instances_by_key UNIQUE,
    hub text COLLATE "C" NOT NULL,
    instance_id text COLLATE "C" NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    version text COLLATE "C",
    -- The node that may commit its turns; null: whoever claims it.
    owner bigint,
    status text COLLATE "C" NOT NULL,
    history_length bigint NOT NULL DEFAULT 0,
    history_bytes bigint NOT NULL DEFAULT 0,
    -- The lowest inbox key given to carry-over messages; 0: none yet.
    carry_key bigint NOT NULL DEFAULT 0,
    turn_attempt integer NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    completed_at bigint,
    scheduled_start_at bigint,
    parent_ref bigint,
    parent text,
    tags text,
    trace_context text,
    stalled text,
    input text,
    output text,
    failure text,
    custom_status text,
    entity_state text,
    entity_lock text
  ) WITH (fillfactor = 80);
  CREATE INDEX instances_by_owner ON instances (owner) WHERE owner IS NOT NULL;
  CREATE INDEX instances_by_hub ON instances (md5(hub), ref);
  CREATE INDEX instances_by_parent ON instances (parent_ref) WHERE parent_ref IS NOT NULL;

  -- One row for each turn: its events as a JSON array, from position \`first\` on.
  CREATE TABLE history (
    ref bigint NOT NULL,
    first bigint NOT NULL,
    count bigint NOT NULL,
    events text NOT NULL,
    PRIMARY KEY (ref, first)
  );

  CREATE TABLE inbox (
    ref bigint NOT NULL,
    key bigint NOT NULL,
    execution_id text COLLATE "C",
    message text NOT NULL,
    PRIMARY KEY (ref, key)
  );

  CREATE TABLE activities (
    ord bigint PRIMARY KEY DEFAULT nextval('orders'),
    ref bigint NOT NULL,
    action_id bigint NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    attempt integer NOT NULL DEFAULT 1,
    in_flight boolean NOT NULL,
    -- The node that has it in memory or with a worker; null: in the queue that all nodes share.
    claimed_by bigint,
    due_at bigint,
    work text NOT NULL
  ) WITH (fillfactor = 80);
  CREATE UNIQUE INDEX activities_by_action ON activities (ref, action_id, md5(execution_id));
  CREATE INDEX activities_by_due ON activities (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX activities_by_claim ON activities (claimed_by) WHERE claimed_by IS NOT NULL;
  CREATE INDEX activities_in_queue ON activities (ord) WHERE claimed_by IS NULL;

  CREATE TABLE timers (
    ref bigint NOT NULL,
    timer_id bigint NOT NULL,
    fire_at bigint NOT NULL,
    PRIMARY KEY (ref, timer_id)
  );
  CREATE INDEX timers_by_time ON timers (fire_at);

  -- Large strings, once by content, and the instances whose rows refer to them.
  CREATE TABLE blobs (hash text COLLATE "C" PRIMARY KEY, json text NOT NULL);
  CREATE TABLE blob_uses (ref bigint NOT NULL, hash text COLLATE "C" NOT NULL, PRIMARY KEY (ref, hash));
  CREATE INDEX blob_uses_by_hash ON blob_uses (hash);

  -- Deliveries that count once, by the key that their sender gave them.
  CREATE TABLE deliveries (digest bytea PRIMARY KEY, hub text COLLATE "C" NOT NULL, until bigint NOT NULL);
  CREATE INDEX deliveries_by_time ON deliveries (until);
  CREATE INDEX deliveries_by_hub ON deliveries (md5(hub));

  -- What workers answered to another node than the one that asked them.
  CREATE TABLE completions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node bigint NOT NULL,
    completion text NOT NULL
  );
  CREATE INDEX completions_by_node ON completions (node, id);

  -- E4: a former owner changes nothing. Raised inside the statement, so that what is sent behind it has no effect either.
  CREATE FUNCTION fence(node bigint, next_batch bigint, try bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE nodes SET batch = next_batch, attempt = try, seen_at = clock_timestamp() WHERE epoch = node AND batch = next_batch - 1 AND NOT is_dead;
    IF NOT FOUND THEN RAISE EXCEPTION 'node % cannot commit batch %', node, next_batch USING ERRCODE = 'SB001'; END IF;
  END $$;

  -- As many rows as the node believed: what it remembers of them is true.
  CREATE FUNCTION expect(actual bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    IF actual <> expected THEN RAISE EXCEPTION '% of % rows are as remembered', actual, expected USING ERRCODE = 'SB002'; END IF;
  END $$;

  -- What dead nodes owned and has messages is this node's from now on, the rest nobody's; what was in flight there, and with
  -- \`own\` here, counts as an attempt (E5).
  CREATE FUNCTION take_over(node bigint, own boolean) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE dead bigint[]; raised bigint[];
  BEGIN
    SELECT coalesce(array_agg(epoch), '{}') INTO dead FROM (SELECT epoch FROM nodes WHERE is_dead ORDER BY epoch FOR UPDATE) d;
    raised := CASE WHEN own THEN dead || node ELSE dead END;
    IF cardinality(raised) = 0 THEN RETURN; END IF;
    PERFORM FROM instances WHERE owner = ANY (raised) ORDER BY ref FOR NO KEY UPDATE;
    UPDATE activities SET attempt = attempt + 1 WHERE in_flight AND claimed_by = ANY (raised);
    UPDATE activities SET claimed_by = NULL WHERE claimed_by = ANY (dead);
    UPDATE instances i SET turn_attempt = turn_attempt + 1
    WHERE owner = ANY (raised) AND stalled IS NULL AND status <> 'Suspended'
      AND EXISTS (SELECT FROM inbox WHERE ref = i.ref)
      AND NOT EXISTS (SELECT FROM timers WHERE ref = i.ref AND timer_id = 0)
      AND (NOT starts_with(instance_id, '@') OR entity_lock IS NULL AND EXISTS (
        SELECT FROM inbox b WHERE b.ref = i.ref AND NOT EXISTS (SELECT FROM timers t WHERE t.ref = b.ref AND t.timer_id = b.key)));
    UPDATE instances i SET owner = CASE WHEN EXISTS (SELECT FROM inbox WHERE ref = i.ref) THEN node END WHERE owner = ANY (dead);
    DELETE FROM completions c WHERE c.node = ANY (dead);
    DELETE FROM nodes WHERE epoch = ANY (dead);
  END $$;

  -- Forgets the blobs that nothing refers to, of those that came with a batch or belonged to instances that lost rows in it.
  -- Three statements, each with its own view: between the lock and the removal nobody else can begin to use one.
  CREATE FUNCTION collect_blobs(shrunk bigint[], added text[]) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE suspects text[];
  BEGIN
    WITH unused AS (
      DELETE FROM blob_uses u WHERE u.ref = ANY (shrunk) AND NOT EXISTS (
        SELECT 1 FROM (
          SELECT unnest(ARRAY[parent, tags, trace_context, stalled, input, output, failure, custom_status, entity_state, entity_lock]) AS text
          FROM instances WHERE ref = u.ref
          UNION ALL SELECT events FROM history WHERE ref = u.ref
          UNION ALL SELECT message FROM inbox WHERE ref = u.ref
          UNION ALL SELECT work FROM activities WHERE ref = u.ref
        ) t WHERE starts_with(t.text, '@') AND strpos(split_part(t.text, E'\\n', 1), u.hash) > 0
      ) RETURNING hash
    ) SELECT array_agg(hash) INTO suspects FROM unused;
    suspects := array_cat(suspects, added);
    IF suspects IS NULL THEN RETURN; END IF;
    PERFORM 1 FROM blobs WHERE hash = ANY (suspects) ORDER BY hash FOR UPDATE;
    DELETE FROM blobs b WHERE hash = ANY (suspects) AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE hash = b.hash);
  END $$;
  `,
];
