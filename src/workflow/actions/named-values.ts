import { referencedContexts } from "../../expressions/references.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import { calledPath } from "./plan-tree.ts";

export interface NamedValues {
  /** `GITHUB_TOKEN` aside, which every run has. In the order of the file, without repetition. */
  readonly secrets: readonly string[];
  readonly vars: readonly string[];
}

/**
 * The secrets and variables that a plan names, those of the workflows that inherit its secrets included. What a called
 * workflow names of secrets that are handed to it one by one is named by the caller.
 */
export function namedValues(plan: WorkflowPlan, called: ReadonlyMap<string, WorkflowPlan>): NamedValues {
  const secrets = new Map<string, string>();
  const vars = new Map<string, string>();
  collect(plan, called, secrets, vars, true, new Set());
  secrets.delete("GITHUB_TOKEN");
  return { secrets: [...secrets.values()], vars: [...vars.values()] };
}

function collect(
  plan: WorkflowPlan,
  called: ReadonlyMap<string, WorkflowPlan>,
  secrets: Map<string, string>,
  vars: Map<string, string>,
  ownSecrets: boolean,
  seen: Set<string>,
): void {
  for (const expression of expressionsIn(plan)) {
    for (const { context, property } of referencedContexts(expression)) {
      const names = context === "vars" ? vars : context === "secrets" && ownSecrets ? secrets : undefined;
      if (property !== undefined && names?.has(property.toUpperCase()) === false) names.set(property.toUpperCase(), property);
    }
  }
  for (const job of plan.jobs) {
    const next = job.kind === "call" ? called.get(calledPath(job.uses)) : undefined;
    if (job.kind !== "call" || next === undefined) continue;
    const inherits = ownSecrets && job.secrets === "inherit";
    const visit = `${next.file} ${inherits}`;
    if (seen.has(visit)) continue;
    seen.add(visit);
    collect(next, called, secrets, vars, inherits, seen);
  }
}

/** Every expression in a plan, wherever it stands: tokens and conditions carry it under the same name. */
function expressionsIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
    key === "expression" && typeof item === "string" ? [item] : expressionsIn(item),
  );
}
