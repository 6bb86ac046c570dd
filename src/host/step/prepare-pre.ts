// A pre step, evaluated when it is reached: its action's inputs and environment as the main step gives them, or as the
// composite actions around it do, of which no step has run yet.

import { evaluateBoolean, evaluateCondition, evaluateStrings } from "../../expressions/evaluate-template.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { PrepareStep, RegisteredPre } from "../../model/host-port.ts";
import type { UsesStepPlan } from "../../model/plan.ts";
import { actionInputs } from "../actions/action-inputs.ts";
import { compositeContexts } from "../actions/composite-contexts.ts";
import { type LoadedAction, loadAction } from "../actions/load-action.ts";
import type { HostedJob, StepView } from "../job/hosted-job.ts";
import type { ReadyPre } from "./ready-step.ts";
import { displayName, timeoutOf } from "./step-traits.ts";
import { type HashFiles, refused, type Verdict } from "./verdict.ts";

export interface LocatedPre {
  readonly pre: RegisteredPre;
  readonly main: UsesStepPlan;
  /** The composite actions around it, each with its inner step on the way, the outermost first. */
  readonly around: readonly { readonly action: LoadedAction; readonly inner: UsesStepPlan }[];
  readonly action: LoadedAction;
}

/** As the job's opening has found and recorded it. */
export async function locatePre(job: HostedJob, pre: RegisteredPre): Promise<LocatedPre> {
  const main = job.steps.get(pre.main);
  if (main?.kind !== "uses") throw notThere(pre);
  const around: LocatedPre["around"][number][] = [];
  let action = await loadAction({ uses: main.uses, step: main.key, place: [] }, job);
  for (const [level, index] of pre.place.entries()) {
    const { runs } = action.definition;
    const inner = runs.using === "composite" ? runs.steps[index] : undefined;
    if (inner?.kind !== "uses") throw notThere(pre);
    around.push({ action, inner });
    action = await loadAction({ uses: inner.uses, step: main.key, place: pre.place.slice(0, level + 1) }, job);
  }
  return { pre, main, around, action };
}

export function evaluatePre(job: HostedJob, { at, step }: PrepareStep, located: LocatedPre, hashFiles: HashFiles): Verdict {
  const { pre, main, around, action } = located;
  const last = around.at(-1)?.inner ?? main;
  let view: StepView = { at, environment: {}, hashFiles };
  let continueOnError = false;
  const mainName = (): string => job.masker.maskText(displayName(job, last, view));
  const name = (): string => `Pre ${mainName()}`;
  try {
    view = withEnvironment(job, main, { ...view, environment: job.environmentAt(at) });
    const scope = job.scope(view);
    continueOnError = main.continueOnError !== undefined && evaluateBoolean(main.continueOnError, scope);
    const timeoutMinutes = timeoutOf(main.timeoutMinutes, view, job);
    const limits = timeoutMinutes === undefined ? {} : { timeoutMinutes };
    let inputs = evaluateStrings(main.with, scope);
    let contextName = main.id ?? main.key;
    for (const { action: composite, inner } of around) {
      const { values } = actionInputs(composite.definition, inputs, job.scope(view));
      view = { ...view, contexts: compositeContexts(job, { contextName, action: composite, inputs: values, steps: {} }) };
      view = withEnvironment(job, inner, view);
      inputs = evaluateStrings(inner.with, job.scope(view));
      contextName = `${contextName}_${inner.key}`;
    }
    if (!evaluateCondition({ expression: pre.condition }, job.scope(view))) return { prepared: { verdict: "skip", name: name() } };
    const ready: ReadyPre = {
      kind: "pre",
      key: step,
      contextName,
      name: name(),
      mainName: mainName(),
      at,
      environment: view.environment,
      path: job.published.pathAt(at.position),
      ...limits,
      action,
      place: pre.place,
      inputs,
      ...(view.contexts === undefined ? {} : { contexts: view.contexts }),
    };
    return { prepared: { verdict: "run", name: ready.name, continueOnError, ...limits }, ready };
  } catch (error) {
    return refused(job, error, name, continueOnError);
  }
}

function withEnvironment(job: HostedJob, step: UsesStepPlan, view: StepView): StepView {
  return { ...view, environment: { ...view.environment, ...evaluateStrings(step.env, job.scope(view)) } };
}

function notThere({ main, place }: RegisteredPre): SignalboxError {
  return new SignalboxError("HOST_FAILED", `The step ${main} has no pre step at [${place.join(", ")}]. This is a bug.`);
}
