// Steps of which the file itself says all that there is to know before they begin: no expression stands in them, and none in
// what they take from their job and workflow. Nobody needs to be asked about one of these.

import { controlStepName } from "../../../model/control-step-name.ts";
import type { RunStepPlan, StepsJobPlan, WorkflowPlan } from "../../../model/plan.ts";
import { runStepName } from "../../../model/run-step-name.ts";
import type { TemplateToken } from "../../../model/template.ts";
import type { ControlStepPlan } from "./main-items.ts";

export interface LiteralTraits {
  readonly name: string;
  readonly continueOnError: boolean;
}

/** By key. */
export type LiteralSteps = ReadonlyMap<string, LiteralTraits>;

/** Foreground steps that run a script while nothing has failed. A name may still be one that a mask changes. */
export function literalSteps(
  workflow: Pick<WorkflowPlan, "env" | "defaults">,
  job: Pick<StepsJobPlan, "env" | "defaults" | "steps">,
): LiteralSteps {
  const isSurrounded = [workflow, job].every(
    ({ env, defaults }) => isLiteralMapping(env) && isText(defaults.shell) && isText(defaults.workingDirectory),
  );
  const found = new Map<string, LiteralTraits>();
  if (!isSurrounded) return found;
  for (const step of job.steps) {
    const traits = step.kind === "run" && !step.background ? literalRun(step) : undefined;
    if (traits !== undefined) found.set(step.key, traits);
  }
  return found;
}

export function literalControl(step: ControlStepPlan): LiteralTraits | undefined {
  return literal(step, controlStepName(step));
}

function literalRun(step: RunStepPlan): LiteralTraits | undefined {
  const { run, shell, workingDirectory, timeoutMinutes, env } = step;
  if (run.kind !== "string" || !isLiteralMapping(env) || !isText(shell) || !isText(workingDirectory)) return undefined;
  if (timeoutMinutes !== undefined && timeoutMinutes.kind !== "number") return undefined;
  // A condition that the file gives may look at anything.
  if (step.if.expression !== "success()") return undefined;
  return literal(step, runStepName(run.value));
}

function literal({ name, continueOnError }: Pick<RunStepPlan, "name" | "continueOnError">, unnamed: string): LiteralTraits | undefined {
  if (!isText(name)) return undefined;
  if (continueOnError !== undefined && continueOnError.kind !== "boolean") return undefined;
  return { name: name?.value || unnamed, continueOnError: continueOnError?.value ?? false };
}

function isText(token: TemplateToken | undefined): token is Extract<TemplateToken, { kind: "string" }> | undefined {
  return token === undefined || token.kind === "string";
}

function isLiteralMapping(token: TemplateToken | undefined): boolean {
  if (token === undefined) return true;
  return token.kind === "mapping" && token.entries.every(({ key, value }) => key.kind === "string" && isScalar(value));
}

const isScalar = ({ kind }: TemplateToken): boolean => kind === "string" || kind === "number" || kind === "boolean" || kind === "null";
