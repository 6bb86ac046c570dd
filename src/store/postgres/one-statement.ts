// A batch that only goes on with instances which the node owns and remembers is one statement: its writes are parts of one
// WITH, the fence and the count of updated rows are its result, and the statement is its transaction. Most batches are such;
// each statement less is a third of what one costs.
//
// Where every write is of one row, as in most batches of one turn, the cells themselves are the parameters: columns would have
// to be put together here and taken apart there.
//
// The parts of one WITH see the rows as they were before it. So it takes at most one write for each table and kind, and none
// that another part would have to have happened before.

import { Column } from "./array-parameter.ts";
import type { Write } from "./connection.ts";
import type { UpdateStatement } from "./update-statements.ts";
import * as sql from "./write-statements.ts";

const COMBINABLE: ReadonlySet<string> = new Set(
  [
    sql.INSERT_HISTORY,
    sql.REMOVE_MESSAGES,
    sql.INSERT_MESSAGES,
    sql.REMOVE_ACTIVITIES,
    sql.INSERT_ACTIVITIES,
    sql.REMOVE_TIMERS,
    sql.INSERT_TIMERS,
  ].map(({ name }) => name),
);
/** Kinds of batches that are kept prepared; more go the long way. */
const MAX_SHAPES = 200;

export interface Fence {
  readonly epoch: number;
  readonly batch: number;
  readonly attempt: number;
}

export class OneStatement {
  readonly #byShape = new Map<string, { readonly name: string; readonly text: string }>();

  /** Undefined: the batch needs several. */
  of(writes: readonly Write[], { epoch, batch, attempt }: Fence): Write | undefined {
    const updates = writes.filter(({ statement }) => isUpdate(statement));
    const others = writes.filter(({ statement }) => COMBINABLE.has(statement.name));
    if (updates.length > 1 || updates.length + others.length < writes.length) return undefined;
    if (new Set(writes.map(({ statement }) => statement.name)).size < writes.length) return undefined;
    const isOfOneRow = writes.every(({ values }) => values.every((value) => !(value instanceof Column) || value.cells.length === 1));
    const shape = `${isOfOneRow} ${writes.map(({ statement }) => statement.name).join(" ")}`;
    const known = this.#byShape.get(shape);
    if (known === undefined && this.#byShape.size >= MAX_SHAPES) return undefined;
    const text = (): string => (isOfOneRow ? withCells(textOf(writes)) : textOf(writes));
    const statement = known ?? { name: `batch-${this.#byShape.size}`, text: text() };
    this.#byShape.set(shape, statement);
    const values = writes.flatMap((write) => write.values);
    return { statement, values: [epoch, batch, attempt, ...(isOfOneRow ? values.map(cellOf) : values)] };
  }
}

function textOf(writes: readonly Write[]): string {
  const parts: string[] = [];
  const checks: string[] = [];
  let offset = 3;
  for (const [index, { statement, values }] of writes.entries()) {
    const shift = (text: string): string => text.replace(/\$(\d+)/g, (_, position: string) => `$${Number(position) + offset}`);
    parts.push(`w${index} AS (${shift(isUpdate(statement) ? statement.update : statement.text)})`);
    if (isUpdate(statement)) checks.push(shift(`, expect((SELECT count(*) FROM w${index}), $1)`));
    offset += values.length;
  }
  const before = parts.length === 0 ? "" : `WITH ${parts.join()} `;
  return `${before}SELECT fence($1, $2, $3)${checks.join("")}`;
}

/** Each list of columns becomes a row of cells. */
function withCells(text: string): string {
  return text.replace(
    /unnest\(([^()]*)\)(\s+WITH ORDINALITY)?( AS v)?/g,
    (_, columns: string, ordinality?: string) => `(SELECT ${columns.replaceAll("[]", "")}${ordinality === undefined ? "" : ", 1"}) AS v`,
  );
}

function cellOf(value: unknown): unknown {
  return value instanceof Column ? value.cells[0] : value;
}

function isUpdate(statement: Write["statement"]): statement is UpdateStatement {
  return "update" in statement;
}
