// What nodes hear of each other: a connection of its own for notifications, and a beat. Each second a node says that it
// lives, by the database's clock, and looks for others that do not: whose process is gone (its advisory lock is), or that
// have been silent for too long (a dead machine). Notifications are sent after the commit that they are about, outside its
// transaction: in it they would make the commits of all nodes wait for each other.

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { integer } from "../encoding/sql-rows.ts";
import type { Hint, InstanceRef } from "../store.ts";
import { bigints, texts } from "./array-parameter.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { statement } from "./write-statements.ts";

const BEAT_MS = 1_000;
const SWEEP_MS = 10_000;
/** A node that has only lost its connection makes a new one within this time. */
export const SECOND_LOOK_MS = 200;
const RECONNECT_MS = 250;
/** What cut this node off may have cut off all of them: for this long they may come back, before one is given up. */
const GRACE_MS = 2_000;
/** A notification holds less than 8,000 bytes. */
const REFS_AT_ONCE = 400;
/** A measurement of the clock that took longer says little. */
const GOOD_ROUND_TRIP_MS = 50;

/** A node's lock is on the oid of our table, which tells the stores of a server apart, and the node's epoch. */
export const LOCK_KEY = "('nodes'::regclass::oid::bigint << 32) | $1";
const IS_LIFELESS = `(n.seen_at < clock_timestamp() - interval '3 seconds' OR NOT EXISTS (
  SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 'nodes'::regclass::oid AND objid::bigint = n.epoch AND objsubid = 1
    AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))`;
export const LIFELESS = statement("lifeless", `SELECT epoch FROM nodes n WHERE NOT is_dead AND epoch <> $1 AND ${IS_LIFELESS}`);
/** Whoever is in the middle of a batch is alive, or the server will end its session. */
export const MARK_DEAD = statement(
  "mark-dead",
  `UPDATE nodes SET is_dead = true WHERE epoch IN (
    SELECT epoch FROM nodes n WHERE epoch = ANY ($1::bigint[]) AND NOT is_dead AND ${IS_LIFELESS} FOR UPDATE SKIP LOCKED) RETURNING epoch`,
);
const BEAT = statement(
  "beat",
  `WITH beat AS (UPDATE nodes SET seen_at = clock_timestamp() WHERE epoch = $1 AND NOT is_dead RETURNING epoch)
  SELECT (SELECT count(*) FROM beat) AS alive, (SELECT count(*) FROM nodes WHERE NOT is_dead AND epoch <> $1) AS peers,
    (SELECT count(*) FROM nodes WHERE is_dead) AS dead, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`,
);
const NOTIFY = statement("notify", "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS v (payload)");

/** A hint on the wire; without `to` it is for every other node. */
interface Note {
  readonly kind: Hint["kind"] | "hello";
  readonly to?: number;
  readonly refs?: readonly InstanceRef[];
  readonly at?: number;
}

export class HintLine {
  readonly #options: ConnectionOptions;
  readonly #epoch: number;
  readonly #channel: string;
  readonly #ended = new AbortController();
  #connection: Connection;
  #listener: (hint: Hint) => void = () => {};
  #peers = 0;
  /** The database's clock less our monotonic one. */
  #clockBase = 0;
  #sweptAt = performance.now();
  #reconnectedAt = Number.NEGATIVE_INFINITY;
  #suspected: ReadonlySet<number> = new Set();
  #beating: Promise<void> = Promise.resolve();
  #hadDead = false;

  static async open(options: ConnectionOptions, epoch: number): Promise<HintLine> {
    const line = new HintLine(options, epoch, await Connection.open(options));
    try {
      await line.#join();
      await line.#beat();
    } catch (error) {
      await line.close();
      throw error;
    }
    line.#beating = line.#keepBeating();
    return line;
  }

  private constructor(options: ConnectionOptions, epoch: number, connection: Connection) {
    this.#options = options;
    this.#epoch = epoch;
    this.#connection = connection;
    this.#channel = `signalbox_${createHash("md5").update(options.schema).digest("hex")}`;
  }

  get hasPeers(): boolean {
    return this.#peers > 0;
  }

