// A job whose needs have ended, expanded into its cells: one without a matrix is one cell.

import type { JsonValue } from "../../../model/payload.ts";
import type { ConcurrencyPlan, JobPlan } from "../../../model/plan.ts";
import type { RunInputs } from "../../../model/run-view.ts";
import type { TemplateToken } from "../../../model/template.ts";
import type { ExpressionScope, JobExpressions, MatrixCell } from "../ports.ts";
import type { Contexts } from "../records.ts";
import { valueText } from "../value-text.ts";
import type { GroupWish } from "./workflow-protocol.ts";

const DEFAULT_TIMEOUT_MINUTES = 360;

export interface CellPlan {
  /** As people see it: the job's id, and the cell's values in brackets. */
  readonly key: string;
  readonly name: string;
  /** `matrix` and `strategy`. */
  readonly contexts: Contexts;
  readonly continueOnError: boolean;
  readonly timeoutMinutes: number;
  readonly group?: GroupWish;
  readonly unsupported?: string;
}

export interface ExpandedJob {
  readonly cells: readonly CellPlan[];
  readonly failFast: boolean;
  /** Absent: bounded only by the run. */
  readonly maxParallel?: number;
}

/** `matrix` is the selection of `--matrix`. Throws an error for people where a key cannot be evaluated. */
export function expandJob(
  job: JobPlan,
  scope: ExpressionScope,
  expressions: JobExpressions,
  selection: RunInputs["options"]["matrix"] = [],
): ExpandedJob {
  const { strategy } = job;
  const value = (token: TemplateToken | undefined): JsonValue | undefined =>
    token === undefined ? undefined : expressions.value(token, scope);
  const failFast = value(strategy?.failFast) !== false;
  const maxParallel = numberOf(value(strategy?.maxParallel), "max-parallel");
  const cells = strategy?.matrix === undefined ? [undefined] : expressions.matrix(strategy, scope);
  const chosen = cells.filter((cell) => cell === undefined || isSelected(cell, selection));
  const labels = new Map<string, number>();
  return {
    failFast,
    ...(maxParallel === undefined ? {} : { maxParallel }),
    cells: chosen.map((cell, index) => {
      const label = cell === undefined ? undefined : uniqueLabel(cell.label, labels);
      const contexts = {
        matrix: cell?.values ?? null,
        strategy: {
          "fail-fast": failFast,
          "job-index": index,
          "job-total": chosen.length,
          "max-parallel": maxParallel ?? chosen.length,
        },
      };
      return planCell(job, label, contexts, { ...scope, contexts: { ...scope.contexts, ...contexts } }, expressions);
    }),
  };
}

function planCell(
  job: JobPlan,
  label: string | undefined,
  contexts: Contexts,
  scope: ExpressionScope,
  expressions: JobExpressions,
): CellPlan {
  const suffix = label === undefined ? "" : ` (${label})`;
  const steps = job.kind === "steps" ? job : undefined;
  const continueOnError = steps?.continueOnError === undefined ? false : expressions.value(steps.continueOnError, scope) === true;
  const timeout = steps?.timeoutMinutes === undefined ? undefined : expressions.value(steps.timeoutMinutes, scope);
  const unsupported = expressions.unsupported(job, scope);
  return {
    key: job.id + suffix,
    name: cellName(job, suffix, scope, expressions),
    contexts,
    continueOnError,
    timeoutMinutes: numberOf(timeout, "timeout-minutes") ?? DEFAULT_TIMEOUT_MINUTES,
    ...(job.concurrency === undefined ? {} : { group: groupWish(job.concurrency, scope, expressions) }),
    ...(unsupported === undefined ? {} : { unsupported }),
  };
}

/** A name without an expression says nothing about the cell, so that its values are added, as on GitHub. */
function cellName(job: JobPlan, suffix: string, scope: ExpressionScope, expressions: JobExpressions): string {
  if (job.name === undefined) return job.id + suffix;
  const name = valueText(expressions.value(job.name, scope));
  return job.name.kind === "expression" ? name : name + suffix;
}

export function groupWish(plan: ConcurrencyPlan, scope: ExpressionScope, expressions: JobExpressions): GroupWish {
  const cancelInProgress = plan.cancelInProgress === undefined ? false : expressions.value(plan.cancelInProgress, scope);
  return {
    group: valueText(expressions.value(plan.group, scope)),
    cancelInProgress: cancelInProgress === true || cancelInProgress === "true",
    queue: plan.queue ?? "single",
  };
}

function isSelected(cell: MatrixCell, selection: NonNullable<RunInputs["options"]["matrix"]>): boolean {
  const wanted = Map.groupBy(
    selection.filter(({ key }) => key in cell.values),
    ({ key }) => key,
  );
  return [...wanted].every(([key, choices]) => choices.some(({ value }) => value === valueText(cell.values[key])));
}

/** Cells that look the same are told apart by a number. */
function uniqueLabel(label: string, seen: Map<string, number>): string {
  const count = (seen.get(label) ?? 0) + 1;
  seen.set(label, count);
  return count === 1 ? label : `${label} #${count}`;
}

function numberOf(value: JsonValue | undefined, key: string): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const number = Number(value);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`${key} must be a number above 0, not ${JSON.stringify(value)}`);
}
