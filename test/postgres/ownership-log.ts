// Who wrote turns and who changed owners, noted by the database itself inside the very transactions: what it shows is not
// what a node claims.

import type pg from "pg";

/** Call it when the schema is there, before anything happens in it. */
export async function keepOwnershipLog(client: pg.Client, schema: string): Promise<void> {
  await client.query(`
    SET search_path = ${schema};
    CREATE TABLE ownership_log (id bigint GENERATED ALWAYS AS IDENTITY, ref bigint, what text, was bigint, owner bigint, writer bigint, writer_is_dead boolean);
    -- The writer is the node whose row this transaction has fenced; none for a claim outside a batch.
    CREATE FUNCTION writer() RETURNS nodes LANGUAGE sql AS $$ SELECT * FROM ${schema}.nodes WHERE xmin::text = (pg_current_xact_id()::text::bigint % (2^32)::bigint)::text LIMIT 1 $$;
    CREATE FUNCTION note_turn() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE w ${schema}.nodes := ${schema}.writer();
    BEGIN
      INSERT INTO ${schema}.ownership_log (ref, what, owner, writer, writer_is_dead)
      SELECT NEW.ref, 'turn', owner, w.epoch, w.is_dead FROM ${schema}.instances WHERE ref = NEW.ref;
      RETURN NEW;
    END $$;
    CREATE FUNCTION note_owner() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.owner IS DISTINCT FROM OLD.owner THEN
        INSERT INTO ${schema}.ownership_log (ref, what, was, owner, writer, writer_is_dead)
        SELECT NEW.ref, 'owner', OLD.owner, NEW.owner, (${schema}.writer()).epoch, coalesce((SELECT is_dead FROM ${schema}.nodes WHERE epoch = OLD.owner), true);
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER note_turn AFTER INSERT ON history FOR EACH ROW EXECUTE FUNCTION note_turn();
    CREATE TRIGGER note_owner AFTER UPDATE ON instances FOR EACH ROW EXECUTE FUNCTION note_owner();
    SET search_path = DEFAULT`);
}

export interface Misdeed {
  readonly ref: string;
  readonly what: string;
}

/**
 * Turns that somebody else than the owner wrote (an instance that ends has no owner any more, and its writer was it until
 * then), and instances that were taken from a living node.
 */
export async function misdeeds(client: pg.Client, schema: string): Promise<readonly Misdeed[]> {
  const { rows } = await client.query(`
    SELECT ref, 'turn written by ' || coalesce(writer::text, 'nobody') || ', owned by ' || coalesce(owner::text, 'nobody') AS what
    FROM ${schema}.ownership_log WHERE what = 'turn' AND (writer IS NULL OR owner IS DISTINCT FROM writer AND owner IS NOT NULL)
    UNION ALL
    SELECT ref, 'taken from ' || was || ' by ' || coalesce(owner::text, 'nobody') FROM ${schema}.ownership_log
    WHERE what = 'owner' AND was IS NOT NULL AND NOT writer_is_dead AND writer IS DISTINCT FROM was AND owner IS NOT NULL`);
  return rows;
}
