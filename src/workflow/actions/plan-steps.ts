// The steps of a job, and everything of B20 and B14. Targets are checked in the order of the file, because a wait sees
// only what stands before it.

import { isEvaluationError } from "../../expressions/evaluation-error.ts";
import { readWorkStep } from "../../expressions/read-work-step.ts";
import { FILE_START, type Field, fieldMap, itemsOf, optional, textOf, textsOf } from "../../expressions/token-fields.ts";
import type { CancelStepPlan, ParallelStepPlan, StepPlan, WaitAllStepPlan, WaitStepPlan, WorkStepPlan } from "../../model/plan.ts";
import type { SourcePosition, TemplateToken } from "../../model/template.ts";
import { warnOfConstantCondition } from "./constant-condition.ts";
import { warnOfEndlessSteps } from "./endless-steps.ts";
import { identifierProblem } from "./identifiers.ts";
import type { Report } from "./report.ts";

type Fields = ReadonlyMap<string, Field>;

const HELP = "docs/spec/background.md#validation";

/** What is known of the steps before the one at hand. */
interface Known {
  readonly report: Report;
  /** By id in lower case: the key, and whether it is a background step. */
  readonly ids: Map<string, { readonly key: string; readonly isBackground: boolean }>;
  /** Background steps of the main list that no wait, wait-all or cancel has named yet. */
  readonly unawaited: Map<string, WorkStepPlan>;
}

export function planSteps(token: TemplateToken | undefined, report: Report): readonly StepPlan[] {
  const known: Known = { report, ids: new Map(), unawaited: new Map() };
  const steps = itemsOf(token).flatMap((item, index) => planStep(item, `__${index + 1}`, known) ?? []);
  warnOfEndlessSteps(steps, report);
  return known.unawaited.size === 0 ? steps : [...steps, implicitWait(steps)];
}

/** B14. */
function implicitWait(steps: readonly StepPlan[]): WaitAllStepPlan {
  return {
    kind: "wait-all",
    key: "__wait-all",
    name: { kind: "string", value: "Wait for all background steps" },
    implicit: true,
    at: steps.at(-1)?.at ?? FILE_START,
  };
}

function planStep(token: TemplateToken, positionKey: string, known: Known): StepPlan | undefined {
  const fields = fieldMap(token);
  const at = token.at ?? FILE_START;
  if (fields.has("wait")) return planWait(fields, at, positionKey, known);
  if (fields.has("wait-all")) return planWaitAll(fields, at, positionKey, known);
  if (fields.has("cancel")) return planCancel(fields, at, positionKey, known);
  if (fields.has("parallel")) return planParallel(fields, at, positionKey, known);
  const step = planWork(fields, at, positionKey, known);
  if (step?.background) known.unawaited.set(step.key, step);
  return step;
}

function planWork(fields: Fields, at: SourcePosition, positionKey: string, known: Known, group?: string): WorkStepPlan | undefined {
  const flag = fields.get("background");
  if (flag !== undefined && flag.value.kind !== "boolean" && !known.report.hasErrors) {
    known.report.error(flag.value.at ?? flag.at, "'background' must be the literal true or false.", HELP);
  }
  const background = group !== undefined || (flag?.value.kind === "boolean" && flag.value.value);
  const base = stepBase(fields, at, positionKey, background, known);
  warnOfConstantCondition(fields.get("if"), known.report);
  try {
    return readWorkStep(fields, { positionKey: base.key, at, background, group });
  } catch (error) {
    if (!isEvaluationError(error)) throw error;
    return undefined; // A condition that does not parse has been reported where its contexts were known.
  }
}

function stepBase(fields: Fields, at: SourcePosition, positionKey: string, isBackground: boolean, known: Known) {
  const field = fields.get("id");
  const id = textOf(field?.value);
  if (id !== undefined) declareId(id, field?.value.at ?? at, isBackground, known);
  return {
    key: id ?? positionKey,
    ...optional("id", id),
    ...optional("name", fields.get("name")?.value),
    ...optional("continueOnError", fields.get("continue-on-error")?.value),
    at,
  };
}

