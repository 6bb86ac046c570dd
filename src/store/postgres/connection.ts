// One connection to the server, set up for our use. Statements are prepared under a name the first time, and sent without
// waiting for the one before: what is asked in one breath costs one round trip. A connection that is lost stays lost.

import pg from "pg";
import { SignalboxError } from "../../model/errors.ts";
import type { SqlRow } from "../encoding/sql-rows.ts";

/** An SQL statement with the name that it is prepared under. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A statement with its values, to be sent. */
export interface Write {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

export interface Answer {
  readonly rows: readonly SqlRow[];
  /** Rows that were written or answered. */
  readonly count: number;
  readonly command: string;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly schema: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
const OLDEST_SERVER = 130_000;
/**
 * Every statement goes by an index whatever the statistics say: plans are made while tables are empty and kept. A
 * transaction that stands still (its process stopped, its machine died) is ended by the server, and its locks with it.
 */
const SESSION = `
  SET synchronous_commit = on; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
  SET plan_cache_mode = force_generic_plan; SET idle_in_transaction_session_timeout = '2s'; SET client_min_messages = warning;
  SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 5`;

export class Connection {
  readonly #client: pg.Client;
  readonly #lost = Promise.withResolvers<Error>();
  #isLost = false;

  private constructor(client: pg.Client) {
    this.#client = client;
    const lose = (error: Error): void => {
      this.#isLost = true;
      this.#lost.resolve(error);
    };
    client.on("error", lose);
    client.on("end", () => lose(new Error("Connection terminated")));
  }

  static async open({ url, schema }: ConnectionOptions): Promise<Connection> {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      pipeline: true,
      fallback_application_name: "signalbox",
      types: { getTypeParser: (oid, format) => (oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) },
    });
    const connection = new Connection(client);
    await client.connect();
    try {
      await connection.#checkDirect();
      await connection.script(`${SESSION}; SET search_path = ${pg.escapeIdentifier(schema)}, pg_catalog`);
      return connection;
    } catch (error) {
      await connection.end();
      throw error;
    }
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Resolves with the reason when the connection is gone, also by `end`. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  run(statement: Statement, values: readonly unknown[] = []): Promise<Answer> {
    return this.#answer(this.#client.query({ name: statement.name, text: statement.text, values: [...values] }));
  }

  /** Once, unprepared. */
  execute(text: string, values: readonly unknown[] = []): Promise<Answer> {
    return this.#answer(this.#client.query(text, [...values]));
  }

  /** Any number of statements, as one transaction. */
  async script(text: string): Promise<void> {
    await this.#client.query(text);
  }

  onNotification(listener: (payload: string) => void): void {
    this.#client.on("notification", ({ payload }) => listener(payload ?? ""));
  }

  async end(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  async #answer(result: Promise<pg.QueryResult>): Promise<Answer> {
    const { rows, rowCount, command } = await result;
    return { rows, count: rowCount ?? 0, command };
  }

  /**
   * A pooler between us and the server gives each transaction another session, so that advisory locks and LISTEN mean nothing.
   * It also makes up the process id of the handshake: the server's own word about it tells.
   */
  async #checkDirect(): Promise<void> {
    const { rows } = await this.execute(`
      SELECT pg_backend_pid() AS pid, current_setting('server_version_num')::int AS version,
        current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_standby`);
    const [facts] = rows;
    const { processID: handshakePid } = this.#client as unknown as { readonly processID: unknown };
    if (facts?.["pid"] !== handshakePid) {
      throw unsupported(
        "is reached through a connection pooler. Advisory locks and notifications need a session of their own: give the address of the server itself, past PgBouncer and the like",
      );
    }
    if (Number(facts?.["version"]) < OLDEST_SERVER) throw unsupported("is older than version 13. Use a newer one");
    if (facts?.["encoding"] !== "UTF8") throw unsupported(`has the encoding ${String(facts?.["encoding"])}. Create one with UTF8`);
    if (facts?.["is_standby"] === true) throw unsupported("is a standby, which cannot be written. Give the address of the primary");
  }
}

function unsupported(why: string): SignalboxError {
  return new SignalboxError("UNSUPPORTED", `The PostgreSQL database ${why}.`);
}
