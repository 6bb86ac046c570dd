// What nodes on one database do with what they share: claims that never wait for each other, and answers that are passed on.

import { asExecutionId } from "../../model/ids.ts";
import { escapeKey, unescapeKey } from "../encoding/key-text.ts";
import { decodeActivity, decodeInboxRow } from "../encoding/rows.ts";
import { integer, string } from "../encoding/sql-rows.ts";
import type { ActivityKey, ActivityRow, Capability, ForeignCompletion, Hint, InboxRow, InstanceRef, Sharing } from "../store.ts";
import { bigints, booleans, type Column, texts } from "./array-parameter.ts";
import type { Answer, Connection } from "./connection.ts";
import { IS_FREE } from "./heads.ts";
import { type HintLine, noteOf } from "./hint-line.ts";
import type { PostgresDatabase } from "./postgres-database.ts";
import { statement } from "./write-statements.ts";

const OWNED = statement(
  "owned",
  `SELECT DISTINCT b.ref FROM inbox b JOIN instances i ON i.ref = b.ref WHERE b.ref > $1 AND i.owner = $2 ORDER BY b.ref LIMIT $3`,
);
const CAN_GO_ON = `i.stalled IS NULL AND i.status <> 'Suspended' AND EXISTS (SELECT FROM inbox WHERE ref = i.ref)`;
/** By the columns of `wantedColumns`; `null` in one of them is anything. */
const wantedAs = (name: string): string => `($2::text[] IS NULL OR EXISTS (
  SELECT FROM unnest($2::text[], $3::text[], $4::boolean[]) AS w (hub, name, is_entity)
  WHERE coalesce(w.hub = i.hub, true) AND coalesce(w.name = ${name}, true) AND w.is_entity = starts_with(i.instance_id, '@')))`;
const claims = (candidates: string): string => `
  WITH page AS (
    SELECT i.ref FROM ${candidates} WHERE ${IS_FREE} AND ${CAN_GO_ON} AND ${wantedAs("i.name")} ORDER BY i.ref LIMIT $5 FOR NO KEY UPDATE OF i SKIP LOCKED)
  UPDATE instances i SET owner = $1 FROM page WHERE i.ref = page.ref RETURNING i.ref`;
const CLAIM_ANY = statement("claim-any", claims("(SELECT DISTINCT ref FROM inbox) b JOIN instances i ON i.ref = b.ref"));
const CLAIM_NAMED = statement("claim-named", claims("unnest($6::bigint[]) AS b (ref) JOIN instances i ON i.ref = b.ref"));
/** No batch, and yet fenced: what a dead node claims after it was taken over would be nobody's for ever. */
const CLAIM_ACTIVITIES = statement(
  "claim-activities",
  `WITH me AS (SELECT epoch FROM nodes WHERE epoch = $1 AND NOT is_dead FOR SHARE),
  page AS (
    SELECT a.ord FROM me, activities a JOIN instances i ON i.ref = a.ref WHERE a.claimed_by IS NULL AND ${wantedAs("a.name")}
    ORDER BY a.ord LIMIT $5 FOR UPDATE OF a SKIP LOCKED)
  UPDATE activities a SET claimed_by = $1, in_flight = true FROM page, instances i WHERE a.ord = page.ord AND i.ref = a.ref
  RETURNING a.ord, a.ref, i.hub, i.instance_id, a.execution_id, a.action_id, a.attempt, a.in_flight, a.due_at, a.work`,
);
const RETURN_ACTIVITIES = statement(
  "return-activities",
  "UPDATE activities SET claimed_by = NULL, in_flight = false WHERE ord = ANY ($1::bigint[]) AND claimed_by = $2",
);
const PASS = statement(
  "pass-completion",
  "INSERT INTO completions (node, completion) SELECT epoch, $2 FROM nodes WHERE epoch = $1 AND NOT is_dead",
);
const FORGET_COMPLETIONS = statement("forget-completions", "DELETE FROM completions WHERE id = ANY ($1::bigint[]) AND node = $2");
const COMPLETIONS = statement("completions", "SELECT id, completion FROM completions WHERE node = $1 ORDER BY id LIMIT $2");
const CLAIMED = statement("claimed", "SELECT ord, ref, execution_id, action_id FROM activities WHERE claimed_by = $1");

export class PostgresSharing implements Sharing {
  readonly #database: PostgresDatabase;
  readonly #line: HintLine;
  readonly #epoch: number;

