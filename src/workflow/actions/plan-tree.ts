// A workflow and everything it calls in its repository, checked together: what a call gives must fit what the called
// file declares, with the position in the caller.

import type { SourceFile } from "../../expressions/parse-file.ts";
import { fieldsOf } from "../../expressions/token-fields.ts";
import type { CallInterface, CallJobPlan, Diagnostic, WorkflowPlan } from "../../model/plan.ts";
import { literalInputProblem } from "./inputs.ts";
import { planWorkflow } from "./plan-workflow.ts";
import { Report } from "./report.ts";
import { parseUses } from "./uses-reference.ts";

/** GitHub's limit: the workflow at the top and three below it. */
const MAX_CALL_LEVELS = 4;

/** Reads a workflow by its path in the repository; undefined if there is none. */
export type WorkflowLoader = (path: string) => Promise<SourceFile | undefined>;

export interface PlannedTree {
  /** Absent when there is an error, in any of the files. */
  readonly plan?: WorkflowPlan;
  /** Every workflow that is called, by its path in the repository. */
  readonly called: ReadonlyMap<string, WorkflowPlan>;
  readonly diagnostics: readonly Diagnostic[];
}

interface Walk {
  readonly load: WorkflowLoader;
  readonly called: Map<string, WorkflowPlan>;
  readonly failed: Set<string>;
  readonly diagnostics: Diagnostic[];
}

export async function planWorkflowTree(source: SourceFile, load: WorkflowLoader): Promise<PlannedTree> {
  const { plan, diagnostics } = await planWorkflow(source);
  const walk: Walk = { load, called: new Map(), failed: new Set(), diagnostics: [...diagnostics] };
  if (plan !== undefined) await visitCalls(plan, [calledPath(source.file)], walk);
  const isFine = plan !== undefined && !walk.diagnostics.some(({ severity }) => severity === "error");
  return { ...(isFine && { plan }), called: walk.called, diagnostics: walk.diagnostics };
}

/** The path that a local call names, as `called` knows it. */
export function calledPath(uses: string): string {
  return uses.replace(/^\.\//, "").replaceAll("\\", "/");
}

async function visitCalls(plan: WorkflowPlan, path: readonly string[], walk: Walk): Promise<void> {
  const report = new Report(plan.file);
  const next: WorkflowPlan[] = [];
  for (const job of plan.jobs) {
    if (job.kind !== "call") continue;
    const called = await calledPlan(job, path, report, walk);
    if (called === undefined) continue;
    checkCall(job, called, report);
    next.push(called);
  }
  walk.diagnostics.push(...report.diagnostics);
  for (const called of new Set(next)) await visitCalls(called, [...path, calledPath(called.file)], walk);
}

async function calledPlan(job: CallJobPlan, path: readonly string[], report: Report, walk: Walk): Promise<WorkflowPlan | undefined> {
  const at = job.usesAt ?? job.at;
  const reference = parseUses(job.uses);
  if (reference.kind === "invalid") report.error(at, reference.problem);
  if (reference.kind !== "local") return undefined; // Of other repositories: `checkSupported` says so.
  const name = calledPath(job.uses);
  if (path.includes(name)) {
    report.error(at, `This call never ends: ${[...path.slice(path.indexOf(name)), name].join(" -> ")}.`);
    return undefined;
  }
  if (path.length >= MAX_CALL_LEVELS) {
    report.error(at, `Workflows call each other more than ${MAX_CALL_LEVELS} levels deep: ${[...path, name].join(" -> ")}.`);
    return undefined;
  }
  const known = walk.called.get(name);
  if (known !== undefined || walk.failed.has(name)) return known;
  const source = await walk.load(name);
  if (source === undefined) {
    report.error(at, `There is no workflow file '${name}' in this repository.`);
    return undefined;
  }
  const { plan, diagnostics } = await planWorkflow(source);
  walk.diagnostics.push(...diagnostics);
  if (plan === undefined) walk.failed.add(name);
  else walk.called.set(name, plan);
  return plan;
}

function checkCall(job: CallJobPlan, called: WorkflowPlan, report: Report): void {
  if (called.call === undefined) {
    report.error(job.usesAt ?? job.at, `'${called.file}' cannot be called: it has no 'workflow_call' under 'on'.`);
    return;
  }
  checkInputs(job, called.call, report);
  checkSecrets(job, called.call, report);
}

function checkInputs(job: CallJobPlan, call: CallInterface, report: Report): void {
  const given = fieldsOf(job.with);
  for (const { name, value, at } of given) {
    const input = call.inputs.find((declared) => same(declared.name, name));
    if (input === undefined) report.error(at, `Invalid input, ${name} is not defined in the referenced workflow.`);
    else {
      const problem = literalInputProblem(input, value);
      if (problem !== undefined) report.error(value.at ?? at, problem);
    }
  }
  for (const input of call.inputs) {
    if (!input.required || input.default !== undefined || given.some(({ name }) => same(name, input.name))) continue;
    report.error(job.usesAt ?? job.at, `Input ${input.name} is required, but not provided while calling.`);
  }
}

function checkSecrets(job: CallJobPlan, call: CallInterface, report: Report): void {
  if (job.secrets === "inherit") return;
  const given = job.secrets;
  for (const { name, value } of given) {
    if (call.secrets.some((declared) => same(declared.name, name))) continue;
    report.error(value.at ?? job.at, `Invalid secret, ${name} is not defined in the referenced workflow.`);
  }
  for (const secret of call.secrets) {
    if (!secret.required || given.some(({ name }) => same(name, secret.name))) continue;
    report.error(job.usesAt ?? job.at, `Secret ${secret.name} is required, but not provided while calling.`);
  }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
