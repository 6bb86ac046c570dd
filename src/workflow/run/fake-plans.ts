// Plans for tests, in few words.

import type { ConditionPlan, JobPlan, ParallelStepPlan, StepPlan, StepsJobPlan, WorkflowPlan, WorkStepPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";

const at = { line: 1, column: 1 };
const text = (value: string): TemplateToken => ({ kind: "string", value });

export const condition = (expression = "success()"): ConditionPlan => ({ expression, isDefault: expression === "success()", at });

export function run(key: string, more: { readonly if?: string; readonly background?: boolean; readonly run?: string } = {}): WorkStepPlan {
  return { kind: "run", key, id: key, run: text(more.run ?? ":"), if: condition(more.if), background: more.background ?? false, at };
}

export const background = (key: string, more: { readonly if?: string; readonly run?: string } = {}): WorkStepPlan =>
  run(key, { ...more, background: true });

const tolerant = (continueOnError: boolean) => (continueOnError ? { continueOnError: { kind: "boolean", value: true } as const } : {});

export const wait = (key: string, targets: readonly string[], continueOnError = false): StepPlan => ({
  kind: "wait",
  key,
  id: key,
  targets,
  at,
  ...tolerant(continueOnError),
});

export const waitAll = (key: string, more: { readonly implicit?: boolean; readonly continueOnError?: boolean } = {}): StepPlan => ({
  kind: "wait-all",
  key,
  id: key,
  implicit: more.implicit ?? false,
  at,
  ...tolerant(more.continueOnError ?? false),
});

export const cancel = (key: string, target: string): StepPlan => ({ kind: "cancel", key, id: key, target, at });

export const parallel = (key: string, members: readonly WorkStepPlan[]): ParallelStepPlan => ({
  kind: "parallel",
  key,
  members: members.map((member) => ({ ...member, background: true, group: key })),
  at,
});

export function job(id: string, more: Partial<StepsJobPlan> & { readonly condition?: string } = {}): StepsJobPlan {
  const { condition: expression, ...rest } = more;
  return {
    kind: "steps",
    id,
    needs: [],
    runsOn: text("ubuntu-latest"),
    defaults: {},
    outputs: [],
    steps: [run("only")],
    at,
    ...(expression === undefined ? {} : { if: condition(expression) }),
    ...rest,
  };
}

export const workflow = (jobs: readonly JobPlan[], more: Partial<WorkflowPlan> = {}): WorkflowPlan => ({
  file: ".github/workflows/test.yml",
  name: "test",
  triggers: [],
  defaults: {},
  jobs,
  ...more,
});
