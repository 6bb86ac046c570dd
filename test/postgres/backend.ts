// Stores of tests in PostgreSQL, each in a schema of its own on the server of its test file.

import { afterAll, beforeAll } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/open-postgres-store.ts";
import type { Store } from "../../src/store/store.ts";
import type { Backend } from "../store-conformance/conformance.ts";
import { type PostgresServer, startPostgres, withClient } from "./server.ts";

export interface TestServer {
  readonly url: string;
  readonly server: PostgresServer;
}

/** Starts one server for the file that calls this, and ends it after the file's tests. */
export function useServer(): TestServer {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    if (server !== undefined && server.socketDirectory === undefined) await dropSchemas(server.url);
    await server?.[Symbol.asyncDispose]();
  });
  const running = (): PostgresServer => {
    if (server === undefined) throw new Error("the server is started before the first test");
    return server;
  };
  return {
    get url() {
      return running().url;
    },
    get server() {
      return running();
    },
  };
}

const schemas: string[] = [];

export function newSchema(): string {
  const schema = `test_${process.pid}_${schemas.length + 1}`;
  schemas.push(schema);
  return schema;
}

/** A server that is not ours is left as it was. */
async function dropSchemas(url: string): Promise<void> {
  await withClient(url, async (client) => {
    for (const schema of schemas) await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  });
}

/** Ends the sessions of a store as the death of its process would. */
export async function crash(url: string, schema: string, epoch: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = '${schema}.nodes'::regclass::oid AND objid = ${epoch}`,
    );
  });
}

export async function postgresBackend(url: string, howItEnds: "closed" | "crashed"): Promise<Backend> {
  const schema = newSchema();
  let current: Store | undefined;
  return {
    open: async () => {
      if (current !== undefined && howItEnds === "crashed") await crash(url, schema, current.epoch);
      else await current?.[Symbol.asyncDispose]();
      current = await openPostgresStore({ url, schema, reconnectMs: 5_000 });
      return current;
    },
    [Symbol.asyncDispose]: async () => {
      await current?.[Symbol.asyncDispose]();
      await withClient(url, (client) => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`));
    },
  };
}