function declareId(id: string, at: SourcePosition, isBackground: boolean, { ids, report }: Known): void {
  const problem = identifierProblem(id);
  if (problem !== undefined) report.error(at, problem, HELP);
  else if (ids.has(id.toLowerCase())) {
    report.error(at, `The identifier '${id}' may not be used more than once within the same scope.`, HELP);
  } else ids.set(id.toLowerCase(), { key: id, isBackground });
}

function planWait(fields: Fields, at: SourcePosition, positionKey: string, known: Known): WaitStepPlan {
  const list = fields.get("wait");
  const named = textsOf(list?.value);
  if (list?.value.kind === "sequence" && list.value.items.length === 0) {
    known.report.error(list.at, "'wait' names no step. Name the background steps to wait for, or use 'wait-all'.", HELP);
  }
  const own = textOf(fields.get("id")?.value);
  const targets = named.flatMap(({ text, at: where }) => resolveTarget(text, where, own, known) ?? []);
  return { kind: "wait", ...stepBase(fields, at, positionKey, false, known), targets: [...new Set(targets)] };
}

function planWaitAll(fields: Fields, at: SourcePosition, positionKey: string, known: Known): WaitAllStepPlan {
  const flag = fields.get("wait-all");
  if (flag?.value.kind === "boolean" && !flag.value.value) {
    known.report.error(flag.value.at ?? flag.at, "The value of 'wait-all' must be true or omitted", HELP);
  }
  known.unawaited.clear();
  return { kind: "wait-all", ...stepBase(fields, at, positionKey, false, known), implicit: false };
}

function planCancel(fields: Fields, at: SourcePosition, positionKey: string, known: Known): CancelStepPlan {
  const field = fields.get("cancel");
  const text = textOf(field?.value) ?? "";
  const target = resolveTarget(text, field?.value.at ?? at, textOf(fields.get("id")?.value), known) ?? text;
  return { kind: "cancel", ...stepBase(fields, at, positionKey, false, known), target };
}

/** B20: an earlier background step, by its id without case, not itself, not reserved. */
function resolveTarget(text: string, at: SourcePosition, own: string | undefined, known: Known): string | undefined {
  const { report, ids } = known;
  const target = ids.get(text.toLowerCase());
  if (text.startsWith("__")) {
    report.error(at, `The identifier '${text}' is invalid. IDs starting with '__' are reserved.`, HELP);
  } else if (own?.toLowerCase() === text.toLowerCase()) {
    report.error(at, `Step '${text}' cannot reference itself`, HELP);
  } else if (target === undefined) {
    report.error(
      at,
      `Step references unknown step ID '${text}'. It must be the id of a background step that stands before this one.`,
      HELP,
    );
  } else if (!target.isBackground) {
    report.error(at, `Step '${text}' is not a background step. Only steps with 'background: true' can be waited for or cancelled.`, HELP);
  } else {
    known.unawaited.delete(target.key);
    return target.key;
  }
  return undefined;
}

function planParallel(fields: Fields, at: SourcePosition, positionKey: string, known: Known): ParallelStepPlan {
  const list = fields.get("parallel");
  const items = itemsOf(list?.value);
  if (list?.value.kind === "sequence" && items.length === 0) known.report.error(list.at, "'parallel' has no steps.", HELP);
  const members = items.flatMap((item, index) => planMember(item, `${positionKey}_${index + 1}`, positionKey, known) ?? []);
  return { kind: "parallel", ...stepBase(fields, at, positionKey, false, known), members };
}

function planMember(token: TemplateToken, key: string, group: string, known: Known): WorkStepPlan | undefined {
  const fields = fieldMap(token);
  const at = token.at ?? FILE_START;
  for (const name of ["wait", "wait-all", "cancel"]) {
    const field = fields.get(name);
    if (field !== undefined) known.report.error(field.at, `'${name}' is not allowed inside a parallel block.`, HELP);
  }
  const nested = fields.get("parallel");
  if (nested !== undefined) known.report.error(nested.at, "Nested 'parallel' blocks are not allowed.", HELP);
  const background = fields.get("background");
  if (background !== undefined) {
    const message =
      "'background' is not allowed inside a parallel block. Steps in a parallel block are automatically run as background steps.";
    known.report.error(background.at, message, HELP);
  }
  return planWork(fields, at, key, known, group);
}
