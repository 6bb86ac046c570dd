// The orchestrators' view of the language: workflow- and job-level keys, evaluated over what is recorded and nothing else.

import type { EvaluationScope } from "../../expressions/evaluate-expression.ts";
import { evaluateCondition, evaluateTemplate } from "../../expressions/evaluate-template.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { CallInterface, JobPlan, StrategyPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { type InputValues, resolveInputs } from "./inputs.ts";
import { expandMatrix, type MatrixCell } from "./matrix.ts";
import { type SupportOptions, unsupportedReason } from "./support.ts";

export interface JobScope {
  readonly contexts: { readonly [name: string]: JsonValue };
  readonly status: { readonly success: boolean; readonly failure: boolean; readonly cancelled: boolean };
}

/** `loadExpressions()` must have ended before any of these is called. */
export function createJobExpressions(options: Pick<SupportOptions, "machine" | "actionFolders">) {
  return {
    condition: (expression: string, scope: JobScope): boolean => evaluateCondition({ expression }, evaluationScope(scope)),
    value: (token: TemplateToken, scope: JobScope): JsonValue => evaluateTemplate(token, evaluationScope(scope)),
    matrix: (strategy: StrategyPlan, scope: JobScope): readonly MatrixCell[] => expandMatrix(strategy.matrix, evaluationScope(scope)),
    /** `given` is the call's `with`, evaluated. */
    callInputs: (call: CallInterface, given: JsonValue, scope: JobScope): InputValues =>
      resolveInputs(call.inputs, isObject(given) ? given : {}, evaluationScope(scope)),
    unsupported: (job: JobPlan, scope: JobScope): string | undefined =>
      unsupportedReason(job, evaluationScope(scope), { ...options, contexts: scope.contexts }),
  };
}

function evaluationScope({ contexts, status }: JobScope): EvaluationScope {
  return {
    contexts,
    status: { success: () => status.success, failure: () => status.failure, cancelled: () => status.cancelled },
  };
}

function isObject(value: JsonValue): value is InputValues {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
