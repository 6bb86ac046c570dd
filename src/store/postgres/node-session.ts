// A node: one opening of the store. Its row says which batch landed last; an advisory lock of its session says that its
// process lives, and is gone in the moment in which the process is. A lost connection is made again, a lost row is the end.

import { setTimeout as pause } from "node:timers/promises";
import { SignalboxError } from "../../model/errors.ts";
import { integer } from "../encoding/sql-rows.ts";
import { bigints } from "./array-parameter.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { LIFELESS, LOCK_KEY, MARK_DEAD, SECOND_LOOK_MS } from "./hint-line.ts";
import { migrate } from "./migrate.ts";
import { fromPostgresError, verdictOf } from "./postgres-error.ts";
import { statement } from "./write-statements.ts";

export interface NodeOptions extends ConnectionOptions {
  /** For this long a server that is gone is looked for, before the store gives up. */
  readonly reconnectMs?: number;
}

export interface NodeRow {
  readonly batch: number;
  readonly attempt: number;
  readonly isDead: boolean;
}

const DEFAULT_RECONNECT_MS = 30_000;
const PAUSES_MS = [0, 20, 50, 100, 200, 500];

/** Shared: a server may still hold a lost session of the node. */
const REGISTER = statement("register", "INSERT INTO nodes DEFAULT VALUES RETURNING epoch");
const TAKE_LOCK = statement("take-lock", `SELECT pg_advisory_lock_shared(${LOCK_KEY})`);
const READ_NODE = statement("read-node", "SELECT batch, attempt, is_dead FROM nodes WHERE epoch = $1");
const LEAVE = [
  statement("leave-instances", "UPDATE instances SET owner = NULL WHERE owner = $1"),
  statement("leave-activities", "UPDATE activities SET claimed_by = NULL, attempt = attempt + in_flight::int WHERE claimed_by = $1"),
  statement("leave-completions", "DELETE FROM completions WHERE node = $1"),
  statement("leave", "DELETE FROM nodes WHERE epoch = $1"),
];

export class NodeSession {
  readonly epoch: number;
  readonly #options: NodeOptions;
  #connection: Connection;
  #reconnecting: Promise<Connection> | undefined;
  #isClosed = false;

  static async open(options: NodeOptions): Promise<NodeSession> {
    const connection = await connect(options);
    try {
      await migrate(connection, options.schema);
      const { rows } = await connection.run(REGISTER);
      const epoch = integer(rows[0]?.["epoch"]);
      await connection.run(TAKE_LOCK, [epoch]);
      const session = new NodeSession(options, connection, epoch);
      await session.#buryLifeless();
      return session;
    } catch (error) {
      await connection.end();
      throw fromPostgresError(error, placeOf(options));
    }
  }

  private constructor(options: NodeOptions, connection: Connection, epoch: number) {
    this.#options = options;
    this.#connection = connection;
    this.epoch = epoch;
  }

  get place(): string {
    return placeOf(this.#options);
  }

  /** The connection, made again if it was lost. STORE_IO when the server stays away, OWNERSHIP_LOST when the node is dead. */
  async connection(): Promise<Connection> {
    if (!this.#connection.isLost) return this.#connection;
    if (this.#isClosed) throw this.#closed();
    this.#reconnecting ??= this.#reconnect().finally(() => {
      this.#reconnecting = undefined;
    });
    return await this.#reconnecting;
  }

  async readRow(): Promise<NodeRow | undefined> {
    const { rows } = await (await this.connection()).run(READ_NODE, [this.epoch]);
    const [row] = rows;
    return row === undefined
      ? undefined
      : { batch: integer(row["batch"]), attempt: integer(row["attempt"]), isDead: row["is_dead"] === true };
  }

  /** A clean end: what the node owned is anybody's. */
  async leave(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#connection.isLost) await Promise.allSettled(LEAVE.map((step) => this.#connection.run(step, [this.epoch])));
    await this.#connection.end();
  }

  /** Marks nodes dead whose processes are gone. What they had is freed by whoever raises its attempts (E5). */
  async #buryLifeless(): Promise<void> {
    const first = await this.#lifeless();
    if (first.length === 0) return;
    await pause(SECOND_LOOK_MS);
    const again = new Set(await this.#lifeless());
    await this.#connection.run(MARK_DEAD, [bigints(first.filter((epoch) => again.has(epoch)))]);
  }

  async #lifeless(): Promise<readonly number[]> {
    const { rows } = await this.#connection.run(LIFELESS, [this.epoch]);
    return rows.map((row) => integer(row["epoch"]));
  }

  async #reconnect(): Promise<Connection> {
    const until = performance.now() + (this.#options.reconnectMs ?? DEFAULT_RECONNECT_MS);
    for (let tries = 0; ; tries++) {
      await pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]);
      if (this.#isClosed) throw this.#closed();
      try {
        const connection = await Connection.open(this.#options);
        await connection.run(TAKE_LOCK, [this.epoch]);
        this.#connection = connection;
        return connection;
      } catch (error) {
        if (verdictOf(error) !== "lost" || performance.now() > until) throw fromPostgresError(error, this.place);
      }
    }
  }

  #closed(): SignalboxError {
    return new SignalboxError("SHUT_DOWN", `The store ${this.place} is closed.`);
  }
}

async function connect(options: NodeOptions): Promise<Connection> {
  try {
    return await Connection.open(options);
  } catch (error) {
    throw fromPostgresError(error, placeOf(options));
  }
}

/** For people; never with the password. */
function placeOf({ url, schema }: ConnectionOptions): string {
  const place = URL.canParse(url) ? `${new URL(url).host}${new URL(url).pathname}` : "in PostgreSQL";
  return `"${place}" (schema "${schema}")`;
}
