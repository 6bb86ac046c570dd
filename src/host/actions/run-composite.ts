// A composite action: its steps one after the other, in a scope of their own. What they write gathers in the attempt and
// is published with it (B5). After a stop no further step starts (B12).

import { evaluateBoolean, evaluateCondition, evaluateString, evaluateStrings } from "../../expressions/evaluate-template.ts";
import { evaluateWithHashes } from "../../expressions/evaluate-with-hashes.ts";
import type { CompositeRuns } from "../../model/action-definition.ts";
import type { StepConclusion } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { WorkStepPlan } from "../../model/plan.ts";
import type { StepView } from "../job/hosted-job.ts";
import { hashFiles } from "../step/hash-files.ts";
import type { ReadyRun, ReadyUses } from "../step/ready-step.ts";
import { runScript } from "../step/run-script.ts";
import type { StepAttempt } from "../step/step-attempt.ts";
import { failed, type StepEnd } from "../step/step-end.ts";
import { aboutAction, compositeContexts } from "./composite-contexts.ts";
import type { LoadedAction } from "./load-action.ts";

export interface CompositeRun {
  readonly ready: ReadyUses;
  readonly action: LoadedAction;
  readonly runs: CompositeRuns;
  readonly inputs: { readonly [name: string]: string };
  /** Runs a step of the action that is itself an action. */
  readonly runUses: (ready: ReadyUses) => Promise<StepEnd>;
}

type IndexedStep = WorkStepPlan & { readonly index: number };
type Steps = { [id: string]: JsonValue };

export async function runComposite(attempt: StepAttempt, composite: CompositeRun): Promise<StepEnd> {
  const { running } = attempt.options;
  const steps: Steps = {};
  let failure: StepEnd | undefined;
  for (const [index, step] of composite.runs.steps.entries()) {
    if (running.stopReason !== undefined) break;
    const end = await runInner(attempt, composite, { ...step, index }, steps, failure === undefined ? "success" : "failure");
    if (end.conclusion === "failure") failure ??= end;
  }
  const view = viewOf(attempt, composite, steps, failure === undefined ? "success" : "failure");
  const outputs = new Map(
    composite.action.definition.outputs.flatMap(({ name, value }) =>
      value === undefined ? [] : [[name, evaluateString(value, attempt.job.scope(view))] as const],
    ),
  );
  if (failure === undefined) return { outcome: "success", outputs };
  return { ...failure, outputs };
}

interface InnerEnd extends StepEnd {
  readonly conclusion: StepConclusion;
}

async function runInner(
  attempt: StepAttempt,
  composite: CompositeRun,
  step: IndexedStep,
  steps: Steps,
  status: "success" | "failure",
): Promise<InnerEnd> {
  const { job, output } = attempt;
  const record = (end: StepEnd, outcome: StepConclusion, conclusion: StepConclusion): InnerEnd => {
    if (step.id !== undefined) steps[step.id] = { outcome, conclusion, outputs: Object.fromEntries(end.outputs) };
    return { ...end, conclusion };
  };
  let continueOnError = false;
  try {
    const { value: inner } = await evaluateWithHashes(
      (hash) => evaluateInner(attempt, composite, step, { ...viewOf(attempt, composite, steps, status), hashFiles: hash }),
      (patterns) => hashFiles(patterns, job.request.directories.workspace),
    );
    if (inner === undefined) return record({ outcome: "success", outputs: new Map() }, "skipped", "skipped");
    continueOnError = inner.continueOnError;
    const { ready } = inner;
    const end = await (ready.kind === "run" ? runScript(attempt, ready, inner.github) : composite.runUses(ready));
    if (end.outcome === "failure" && end.message !== undefined && end.isTold !== true && continueOnError) output.writeError(end.message);
    return record(end, end.outcome, end.outcome === "failure" && continueOnError ? "success" : end.outcome);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const end = failed(error.message);
    if (continueOnError) output.writeError(error.message);
    return record(end, "failure", continueOnError ? "success" : "failure");
  }
}

interface InnerStep {
  readonly ready: ReadyRun | ReadyUses;
  readonly continueOnError: boolean;
  readonly github: { readonly [name: string]: JsonValue };
}

/** Undefined: its condition does not hold. */
function evaluateInner(attempt: StepAttempt, composite: CompositeRun, step: IndexedStep, start: StepView): InnerStep | undefined {
  const { job } = attempt;
  const environment = { ...start.environment, ...evaluateStrings(step.env, job.scope(start)) };
  const scope = job.scope({ ...start, environment });
  if (!evaluateCondition(step.if, scope)) return undefined;
  const base = {
    key: step.key,
    contextName: `${composite.ready.contextName}_${step.key}`,
    at: composite.ready.at,
    environment,
    path: attempt.pathOver(composite.ready.path),
  };
  const continueOnError = step.continueOnError !== undefined && evaluateBoolean(step.continueOnError, scope);
  const github = aboutAction(composite.ready.contextName, composite.action);
  const named = step.name === undefined ? undefined : evaluateString(step.name, scope);
  if (step.kind === "uses") {
    const contexts = start.contexts === undefined ? {} : { contexts: start.contexts };
    const ready: ReadyUses = {
      ...base,
      ...contexts,
      kind: "uses",
      name: named ?? `Run ${step.uses}`,
      uses: step.uses,
      place: [...composite.ready.place, step.index],
      inputs: evaluateStrings(step.with, scope),
    };
    return { ready, continueOnError, github };
  }
  const script = evaluateString(step.run, scope);
  const ready: ReadyRun = {
    ...base,
    kind: "run",
    name: named ?? `Run ${script.trimStart().split("\n", 1)[0] ?? ""}`,
    script,
    ...(step.shell === undefined ? {} : { shell: evaluateString(step.shell, scope) }),
    ...(step.workingDirectory === undefined ? {} : { workingDirectory: evaluateString(step.workingDirectory, scope) }),
  };
  return { ready, continueOnError, github };
}

/** In the main stage the status is the action's. */
function viewOf(attempt: StepAttempt, composite: CompositeRun, steps: Steps, status: "success" | "failure"): StepView {
  const { ready, action, inputs } = composite;
  return {
    at: ready.at,
    environment: attempt.environmentOver(ready.environment),
    status,
    contexts: compositeContexts(attempt.job, { contextName: ready.contextName, action, inputs, steps }),
  };
}
