// Keys that a workflow and its jobs share.

import { type Field, fieldMap, optional, textOf } from "../../expressions/token-fields.ts";
import type { ConcurrencyPlan, RunDefaults } from "../../model/plan.ts";

export function planDefaults(field: Field | undefined): RunDefaults {
  const run = fieldMap(fieldMap(field?.value).get("run")?.value);
  return {
    ...optional("shell", run.get("shell")?.value),
    ...optional("workingDirectory", run.get("working-directory")?.value),
  };
}

export function planConcurrency(field: Field | undefined): ConcurrencyPlan | undefined {
  if (field === undefined) return undefined;
  if (field.value.kind !== "mapping") return { group: field.value, at: field.at };
  const fields = fieldMap(field.value);
  const group = fields.get("group")?.value;
  if (group === undefined) return undefined; // The schema has said so.
  const queue = textOf(fields.get("queue")?.value);
  return {
    group,
    ...optional("cancelInProgress", fields.get("cancel-in-progress")?.value),
    ...optional("queue", queue === "single" || queue === "max" ? queue : undefined),
    at: field.at,
  };
}
