// Brings a schema to the newest version by the steps it lacks. Openings at the same time wait for each other.

import pg from "pg";
import { SignalboxError } from "../../model/errors.ts";
import type { Connection } from "./connection.ts";
import { MIGRATIONS } from "./migrations.ts";

/** Tells our advisory locks from those of other programs: "SgBx". */
const LOCK_CLASS = 0x53674278;

export async function migrate(connection: Connection, schema: string): Promise<void> {
  const lock = [LOCK_CLASS, schema];
  await connection.execute("SELECT pg_advisory_lock($1, hashtext($2))", lock);
  try {
    const version = await schemaVersion(connection, schema);
    if (version > MIGRATIONS.length) throw newer(schema, version);
    if (version === MIGRATIONS.length) return;
    if (version === 0) await connection.execute(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`);
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < version) continue;
      const table = "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY)";
      // One message of several statements is one transaction.
      await connection.script(`${table}; ${migration}; INSERT INTO schema_version VALUES (${index + 1})`);
    }
  } finally {
    await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", lock);
  }
}

/** 0 where nothing of ours is. */
async function schemaVersion(connection: Connection, schema: string): Promise<number> {
  const found = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = $1", [schema]);
  if (found.rows.length === 0) return 0;
  if (!found.rows.some((row) => row["tablename"] === "schema_version")) {
    const message = `The schema "${schema}" belongs to another program: it has tables, and no schema_version. Name another schema for the store.`;
    throw new SignalboxError("INVALID_ARGUMENT", message);
  }
  const { rows } = await connection.execute("SELECT coalesce(max(version), 0) AS version FROM schema_version");
  return Number(rows[0]?.["version"]);
}

function newer(schema: string, version: number): SignalboxError {
  const message = `The store in schema "${schema}" has version ${version}, and this version of Signalbox knows only ${MIGRATIONS.length}. Use the newer version that wrote it.`;
  return new SignalboxError("STORE_NEWER", message);
}
