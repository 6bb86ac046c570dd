import { planCondition } from "../../expressions/condition.ts";
import { isEvaluationError } from "../../expressions/evaluation-error.ts";
import { type Field, fieldMap, fieldsOf, optional, textOf, textsOf } from "../../expressions/token-fields.ts";
import type { CallJobPlan, ConditionPlan, JobPlan, StepsJobPlan, StrategyPlan } from "../../model/plan.ts";
import type { SourcePosition } from "../../model/template.ts";
import { warnOfConstantCondition } from "./constant-condition.ts";
import { identifierProblem } from "./identifiers.ts";
import { planConcurrency, planDefaults } from "./plan-shared-keys.ts";
import { planSteps } from "./plan-steps.ts";
import type { Report } from "./report.ts";

export function planJobs(jobs: Field | undefined, report: Report): readonly JobPlan[] {
  const fields = fieldsOf(jobs?.value);
  if (jobs !== undefined && jobs.value.kind === "mapping" && fields.length === 0) {
    report.error(jobs.at, "The workflow must contain at least one job.");
  }
  return fields.map((field) => planJob(field, report));
}

function planJob(job: Field, report: Report): JobPlan {
  const problem = identifierProblem(job.name);
  if (problem !== undefined) report.error(job.at, problem);
  const fields = fieldMap(job.value);
  const base = {
    id: job.name,
    ...optional("name", fields.get("name")?.value),
    needs: textsOf(fields.get("needs")?.value).map(({ text }) => text),
    ...optional("if", fields.has("if") ? planIf(fields.get("if"), job.at, report) : undefined),
    ...optional("strategy", planStrategy(fields.get("strategy"))),
    ...optional("concurrency", planConcurrency(fields.get("concurrency"))),
    ...optional("permissions", fields.get("permissions")?.value),
    at: job.at,
  };
  const uses = textOf(fields.get("uses")?.value);
  return uses === undefined ? planStepsJob(base, fields, report) : planCallJob(base, uses, fields);
}

type Base = Pick<JobPlan, "id" | "name" | "needs" | "if" | "strategy" | "concurrency" | "permissions" | "at">;

function planStepsJob(base: Base, fields: ReadonlyMap<string, Field>, report: Report): StepsJobPlan {
  const steps = fields.get("steps");
  if (steps === undefined || (steps.value.kind === "sequence" && steps.value.items.length === 0)) {
    report.error(steps?.at ?? base.at, `Job '${base.id}' has no steps.`);
  }
  return {
    kind: "steps",
    ...base,
    runsOn: fields.get("runs-on")?.value ?? { kind: "null" },
    ...optional("env", fields.get("env")?.value),
    defaults: planDefaults(fields.get("defaults")),
    outputs: fieldsOf(fields.get("outputs")?.value).map(({ name, value }) => ({ name, value })),
    ...optional("environment", fields.get("environment")?.value),
    ...optional("container", fields.get("container")?.value),
    ...optional("services", fields.get("services")?.value),
    ...optional("timeoutMinutes", fields.get("timeout-minutes")?.value),
    ...optional("continueOnError", fields.get("continue-on-error")?.value),
    steps: planSteps(steps?.value, report),
  };
}

function planCallJob(base: Base, uses: string, fields: ReadonlyMap<string, Field>): CallJobPlan {
  const secrets = fields.get("secrets")?.value;
  return {
    kind: "call",
    ...base,
    uses,
    ...optional("usesAt", fields.get("uses")?.value.at),
    ...optional("with", fields.get("with")?.value),
    secrets: textOf(secrets) === "inherit" ? "inherit" : fieldsOf(secrets).map(({ name, value }) => ({ name, value })),
  };
}

function planStrategy(field: Field | undefined): StrategyPlan | undefined {
  if (field === undefined) return undefined;
  const fields = fieldMap(field.value);
  return {
    ...optional("matrix", fields.get("matrix")?.value),
    ...optional("failFast", fields.get("fail-fast")?.value),
    ...optional("maxParallel", fields.get("max-parallel")?.value),
    at: field.at,
  };
}

/** A condition that does not parse has been reported where its contexts were known; here it only must not throw. */
function planIf(field: Field | undefined, at: SourcePosition, report: Report): ConditionPlan {
  warnOfConstantCondition(field, report);
  try {
    return planCondition(field?.value, at);
  } catch (error) {
    if (!isEvaluationError(error)) throw error;
    if (!report.hasErrors) report.error(field?.value.at ?? at, error.message);
    return { expression: "success()", isDefault: true, at };
  }
}
