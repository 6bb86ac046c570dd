// What a plan asks for that this machine cannot do yet, found before anything runs. Never silence: each gap names the
// key, the place and, where there is one, the way round it.

import type { EvaluationScope } from "../../expressions/evaluate-expression.ts";
import { isEvaluationError } from "../../expressions/evaluation-error.ts";
import { templateReferences } from "../../expressions/references.ts";
import { fieldsOf } from "../../expressions/token-fields.ts";
import { CHECKOUT_KEYS, CHECKOUT_OWN_KEYS } from "../../model/checkout-keys.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { Diagnostic, JobPlan, StepPlan, StepsJobPlan, UsesStepPlan, WorkflowPlan } from "../../model/plan.ts";
import type { SourcePosition, TemplateToken } from "../../model/template.ts";
import { expandMatrix } from "./matrix.ts";
import { labelProblem, type Machine, runsOnLabels } from "./runs-on.ts";
import { isCheckout, parseUses } from "./uses-reference.ts";

export interface SupportOptions {
  readonly machine: Machine;
  /** Folders given by `--action owner/repo@ref=DIR`, by that reference. */
  readonly actionFolders: { readonly [reference: string]: string };
  /** What is known before the run: `github`, `vars`, `inputs`. */
  readonly contexts: EvaluationScope["contexts"];
}

/** A gap, and the job that cannot run for it. */
export interface UnsupportedJob extends Diagnostic {
  readonly job: string;
}

/** Every gap that can be seen now. Labels that depend on other jobs' results are looked at when they are known. */
export function checkSupported(plan: WorkflowPlan, options: SupportOptions): readonly UnsupportedJob[] {
  return plan.jobs.flatMap((job) =>
    [...fileGaps(job, options), ...labelGaps(job, options)].map(({ message, at }) => ({
      severity: "error" as const,
      file: plan.file,
      job: job.id,
      message,
      ...(at && { at }),
    })),
  );
}

interface Gap {
  readonly message: string;
  readonly at?: SourcePosition | undefined;
}

/** Why this cell of a job cannot run here, with its matrix in scope: the first reason, or undefined. */
export function unsupportedReason(job: JobPlan, scope: EvaluationScope, options: SupportOptions): string | undefined {
  const [gap] = fileGaps(job, options);
  if (gap !== undefined) return gap.message;
  return job.kind === "steps" ? labelGap(job, scope, options)?.message : undefined;
}

function fileGaps(job: JobPlan, options: SupportOptions): readonly Gap[] {
  if (job.kind === "call") {
    const message = `The job '${job.id}' calls '${job.uses}'. Only workflows of this repository ('./.github/workflows/...') can be called yet.`;
    return job.uses.startsWith("./") ? [] : [{ message, at: job.at }];
  }
  const gaps: Gap[] = [];
  for (const [key, token] of [
    ["container", job.container],
    ["services", job.services],
  ] as const) {
    if (token === undefined || isEmpty(token)) continue;
    gaps.push({ message: `The job '${job.id}' uses '${key}:', which needs a container engine and is not supported yet.`, at: token.at });
  }
  return [...gaps, ...job.steps.flatMap((step) => stepGaps(step, options))];
}

function isEmpty(token: TemplateToken): boolean {
  return token.kind === "null" || (token.kind === "string" && token.value === "");
}

function stepGaps(step: StepPlan, options: SupportOptions): readonly Gap[] {
  if (step.kind === "parallel") return step.members.flatMap((member) => stepGaps(member, options));
  return step.kind === "uses" ? usesGaps(step, options) : [];
}

function usesGaps(step: UsesStepPlan, options: SupportOptions): readonly Gap[] {
  if (Object.hasOwn(options.actionFolders, step.uses)) return [];
  const reference = parseUses(step.uses);
  const gap = (message: string): readonly Gap[] => [{ message, at: step.at }];
  switch (reference.kind) {
    case "local":
      return [];
    case "invalid":
      return gap(reference.problem);
    case "docker":
      return gap(`'${step.uses}' needs a container engine and is not supported yet.`);
    default:
      if (isCheckout(reference)) return checkoutGaps(step, options);
      // A folder that is given for the repository holds every action in it.
      if (Object.hasOwn(options.actionFolders, `${reference.owner}/${reference.repository}@${reference.ref}`)) return [];
      return gap(
        `The action '${step.uses}' is not available yet: actions are not downloaded. If you have a copy of it, give it with --action ${step.uses}=DIR.`,
      );
  }
}

function checkoutGaps(step: UsesStepPlan, options: SupportOptions): readonly Gap[] {
  const keys: readonly string[] = CHECKOUT_KEYS;
  return fieldsOf(step.with).flatMap(({ name, value, at }): readonly Gap[] => {
    const key = name.toLowerCase();
    if (keys.includes(key) || isEmpty(value)) return [];
    const own = CHECKOUT_OWN_KEYS.find((candidate) => candidate === key);
    if (own === undefined)
      return [{ message: `'${name}' of ${step.uses} is not honoured yet. Remove it, or check out by a 'run' step with git.`, at }];
    if (value.kind === "expression" || isOwn(own, value, options)) return []; // What an expression names, the host sees.
    return [{ message: `${step.uses} can only check out the workflow's own repository as it is; '${name}' names something else.`, at }];
  });
}

function isOwn(key: (typeof CHECKOUT_OWN_KEYS)[number], token: TemplateToken, { contexts }: SupportOptions): boolean {
  const github = (typeof contexts === "function" ? contexts("github") : contexts["github"]) ?? {};
  const value = token.kind === "string" ? token.value : "";
  const names = key === "repository" ? ["repository"] : ["ref", "ref_name", "sha", "head_ref"];
  return names.some((name) => typeof github === "object" && !Array.isArray(github) && Reflect.get(github, name) === value);
}

function labelGaps(job: JobPlan, options: SupportOptions): readonly Gap[] {
  if (job.kind !== "steps") return [];
  const early = [...templateReferences(job.strategy?.matrix), ...templateReferences(job.runsOn)];
  if (early.some(({ context }) => context === "needs")) return [];
  const scope: EvaluationScope = { contexts: options.contexts };
  try {
    const gaps = expandMatrix(job.strategy?.matrix, scope).flatMap(({ values }) => {
      const found = labelGap(job, withMatrix(scope, values), options);
      return found === undefined ? [] : [found];
    });
    return [...new Map(gaps.map((gap) => [gap.message, gap])).values()];
  } catch (error) {
    if (!isEvaluationError(error)) throw error;
    return []; // What cannot be evaluated yet fails, with its own message, when the job is reached.
  }
}

function withMatrix({ contexts }: EvaluationScope, matrix: JsonValue): EvaluationScope {
  return { contexts: (name) => (name === "matrix" ? matrix : typeof contexts === "function" ? contexts(name) : contexts[name]) };
}

function labelGap(job: StepsJobPlan, scope: EvaluationScope, { machine }: SupportOptions): Gap | undefined {
  for (const label of runsOnLabels(job.runsOn, scope)) {
    const message = labelProblem(label, machine);
    if (message !== undefined) return { message, at: job.runsOn.at };
  }
  return undefined;
}
