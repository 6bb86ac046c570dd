// What a step is called, and how long it may run.

import { HashesNeeded } from "../../expressions/evaluate-expression.ts";
import { evaluateNumber, evaluateString } from "../../expressions/evaluate-template.ts";
import { controlStepName } from "../../model/control-step-name.ts";
import type { StepPlan } from "../../model/plan.ts";
import { runStepName } from "../../model/run-step-name.ts";
import type { TemplateToken } from "../../model/template.ts";
import type { HostedJob, StepView } from "../job/hosted-job.ts";

export function timeoutOf(token: TemplateToken | undefined, view: StepView, job: HostedJob): number | undefined {
  if (token === undefined) return undefined;
  const minutes = evaluateNumber(token, job.scope(view));
  return minutes > 0 && Number.isFinite(minutes) ? minutes : undefined;
}

/** As on GitHub: the name, or what the step does. A name that cannot be evaluated is shown as it stands. */
export function displayName(job: HostedJob, step: StepPlan, view: StepView): string {
  const text = (token: TemplateToken): string => {
    try {
      return evaluateString(token, job.scope(view));
    } catch (error) {
      if (error instanceof HashesNeeded) throw error;
      return token.kind === "expression" ? `\${{ ${token.expression} }}` : "";
    }
  };
  const given = step.name === undefined ? "" : text(step.name);
  if (given !== "") return given;
  switch (step.kind) {
    case "run":
      return runStepName(text(step.run));
    case "uses":
      return `Run ${step.uses}`;
    default:
      return controlStepName(step);
  }
}
