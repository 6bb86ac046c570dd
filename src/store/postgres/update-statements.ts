// Updates of instances' rows: one statement for each set of columns that change together, and one update for each row. An
// update finds each row owned by whom the node believes to own it, or the batch fails (SB002) and is computed anew.

import { escapeKey } from "../encoding/key-text.ts";
import { bigints, type Column, texts } from "./array-parameter.ts";
import type { Statement, Write } from "./connection.ts";
import { type HeadColumn, type LiveHead, ownerAfter } from "./heads.ts";
import { LOCK } from "./write-statements.ts";

const COLUMN: { readonly [column in HeadColumn]: readonly [name: string, type: "text" | "bigint"] } = {
  executionId: ["execution_id", "text"],
  version: ["version", "text"],
  input: ["input", "text"],
  tags: ["tags", "text"],
  stalled: ["stalled", "text"],
  output: ["output", "text"],
  failure: ["failure", "text"],
  customStatus: ["custom_status", "text"],
  completedAt: ["completed_at", "bigint"],
  entityState: ["entity_state", "text"],
  entityLock: ["entity_lock", "text"],
};
const ALWAYS = [
  ["owner", "bigint"],
  ["status", "text"],
  ["history_length", "bigint"],
  ["history_bytes", "bigint"],
  ["updated_at", "bigint"],
  ["turn_attempt", "bigint"],
  ["carry_key", "bigint"],
] as const;

/** `update` is the part that writes; the whole also compares the number of its rows with $1. */
export interface UpdateStatement extends Statement {
  readonly update: string;
}

export class UpdateStatements {
  readonly #byShape = new Map<string, UpdateStatement>();

  of(heads: readonly LiveHead[]): readonly Write[] {
    const shapes = Map.groupBy(
      heads.toSorted((a, b) => a.ref - b.ref),
      ({ columns }) => [...columns.keys()].toSorted().join(),
    );
    const updates = [...shapes].map(([shape, rows]): Write => {
      const columns = shape === "" ? [] : (shape.split(",") as HeadColumn[]);
      return { statement: this.#statement(shape, columns), values: values(rows, columns) };
    });
    // Several statements would lock their rows in the order of the shapes.
    if (updates.length > 1) updates.unshift({ statement: LOCK, values: [bigints(heads.map(({ ref }) => ref))] });
    return updates;
  }

  #statement(shape: string, columns: readonly HeadColumn[]): UpdateStatement {
    const known = this.#byShape.get(shape);
    if (known !== undefined) return known;
    const written = [...ALWAYS, ...columns.map((column) => COLUMN[column])];
    const names = ["ref", "owner_before", ...written.map(([name]) => name)];
    const types = ["bigint", "bigint", ...written.map(([, type]) => type)];
    const arrays = types.map((type, index) => `$${index + 2}::${type}[]`);
    const update = `UPDATE instances i SET ${written.map(([name]) => `${name} = v.${name}`).join()}
      FROM unnest(${arrays.join()}) AS v (${names.join()})
      WHERE i.ref = v.ref AND i.owner IS NOT DISTINCT FROM v.owner_before RETURNING 1`;
    const text = `WITH changed AS (${update}) SELECT expect(count(*), $1) FROM changed`;
    const statement = { name: `update-${this.#byShape.size}`, text, update };
    this.#byShape.set(shape, statement);
    return statement;
  }
}

function values(rows: readonly LiveHead[], columns: readonly HeadColumn[]): unknown[] {
  return [
    rows.length,
    bigints(rows.map((row) => row.ref)),
    bigints(rows.map((row) => row.ownerBefore)),
    bigints(rows.map(ownerAfter)),
    texts(rows.map((row) => row.status)),
    bigints(rows.map((row) => row.historyLength)),
    bigints(rows.map((row) => row.historyBytes)),
    bigints(rows.map((row) => row.updatedAt)),
    bigints(rows.map((row) => row.turnAttempt)),
    bigints(rows.map((row) => row.carryKey)),
    ...columns.map((column) => columnValues(rows, column)),
  ];
}

function columnValues(rows: readonly LiveHead[], column: HeadColumn): Column {
  const cells = rows.map((row) => row.columns.get(column) ?? null);
  if (COLUMN[column][1] === "bigint") return bigints(cells.map((cell) => (typeof cell === "number" ? cell : null)));
  const isKey = column === "executionId" || column === "version";
  return texts(cells.map((cell) => (typeof cell !== "string" ? null : isKey ? escapeKey(cell) : cell)));
}