  constructor(database: PostgresDatabase, line: HintLine) {
    this.#database = database;
    this.#line = line;
    this.#epoch = database.epoch;
  }

  get hasPeers(): boolean {
    return this.#line.hasPeers;
  }

  now(): number {
    return this.#line.now();
  }

  listen(listener: (hint: Hint) => void): void {
    this.#line.listen(listener);
  }

  async owned(after: InstanceRef, limit: number): Promise<readonly InstanceRef[]> {
    return refsOf(await this.#run((connection) => connection.run(OWNED, [after, this.#epoch, limit])));
  }

  async claim(
    wanted: readonly Capability[] | undefined,
    refs: readonly InstanceRef[] | undefined,
    limit: number,
  ): Promise<readonly InstanceRef[]> {
    if (wanted?.length === 0 || refs?.length === 0) return [];
    const values = [this.#epoch, ...wantedColumns(wanted), limit];
    const answer = await this.#run((connection) =>
      refs === undefined ? connection.run(CLAIM_ANY, values) : connection.run(CLAIM_NAMED, [...values, bigints(refs)]),
    );
    return refsOf(answer).toSorted((a, b) => a - b);
  }

  async claimActivities(wanted: readonly Capability[] | undefined, limit: number): Promise<readonly ActivityRow[]> {
    if (wanted?.length === 0 || limit <= 0) return [];
    const rows = await this.#run(async (connection) => {
      const claimed = await connection.run(CLAIM_ACTIVITIES, [this.#epoch, ...wantedColumns(wanted), limit]);
      return await this.#database.decodeActivities(connection, claimed.rows);
    });
    return rows.map(decodeActivity).toSorted((a, b) => a.order - b.order);
  }

  async claimedActivities(): Promise<readonly (ActivityKey & { readonly order: number })[]> {
    const { rows } = await this.#run((connection) => connection.run(CLAIMED, [this.#epoch]));
    return rows.map((row) => ({
      order: integer(row["ord"]),
      ref: integer(row["ref"]),
      executionId: asExecutionId(unescapeKey(string(row["execution_id"]))),
      actionId: integer(row["action_id"]),
    }));
  }

  async returnActivities(orders: readonly number[]): Promise<void> {
    await this.#run((connection) => connection.run(RETURN_ACTIVITIES, [bigints(orders), this.#epoch]));
    this.#line.tell([{ kind: "activities" }]);
  }

  async inbox(ref: InstanceRef): Promise<readonly InboxRow[]> {
    return (await this.#run((connection) => this.#database.readInbox(connection, ref))).map(decodeInboxRow);
  }

  want(ref: InstanceRef): void {
    this.#line.tell(noteOf("wanted", [ref]));
  }

  async passCompletion(epoch: number, { token, text }: Omit<ForeignCompletion, "id">): Promise<boolean> {
    const { count } = await this.#run((connection) => connection.run(PASS, [epoch, JSON.stringify([token, text])]));
    if (count > 0) this.#line.tell([{ kind: "completions", to: epoch }]);
    return count > 0;
  }

  async takeCompletions(seen: readonly number[], limit: number): Promise<readonly ForeignCompletion[]> {
    const { rows } = await this.#run(async (connection) => {
      if (seen.length > 0) await connection.run(FORGET_COMPLETIONS, [bigints(seen), this.#epoch]);
      return await connection.run(COMPLETIONS, [this.#epoch, limit]);
    });
    return rows.map((row) => {
      // JSON that passCompletion wrote.
      const [token, text] = JSON.parse(string(row["completion"])) as readonly [string, string];
      return { id: integer(row["id"]), token, text };
    });
  }

  /** In the order of all calls of the store. */
  #run<Value>(call: (connection: Connection) => Promise<Value>): Promise<Value> {
    return this.#database.inOrder(() => this.#database.readAgain(async () => call(await this.#database.connection())));
  }
}

function wantedColumns(wanted: readonly Capability[] | undefined): readonly (Column | null)[] {
  if (wanted === undefined) return [null, null, null];
  const escaped = (key: string | undefined): string | null => (key === undefined ? null : escapeKey(key));
  return [
    texts(wanted.map(({ hub }) => escaped(hub))),
    texts(wanted.map(({ name }) => escaped(name))),
    booleans(wanted.map(({ isEntity = false }) => isEntity)),
  ];
}

function refsOf({ rows }: Answer): readonly InstanceRef[] {
  return rows.map((row) => integer(row["ref"]));
}