  now(): number {
    return Math.floor(this.#clockBase + performance.now());
  }

  listen(listener: (hint: Hint) => void): void {
    this.#listener = listener;
  }

  /** Never fails and is not waited for: what is lost is found by a sweep. */
  tell(notes: readonly Note[]): void {
    const wanted = notes.filter((note) => note.to !== undefined || this.hasPeers || note.kind === "hello");
    if (wanted.length === 0 || this.#connection.isLost) return;
    const payloads = wanted.flatMap(split).map((note) => JSON.stringify({ from: this.#epoch, ...note }));
    this.#connection.run(NOTIFY, [this.#channel, texts(payloads)]).catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    await this.#beating;
    await this.#connection.end();
  }

  async #join(): Promise<void> {
    const connection = this.#connection;
    connection.onNotification((payload) => this.#heard(payload));
    // Hints and beats need not survive a crash of the server.
    await connection.script(`SET synchronous_commit = off; LISTEN ${this.#channel}`);
    this.tell([{ kind: "hello" }]);
  }

  #heard(payload: string): void {
    // JSON that another node made of a note.
    const { from, to, kind, refs, at } = JSON.parse(payload) as Note & { readonly from: number };
    if (from === this.#epoch || (to !== undefined && to !== this.#epoch)) return;
    this.#peers = Math.max(1, this.#peers);
    switch (kind) {
      case "messages":
      case "waiting":
      case "changed":
      case "stopped":
      case "wanted":
      case "gone":
        return this.#listener({ kind, refs: refs ?? [] });
      case "due":
        return at === undefined ? undefined : this.#listener({ kind, at });
      case "activities":
      case "completions":
      case "died":
      case "sweep":
        return this.#listener({ kind });
      case "hello":
        return this.#listener({ kind: "sweep" });
      default:
        kind satisfies never;
    }
  }

  async #keepBeating(): Promise<void> {
    const { signal } = this.#ended;
    for (;;) {
      try {
        await pause(this.#suspected.size > 0 ? SECOND_LOOK_MS : BEAT_MS, undefined, { signal });
      } catch {
        return;
      }
      try {
        if (this.#connection.isLost) await this.#reconnect();
        await this.#beat();
        await this.#lookForLifeless();
        this.#sweepInTime();
      } catch {
        // The server is away or the connection lost: the next beat tries again.
        if (!signal.aborted) await pause(RECONNECT_MS);
      }
    }
  }

  async #beat(): Promise<void> {
    const sentAt = performance.now();
    const { rows } = await this.#connection.run(BEAT, [this.#epoch]);
    const [row] = rows;
    const roundTrip = performance.now() - sentAt;
    if (this.#clockBase === 0 || roundTrip < GOOD_ROUND_TRIP_MS) this.#clockBase = integer(row?.["now"]) - sentAt - roundTrip / 2;
    this.#peers = integer(row?.["peers"]);
    // Of a node that is marked dead itself, the next batch says so. The dead of others are left to who marked them, for a beat.
    const hasDead = integer(row?.["dead"]) > 0;
    if (integer(row?.["alive"]) === 0 || (hasDead && this.#hadDead)) this.#listener({ kind: "died" });
    this.#hadDead = hasDead;
  }

  async #lookForLifeless(): Promise<void> {
    if (this.#peers === 0 || performance.now() - this.#reconnectedAt < GRACE_MS) {
      this.#suspected = new Set();
      return;
    }
    const { rows } = await this.#connection.run(LIFELESS, [this.#epoch]);
    const lifeless = rows.map((row) => integer(row["epoch"]));
    const sure = lifeless.filter((epoch) => this.#suspected.has(epoch));
    this.#suspected = new Set(lifeless.filter((epoch) => !sure.includes(epoch)));
    if (sure.length === 0) return;
    const { count } = await this.#connection.run(MARK_DEAD, [bigints(sure)]);
    if (count > 0) this.#listener({ kind: "died" });
  }

  #sweepInTime(): void {
    const now = performance.now();
    if (this.#peers === 0 || now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    this.#listener({ kind: "sweep" });
  }

  async #reconnect(): Promise<void> {
    const connection = await Connection.open(this.#options);
    if (this.#ended.signal.aborted) return await connection.end();
    this.#connection = connection;
    this.#reconnectedAt = performance.now();
    await this.#join();
    this.#listener({ kind: "sweep" });
  }
}

/** In pieces that a notification can hold. */
function split(note: Note): readonly Note[] {
  const { refs } = note;
  if (refs === undefined || refs.length <= REFS_AT_ONCE) return [note];
  const pieces: Note[] = [];
  for (let at = 0; at < refs.length; at += REFS_AT_ONCE) pieces.push({ ...note, refs: refs.slice(at, at + REFS_AT_ONCE) });
  return pieces;
}

/** Notes about many instances, unless there are none. */
export function noteOf(
  kind: "messages" | "waiting" | "changed" | "stopped" | "wanted" | "gone",
  refs: Iterable<InstanceRef>,
  to?: number,
): readonly Note[] {
  const list = [...refs];
  return list.length === 0 ? [] : [{ kind, refs: list, ...(to !== undefined && { to }) }];
}

export type { Note };
