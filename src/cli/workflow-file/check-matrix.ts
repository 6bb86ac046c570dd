// `--matrix KEY:VALUE` selects from matrices that the file itself holds; a key or value that none of them has is a slip.
// A matrix with an expression is known only in the run, and may have anything.

import { SignalboxError } from "../../model/errors.ts";
import type { JobPlan, WorkflowPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { expandMatrix, type MatrixCell } from "../../workflow/actions/matrix.ts";
import { valueText } from "../../workflow/run/value-text.ts";
import type { MatrixFilter } from "../options/parsers.ts";
import { plainText } from "../render/safe-text.ts";
import type { LoadedPlan } from "./load-workflow.ts";

/** `selected`: ids of the jobs that will run; undefined means all. */
export function checkMatrix(
  { plan, called }: Pick<LoadedPlan, "plan" | "called">,
  selected: readonly string[] | undefined,
  filters: readonly MatrixFilter[],
): void {
  if (filters.length === 0) return;
  const own = plan.jobs.filter((job) => selected?.includes(job.id) ?? true);
  const matrices = [...own, ...jobsOf(called.values())].flatMap(matrixOf);
  if (matrices.some(hasExpression)) return;
  const cells = matrices.flatMap((matrix) => expandMatrix(matrix, { contexts: {} }));
  for (const filter of filters) checkFilter(filter, cells);
}

function checkFilter({ key, value }: MatrixFilter, cells: readonly MatrixCell[]): void {
  const refuse = (why: string) => new SignalboxError("INVALID_ARGUMENT", plainText(`--matrix ${key}:${value}: ${why}`));
  const values = new Set(cells.filter((cell) => key in cell.values).map((cell) => valueText(cell.values[key])));
  const keys = [...new Set(cells.flatMap((cell) => Object.keys(cell.values)))];
  if (keys.length === 0) throw refuse("no job that would run has a matrix.");
  if (values.size === 0) throw refuse(`no matrix has this key. The matrices have: ${keys.join(", ")}.`);
  if (!values.has(value)) throw refuse(`no cell has this value. It has: ${[...values].join(", ")}.`);
}

const jobsOf = (plans: Iterable<WorkflowPlan>): readonly JobPlan[] => [...plans].flatMap(({ jobs }) => jobs);

const matrixOf = ({ strategy }: JobPlan): readonly TemplateToken[] => (strategy?.matrix === undefined ? [] : [strategy.matrix]);

function hasExpression(token: TemplateToken): boolean {
  switch (token.kind) {
    case "expression":
      return true;
    case "sequence":
      return token.items.some(hasExpression);
    case "mapping":
      return token.entries.some(({ key, value }) => key.kind === "insert" || hasExpression(key) || hasExpression(value));
    default:
      return false;
  }
}
