// A store in PostgreSQL. Calls are carried out one after the other, in their order. A batch is one transaction: the fence,
// what the rules look at (if this node does not know it already), then all writes and the commit in one breath. So a batch
// of turns of owned instances costs one round trip, and any other two.
//
// When the connection is lost, the node's row tells whether the batch landed, and which try of it: never twice (E4).

import { SignalboxError } from "../../model/errors.ts";
import { isTerminal, ORCHESTRATION_STATUSES } from "../../model/status.ts";
import { applyPart } from "../apply-part.ts";
import type { Core, EncodedTimer } from "../core.ts";
import type { EncodedBatch, EncodedPart } from "../encoding/parts.ts";
import type { EncodedStored } from "../encoding/rows.ts";
import { integer, type SqlRow, timerIn } from "../encoding/sql-rows.ts";
import type { PartAnswer } from "../store.ts";
import { bigints, texts } from "./array-parameter.ts";
import type { Answer, Connection, Write } from "./connection.ts";
import { decodeHead, HEAD_COLUMNS, IS_FREE, ownerAfter } from "./heads.ts";
import type { HintDraft } from "./hint-draft.ts";
import { type HintLine, type Note, noteOf } from "./hint-line.ts";
import { type Known, NOTHING_KNOWN, RememberedHeads } from "./known.ts";
import { looksOf } from "./looks.ts";
import type { NodeSession } from "./node-session.ts";
import { OneStatement } from "./one-statement.ts";
import { OverlayTables } from "./overlay-tables.ts";
import { fromPostgresError, verdictOf } from "./postgres-error.ts";
import { MissingPayload, PostgresReads } from "./postgres-reads.ts";
import { readKnown, settleAll } from "./read-known.ts";
import { UpdateStatements } from "./update-statements.ts";
import * as sql from "./write-statements.ts";

/** Tries of a batch that other nodes got in the way of. */
const MAX_TRIES = 50;
const MAX_READS = 3;
const TERMINAL_STATUSES = ORCHESTRATION_STATUSES.filter(isTerminal);

/** Those of this node and those of nobody, which it takes. Who is just being claimed or sent a message comes by a hint. */
const AWAKE = sql.statement(
  "awake",
  `WITH page AS (
    SELECT i.ref, i.owner FROM (SELECT DISTINCT ref FROM inbox WHERE ref > $1) b JOIN instances i ON i.ref = b.ref
    WHERE i.owner = $3 OR ${IS_FREE} ORDER BY i.ref LIMIT $2 FOR NO KEY UPDATE OF i SKIP LOCKED),
  claimed AS (UPDATE instances i SET owner = $3 FROM page WHERE i.ref = page.ref AND page.owner IS DISTINCT FROM $3)
  SELECT ref FROM page ORDER BY ref`,
);
const DUE_TIMERS = sql.statement(
  "due-timers",
  `SELECT t.ref, i.hub, i.instance_id, i.execution_id, t.timer_id, t.fire_at FROM timers t JOIN instances i ON i.ref = t.ref
  WHERE t.fire_at <= $1 AND (i.owner = $3 OR ${IS_FREE}) ORDER BY t.fire_at, t.ref, t.timer_id LIMIT $2`,
);
/** An instance that has work is this node's before it is read; the head of one that is another's is not answered. */
const CLAIM = sql.statement(
  "claim",
  `WITH claimed AS (
    UPDATE instances i SET owner = $2 WHERE ref = $1 AND owner IS DISTINCT FROM $2 AND ${IS_FREE} AND i.status <> ALL ($3::text[])
    RETURNING ${HEAD_COLUMNS})
  SELECT * FROM claimed UNION ALL
  SELECT ${HEAD_COLUMNS} FROM instances i WHERE ref = $1 AND NOT EXISTS (SELECT FROM claimed) AND (owner = $2 OR status = ANY ($3::text[]))`,
);
const NEXT_DUE = sql.statement(
  "next-due",
  "SELECT least((SELECT min(fire_at) FROM timers), (SELECT min(due_at) FROM activities WHERE due_at IS NOT NULL)) AS moment",
);

