import type { WorkStepPlan } from "../model/plan.ts";
import type { SourcePosition, TemplateToken } from "../model/template.ts";
import { planCondition } from "./condition.ts";
import { type Field, optional, textOf } from "./token-fields.ts";

export interface WorkStepPlace {
  /** Of a step without an id. */
  readonly positionKey: string;
  readonly at: SourcePosition;
  readonly background: boolean;
  readonly group?: string | undefined;
}

/** A `run` or `uses` step, of a job or of a composite action; undefined if it is neither. */
export function readWorkStep(fields: ReadonlyMap<string, Field>, place: WorkStepPlace): WorkStepPlan | undefined {
  const value = (name: string): TemplateToken | undefined => fields.get(name)?.value;
  const id = textOf(value("id"));
  const base = {
    key: id ?? place.positionKey,
    ...optional("id", id),
    ...optional("name", value("name")),
    if: planCondition(value("if"), place.at),
    ...optional("env", value("env")),
    ...optional("continueOnError", value("continue-on-error")),
    ...optional("timeoutMinutes", value("timeout-minutes")),
    background: place.background,
    ...optional("group", place.group),
    at: place.at,
  };
  const run = value("run");
  if (run !== undefined) {
    const workingDirectory = optional("workingDirectory", value("working-directory"));
    return { kind: "run", ...base, run, ...optional("shell", value("shell")), ...workingDirectory };
  }
  const uses = textOf(value("uses"));
  return uses === undefined ? undefined : { kind: "uses", ...base, uses, ...optional("with", value("with")) };
}
