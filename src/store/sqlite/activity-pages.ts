// Activities in the order of their scheduling, in pages, without an index that each turn would have to keep: the first page
// sorts the keys of all into a temporary table in memory, the next ones follow that. What was scheduled since comes after
// it in order, and is sorted when those keys are used up; what was removed since is no longer joined.

import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";

type SqlRow = Record<string, SQLOutputValue>;

export class ActivityPages {
  readonly #sort: StatementSync;
  readonly #forget: StatementSync;
  readonly #page: StatementSync;
  /** The temporary table holds what comes after this; undefined: nothing is sorted. */
  #sortedAfter: number | undefined;

  constructor(database: DatabaseSync) {
    database.exec("PRAGMA temp_store = MEMORY; CREATE TEMP TABLE sorted (ord INTEGER PRIMARY KEY, ref, action_id, execution_id)");
    this.#sort = database.prepare(
      "INSERT INTO temp.sorted SELECT ord, ref, action_id, execution_id FROM activities WHERE ord > ? ORDER BY ord",
    );
    this.#forget = database.prepare("DELETE FROM temp.sorted");
    this.#page = database.prepare(`
      SELECT a.ord, a.ref, hub, instance_id, a.execution_id, a.action_id, attempt, in_flight, due_at, work
      FROM temp.sorted s
      CROSS JOIN activities a ON a.ref = s.ref AND a.action_id = s.action_id AND a.execution_id = s.execution_id AND a.ord = s.ord
      JOIN instances i ON i.ref = a.ref
      WHERE s.ord > ? ORDER BY s.ord LIMIT ?`);
  }

  page(after: number, limit: number): readonly SqlRow[] {
    if (this.#sortedAfter !== undefined && after > this.#sortedAfter) {
      const rows = this.#page.all(after, limit);
      if (rows.length > 0) return rows;
    }
    this.#forget.run();
    this.#sort.run(after);
    this.#sortedAfter = after;
    const rows = this.#page.all(after, limit);
    if (rows.length < limit) {
      this.#forget.run();
      this.#sortedAfter = undefined;
    }
    return rows;
  }
}