/** What is known of a batch once all of it is sent. */
interface Sent {
  readonly answers: readonly PartAnswer[];
  readonly overlays: readonly OverlayTables[];
  /** What RELEASED answered, if that is known. */
  readonly released: SqlRow | undefined;
}

export type AsyncCore = {
  readonly [Name in keyof Core]: Core[Name] extends (...parameters: infer Parameters) => infer Result
    ? (...parameters: Parameters) => Promise<Result>
    : Core[Name];
};

export class PostgresDatabase extends PostgresReads implements AsyncCore {
  readonly epoch: number;
  readonly #session: NodeSession;
  readonly #line: HintLine;
  readonly #heads = new RememberedHeads();
  readonly #updates = new UpdateStatements();
  readonly #oneStatement = new OneStatement();
  #batch = 0;
  #attempt = 0;
  #last: Promise<unknown> = Promise.resolve();
  #failure: SignalboxError | undefined;

  constructor(session: NodeSession, line: HintLine) {
    super(() => session.connection());
    this.#line = line;
    this.#session = session;
    this.epoch = session.epoch;
  }

  /** Runs a call when all before it have ended; errors leave with a code, and one of the server ends the store's use. */
  inOrder<Value>(call: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        return await call();
      } catch (error) {
        const coded = fromPostgresError(error, this.#session.place);
        if (coded.code === "STORE_IO" || coded.code === "STORE_CORRUPT") this.#failure ??= coded;
        throw coded;
      }
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    const closed = new SignalboxError("SHUT_DOWN", `The store ${this.#session.place} is closed.`);
    await this.#last;
    this.#failure ??= closed;
    await this.#session.leave();
    this.#line.tell([{ kind: "sweep" }]);
    await this.#line.close();
  }

  async commit(batch: EncodedBatch): Promise<readonly PartAnswer[]> {
    if (batch.epoch !== this.epoch) {
      const message = `The store was opened again (epoch ${this.epoch}); epoch ${batch.epoch} changes nothing.`;
      throw new SignalboxError("OWNERSHIP_LOST", message);
    }
    const sent = new Map<number, Sent>();
    for (let tries = 1; ; tries++) {
      const attempt = ++this.#attempt;
      try {
        const connection = await this.#session.connection();
        return this.#landed(await this.#try(connection, batch, attempt, (all) => sent.set(attempt, all)));
      } catch (error) {
        this.#heads.clear();
        const verdict = verdictOf(error);
        if (verdict === "refused" || verdict === "broken" || tries >= MAX_TRIES) throw error;
        const landed = verdict === "repeat" ? undefined : await this.#landedAttempt(sent);
        if (landed !== undefined) return this.#landed(landed);
      }
    }
  }

