// Deliveries that count once, remembered by key until a moment. Nothing is read or written here for any other.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { escapeKey } from "../encoding/key-text.ts";

export class DeliveryTable {
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #removeExpired: StatementSync;
  readonly #removeOfHub: StatementSync;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare("SELECT 1 FROM deliveries WHERE hub = ? AND key = ? AND until > ?");
    this.#insert = database.prepare("INSERT INTO deliveries VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until");
    this.#removeExpired = database.prepare(
      "DELETE FROM deliveries WHERE (hub, key) IN (SELECT hub, key FROM deliveries WHERE until <= ? ORDER BY until LIMIT ?)",
    );
    this.#removeOfHub = database.prepare(
      "DELETE FROM deliveries WHERE hub = ?1 AND key IN (SELECT key FROM deliveries WHERE hub = ?1 LIMIT ?2)",
    );
  }

  has(hub: string, key: string, at: number): boolean {
    return this.#find.get(escapeKey(hub), escapeKey(key), at) !== undefined;
  }

  add(hub: string, key: string, until: number): void {
    this.#insert.run(escapeKey(hub), escapeKey(key), until);
  }

  removeExpired(at: number, limit: number): void {
    this.#removeExpired.run(at, limit);
  }

  removeOfHub(hub: string, limit: number): number {
    return Number(this.#removeOfHub.run(escapeKey(hub), limit).changes);
  }
}
