// Large strings, stored once by content. Rows refer to them by hash (encoding/text.ts); `blob_uses` says which instances
// do, so that a blob goes with the last of them. Instances without one, nearly all, cost no statement here.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { blobsOf, type Text } from "../encoding/text.ts";

export class BlobTable {
  readonly #insert: StatementSync;
  readonly #insertUse: StatementSync;
  readonly #uses: StatementSync;
  readonly #removeUse: StatementSync;
  readonly #removeUnused: StatementSync;
  readonly #read: StatementSync;
  readonly #texts: StatementSync;
  /** Instances of this batch whose rows went, and blobs that came with it. */
  readonly #recount = new Set<number>();
  readonly #added = new Set<string>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT OR IGNORE INTO blobs VALUES (?, ?)");
    this.#insertUse = database.prepare("INSERT OR IGNORE INTO blob_uses VALUES (?, ?)");
    this.#uses = database.prepare("SELECT hash FROM blob_uses WHERE ref = ?");
    this.#removeUse = database.prepare("DELETE FROM blob_uses WHERE ref = ? AND hash = ?");
    this.#removeUnused = database.prepare(
      "DELETE FROM blobs WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM blob_uses u WHERE u.hash = blobs.hash)",
    );
    this.#read = database.prepare("SELECT json FROM blobs WHERE hash = ?");
    const columns = [
      "parent",
      "tags",
      "trace_context",
      "input",
      "output",
      "failure",
      "custom_status",
      "stalled",
      "entity_state",
      "entity_lock",
    ];
    const own = columns.map((column) => `SELECT ref, ${column} AS text FROM instances`);
    const others = ["SELECT ref, events FROM history", "SELECT ref, message FROM inbox", "SELECT ref, work FROM activities"];
    this.#texts = database.prepare(
      `SELECT text FROM (${[...own, ...others].join(" UNION ALL ")}) WHERE ref = ? AND text >= '@' AND text < 'A'`,
    );
  }

  add(blobs: readonly (readonly [hash: string, json: string])[]): void {
    for (const [hash, json] of blobs) {
      this.#insert.run(hash, json);
      this.#added.add(hash);
    }
  }

  /** A text that refers to a blob comes in one batch with it; so in nearly every batch there is nothing to look for. */
  use(ref: number, text: Text | null): void {
    if (this.#added.size === 0 || text === null || !text.startsWith("@")) return;
    for (const hash of blobsOf(text)) this.#insertUse.run(ref, hash);
  }

  /** Rows of the instance went; what only they referred to goes at the end of the batch. */
  recount(ref: number): void {
    this.#recount.add(ref);
  }

  /** Last in a batch. */
  collect(): void {
    for (const ref of this.#recount) {
      const uses = this.#uses.all(ref).map((row) => String(row["hash"]));
      if (uses.length === 0) continue;
      const living = new Set(this.#texts.all(ref).flatMap((row) => blobsOf(String(row["text"]))));
      for (const hash of uses) {
        if (living.has(hash)) continue;
        this.#removeUse.run(ref, hash);
        this.#removeUnused.run(hash);
      }
    }
    for (const hash of this.#added) this.#removeUnused.run(hash);
    this.forgetBatch();
  }

  forgetBatch(): void {
    this.#recount.clear();
    this.#added.clear();
  }

  read(hash: string): string | undefined {
    const json = this.#read.get(hash)?.["json"];
    return typeof json === "string" ? json : undefined;
  }
}
