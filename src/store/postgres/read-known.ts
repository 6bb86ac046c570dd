// Reads what a batch looks at, and locks it until the end of the transaction. Instances are locked first and in the order
// of their numbers, so that two nodes never wait for each other in a circle; what hangs on a lock is read after it.

import { escapeKey, unescapeKey } from "../encoding/key-text.ts";
import { integer, string } from "../encoding/sql-rows.ts";
import { bigints, byteas, type Column, texts } from "./array-parameter.ts";
import type { Answer, Connection } from "./connection.ts";
import { digestOf } from "./digest.ts";
import { decodeHead, HEAD_COLUMNS } from "./heads.ts";
import { type Known, pairKey } from "./known.ts";
import type { Looks } from "./looks.ts";
import { statement } from "./write-statements.ts";

const LOCK_HEADS = statement(
  "lock-heads",
  `SELECT ${HEAD_COLUMNS} FROM instances i WHERE i.ref IN (
    SELECT unnest($1::bigint[])
    UNION SELECT k.ref FROM unnest($2::bytea[]) AS v (digest) JOIN instances k ON k.digest = v.digest
    UNION SELECT ref FROM instances WHERE parent_ref = ANY ($3::bigint[])
  ) ORDER BY i.ref FOR NO KEY UPDATE OF i`,
);
const LOCK_HUB = statement(
  "lock-hub",
  `SELECT ${HEAD_COLUMNS} FROM instances i WHERE md5(i.hub) = md5($1) AND i.hub = $1 ORDER BY i.ref LIMIT $2 FOR NO KEY UPDATE`,
);
/** Of messages, one more for each child; drawn after the locks, so that they grow with the order of arrival. */
const DRAW = statement(
  "draw",
  `SELECT to_json(ARRAY(SELECT nextval('inbox_keys') FROM generate_series(1,
      $1::bigint + (SELECT count(*) FROM unnest($3::bigint[]) AS v (ref) JOIN instances i ON i.parent_ref = v.ref)))) AS keys,
    to_json(ARRAY(SELECT nextval('refs') FROM generate_series(1, $2::bigint))) AS refs`,
);
const COUNT_INBOXES = statement(
  "count-inboxes",
  `SELECT i.ref, (SELECT count(*) FROM inbox WHERE ref = i.ref) AS length
  FROM unnest($1::bytea[]) AS v (digest) JOIN instances i ON i.digest = v.digest`,
);
const LOCK_ACTIVITIES = statement(
  "lock-activities",
  `SELECT t.ref, t.action_id, t.execution_id, t.claimed_by IS NULL OR t.claimed_by = $4
    OR NOT EXISTS (SELECT FROM nodes n WHERE n.epoch = t.claimed_by AND NOT n.is_dead) AS is_ours
  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS v (ref, action_id, execution_id)
  JOIN activities t ON t.ref = v.ref AND t.action_id = v.action_id AND t.execution_id = v.execution_id ORDER BY t.ord FOR UPDATE OF t`,
);
const READ_DELIVERIES = statement(
  "read-deliveries",
  "SELECT position, until FROM unnest($1::bytea[]) WITH ORDINALITY AS v (digest, position) JOIN deliveries USING (digest)",
);
const COUNT_DELIVERIES = statement(
  "count-deliveries",
  "SELECT count(*) AS count FROM (SELECT FROM deliveries WHERE md5(hub) = md5($1) AND hub = $1 LIMIT $2) d",
);

const NO_ROWS: Answer = { rows: [], count: 0, command: "" };

/** All statements leave at once; the answer is one round trip away. */
export async function readKnown(connection: Connection, looks: Looks, node: number): Promise<Known> {
  const { refs, keys, counted, parents, activities, deliveries, clearedHub } = looks;
  const ask = (isAsked: boolean, ...query: Parameters<Connection["run"]>): Promise<Answer> =>
    isAsked ? connection.run(...query) : Promise.resolve(NO_ROWS);
  const children = bigints(parents);
  const answers = await settleAll([
    ask(refs.size + keys.length + parents.length > 0, LOCK_HEADS, [bigints([...refs]), digests(keys), children]),
    ask(clearedHub !== undefined, LOCK_HUB, [escapeKey(clearedHub?.hub ?? ""), clearedHub?.limit]),
    ask(looks.inboxKeys + looks.newRefs + parents.length > 0, DRAW, [looks.inboxKeys, looks.newRefs, children]),
    ask(counted.length > 0, COUNT_INBOXES, [digests(counted)]),
    ask(activities.length > 0, LOCK_ACTIVITIES, [
      bigints(activities.map(({ ref }) => ref)),
      bigints(activities.map(({ actionId }) => actionId)),
      texts(activities.map(({ executionId }) => escapeKey(executionId))),
      node,
    ]),
    ask(deliveries.length > 0, READ_DELIVERIES, [digests(deliveries)]),
    ask(clearedHub !== undefined, COUNT_DELIVERIES, [escapeKey(clearedHub?.hub ?? ""), clearedHub?.limit]),
  ]);
  const [heads, hub, drawn, lengths, found, remembered, hubDeliveries] = answers;
  return {
    heads: [...(heads?.rows ?? []), ...(hub?.rows ?? [])].map(decodeHead),
    children: childrenOf(heads?.rows ?? [], new Set(parents)),
    inboxLengths: new Map((lengths?.rows ?? []).map((row) => [integer(row["ref"]), integer(row["length"])])),
    activities: (found?.rows ?? []).map((row) => ({
      ref: integer(row["ref"]),
      actionId: integer(row["action_id"]),
      executionId: unescapeKey(string(row["execution_id"])),
      isOurs: row["is_ours"] === true,
    })),
    deliveries: untilOf(remembered?.rows ?? [], deliveries),
    hubRefs: (hub?.rows ?? []).map((row) => integer(row["ref"])),
    hubDeliveries: Number(hubDeliveries?.rows[0]?.["count"] ?? 0),
    inboxKeys: numbers(drawn?.rows[0]?.["keys"]),
    newRefs: numbers(drawn?.rows[0]?.["refs"]),
  };
}

/** The answers when all are in; the first failure is the cause of those behind it. */
export async function settleAll<Value>(promises: readonly Promise<Value>[]): Promise<readonly Value[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

function digests(pairs: readonly (readonly [string, string])[]): Column {
  return byteas(pairs.map(([first, second]) => digestOf(first, second)));
}

function childrenOf(rows: Answer["rows"], parents: ReadonlySet<number>): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const row of rows) {
    const parent = row["parent_ref"];
    if (typeof parent !== "number" || !parents.has(parent)) continue;
    const refs = children.get(parent) ?? [];
    refs.push(integer(row["ref"]));
    children.set(parent, refs);
  }
  return children;
}

function untilOf(rows: Answer["rows"], asked: Looks["deliveries"]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const row of rows) {
    const pair = asked[integer(row["position"]) - 1];
    if (pair !== undefined) found.set(pairKey(...pair), integer(row["until"]));
  }
  return found;
}

/** JSON that the server made of its own numbers. */
function numbers(json: unknown): readonly number[] {
  return Array.isArray(json) ? json.map(integer) : [];
}