  /** Null also for an instance that another node owns. */
  override async load(ref: number): Promise<EncodedStored | null> {
    const { rows } = await (await this.#session.connection()).run(CLAIM, [ref, this.epoch, texts(TERMINAL_STATUSES)]);
    const [row] = rows;
    if (row === undefined) return null;
    const head = { ...decodeHead(row), isFree: false };
    if (row["owner"] !== null) this.#heads.set({ ...head, owner: this.epoch });
    return await super.load(ref);
  }

  async awake(after: number, limit: number): Promise<readonly number[]> {
    const { rows } = await (await this.#session.connection()).run(AWAKE, [after, limit, this.epoch]);
    return rows.map((row) => integer(row["ref"]));
  }

  async dueTimers(until: number, limit: number): Promise<readonly EncodedTimer[]> {
    const { rows } = await (await this.#session.connection()).run(DUE_TIMERS, [until, limit, this.epoch]);
    return rows.map(timerIn);
  }

  async nextDue(): Promise<number | null> {
    const { rows } = await (await this.#session.connection()).run(NEXT_DUE);
    const moment = rows[0]?.["moment"];
    return typeof moment === "number" ? moment : null;
  }

  async #try(connection: Connection, batch: EncodedBatch, attempt: number, onSent: (sent: Sent) => void): Promise<Sent> {
    const quick = this.#inOneStatement(batch, attempt);
    if (quick !== undefined) {
      onSent(quick.sent);
      await connection.run(quick.write.statement, quick.write.values);
      return quick.sent;
    }
    const underWay: Promise<Answer>[] = [];
    const send = (...query: Parameters<Connection["run"]>): void => void underWay.push(connection.run(...query));
    try {
      send(sql.BEGIN);
      send(sql.FENCE, [this.epoch, this.#batch + 1, attempt]);
      const answers: PartAnswer[] = [];
      const overlays: OverlayTables[] = [];
      for (const parts of segmentsOf(batch.parts)) {
        const [first] = parts;
        if (first?.kind === "raiseAttempts" || first?.kind === "takeOver") {
          send(sql.TAKE_OVER, [this.epoch, first.kind === "raiseAttempts"]);
          this.#heads.clear();
          answers.push({ kind: "done" });
          continue;
        }
        const overlay = new OverlayTables(this.epoch, await this.#look(connection, parts, underWay), this.#heads);
        overlay.writes.addBlobs(batch.blobs);
        for (const part of parts) answers.push(this.#apply(overlay, part));
        for (const { statement, values } of overlay.writes.statements([...overlay.heads()], this.#updates)) send(statement, values);
        overlays.push(overlay);
      }
      const released = overlays.flatMap((overlay) => [...overlay.hints.released]);
      if (released.length > 0) send(sql.RELEASED, [bigints(released)]);
      send(sql.COMMIT);
      const sent: Sent = { answers, overlays, released: undefined };
      onSent(sent);
      const results = await settleAll(underWay);
      if (results.at(-1)?.command !== "COMMIT") throw new SignalboxError("INTERNAL", "The server rolled a batch back without an error.");
      return { ...sent, released: released.length > 0 ? results.at(-2)?.rows[0] : undefined };
    } catch (error) {
      await Promise.allSettled([...underWay, connection.isLost ? undefined : connection.execute("ROLLBACK")]);
      throw error;
    }
  }

  /** A batch that has nothing to look at, if all that it writes fits into one statement. */
  #inOneStatement(batch: EncodedBatch, attempt: number): { readonly sent: Sent; readonly write: Write } | undefined {
    const [parts, more] = segmentsOf(batch.parts);
    const [first] = parts ?? [];
    if (parts === undefined || more !== undefined || first?.kind === "raiseAttempts" || first?.kind === "takeOver") return undefined;
    if (batch.blobs.length > 0 || looksOf(parts, (ref) => this.#heads.get(ref) !== undefined) !== undefined) return undefined;
    const overlay = new OverlayTables(this.epoch, NOTHING_KNOWN, this.#heads);
    const answers = parts.map((part) => this.#apply(overlay, part));
    if (!overlay.writes.isDisjoint || overlay.hints.released.size > 0) return undefined;
    const fence = { epoch: this.epoch, batch: this.#batch + 1, attempt };
    const write = this.#oneStatement.of(overlay.writes.statements([...overlay.heads()], this.#updates), fence);
    return write && { sent: { answers, overlays: [overlay], released: undefined }, write };
  }

  /** What the rules look at, read under locks; nothing for a batch that is all about what this node owns and remembers. */
  async #look(connection: Connection, parts: readonly EncodedPart[], underWay: readonly Promise<Answer>[]): Promise<Known> {
    const looks = looksOf(parts, (ref) => this.#heads.get(ref) !== undefined);
    if (looks === undefined) return NOTHING_KNOWN;
    const known = readKnown(connection, looks, this.epoch);
    // An earlier failure is the cause of this one's.
    known.catch(() => undefined);
    await settleAll(underWay);
    return await known;
  }

  #apply(overlay: OverlayTables, part: EncodedPart): PartAnswer {
    // Whoever runs an activity for an instance may say why it stands still; all else is the owner's.
    if (part.kind === "turn" || (part.kind === "row" && part.change.status !== null)) {
      const head = overlay.headByRef(part.ref);
      if (head !== undefined && !head.isFree && head.owner !== this.epoch) {
        const message = `Instance ${JSON.stringify(head.instanceId)} belongs to node ${head.owner}; node ${this.epoch} may not change it.`;
        throw new SignalboxError("STORE_REFUSED", message);
      }
    }
    return applyPart(overlay, part);
  }

  #landed({ answers, overlays, released }: Sent): readonly PartAnswer[] {
    this.#batch += 1;
    this.#line.tell(overlays.flatMap((overlay) => notesOf(overlay.hints, released)));
    for (const overlay of overlays) {
      for (const ref of overlay.removed()) this.#heads.delete(ref);
      for (const head of overlay.heads()) {
        const owner = ownerAfter(head);
        if (owner === this.epoch) this.#heads.set({ ...head, owner, isFree: false });
        else this.#heads.delete(head.ref);
      }
    }
    return answers;
  }

  /** Undefined: none has landed, and none that was sent before can land any more. */
  async #landedAttempt(sent: ReadonlyMap<number, Sent>): Promise<Sent | undefined> {
    for (;;) {
      try {
        const row = await this.#session.readRow();
        if (row === undefined || row.isDead || row.batch > this.#batch + 1) throw this.#fenced();
        return row.batch === this.#batch + 1 ? sent.get(row.attempt) : undefined;
      } catch (error) {
        if (verdictOf(error) !== "lost") throw error;
      }
    }
  }

  #fenced(): SignalboxError {
    const message = `Another node took over what node ${this.epoch} of the store ${this.#session.place} owned, because it gave no sign of life.`;
    return (this.#failure = new SignalboxError("OWNERSHIP_LOST", message));
  }

  /** For reads: the connection may be lost, and a payload may go between its own reading and that of the row that refers to it. */
  async readAgain<Value>(call: () => Promise<Value>): Promise<Value> {
    for (let reads = 1; ; reads++) {
      try {
        return await call();
      } catch (error) {
        const isWorthIt = error instanceof MissingPayload || verdictOf(error) === "lost";
        if (!isWorthIt || reads >= MAX_READS || error instanceof SignalboxError) throw error;
      }
    }
  }
}

/** Parts that look at more than the rows they name see the effect of what comes before them: they begin anew. */
function segmentsOf(parts: readonly EncodedPart[]): readonly (readonly EncodedPart[])[] {
  const segments: EncodedPart[][] = [];
  let isOpen = false;
  for (const part of parts) {
    const isAlone = part.kind === "raiseAttempts" || part.kind === "takeOver" || part.kind === "clearHub";
    if (isAlone || !isOpen) segments.push([]);
    segments.at(-1)?.push(part);
    isOpen = !isAlone;
  }
  return segments;
}

/** Of what a batch did; without word of what it released, everybody looks. */
function notesOf(hints: HintDraft, released: SqlRow | undefined): readonly Note[] {
  const notes = [...noteOf("changed", hints.changed), ...noteOf("stopped", hints.stopped)];
  for (const [node, refs] of hints.messages) notes.push(...noteOf("messages", refs, node));
  for (const [node, refs] of hints.gone) notes.push(...noteOf("gone", refs, node));
  for (const [node, at] of hints.due) notes.push({ kind: "due", to: node, at });
  if (hints.hasQueuedActivities) notes.push({ kind: "activities" });
  if (hints.released.size === 0) return notes;
  if (released === undefined) return [...notes, { kind: "sweep" }];
  const { due, waiting } = released;
  if (typeof due === "number") notes.push({ kind: "due", at: due });
  if (Array.isArray(waiting)) notes.push(...noteOf("waiting", waiting.map(integer)));
  return notes;
}
