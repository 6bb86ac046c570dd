import { type EvaluationScope } from "../../expressions/evaluate-expression.ts";
import { evaluateString } from "../../expressions/evaluate-template.ts";
import type { JobKey } from "../../model/host-port.ts";
import type { JobPlan } from "../../model/plan.ts";
import type { MatrixCell } from "./matrix.ts";

const SLUG_LENGTH = 60;

/**
 * Keys for a job's cells: stable over resumes and for people to recognise, made of [a-z0-9._-]. An id holds no dot and
 * ids differ without case, so cells of different jobs never meet.
 */
export function jobKeys(id: string, cells: readonly MatrixCell[]): readonly JobKey[] {
  const taken = new Set<string>();
  return cells.map(({ label }, index) => {
    const base = id.toLowerCase();
    const slug = label
      .toLowerCase()
      .replace(/[^a-z0-9._]+/g, "-")
      .replace(/^[-.]+|[-.]+$/g, "");
    let key = slug === "" && label === "" ? base : `${base}.${slug.slice(0, SLUG_LENGTH)}`;
    if (slug.length > SLUG_LENGTH || taken.has(key) || key.endsWith(".")) key = `${key}-${index + 1}`;
    while (taken.has(key)) key = `${key}-${index + 1}`;
    taken.add(key);
    return key;
  });
}

/** `test (20, linux)`; a name with an expression says itself what tells the cells apart. */
export function jobDisplayName(job: JobPlan, cell: MatrixCell, scope: EvaluationScope): string {
  const name = job.name === undefined ? "" : evaluateString(job.name, scope).trim();
  const isComputed = job.name?.kind === "expression" && name !== "";
  const base = name === "" ? job.id : name;
  return isComputed || cell.label === "" ? base : `${base} (${cell.label})`;
}
