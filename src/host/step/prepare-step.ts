// Evaluates all that a step says, against the snapshot of the moment in which it is reached. What goes back for history is
// masked and small; the values stay here until the step runs, or are evaluated again at the same position after a crash.

import { evaluateBoolean, evaluateCondition, evaluateString, evaluateStrings } from "../../expressions/evaluate-template.ts";
import { evaluateWithHashes } from "../../expressions/evaluate-with-hashes.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { PreparedStep, PrepareStep, StepPosition } from "../../model/host-port.ts";
import type { StepPlan, WorkStepPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { isCheckout, type LoadedAction, loadAction } from "../actions/load-action.ts";
import type { HostedJob, StepView } from "../job/hosted-job.ts";
import { hashFiles } from "./hash-files.ts";
import { evaluatePost } from "./prepare-post.ts";
import { evaluatePre, type LocatedPre, locatePre } from "./prepare-pre.ts";
import type { ReadyStep } from "./ready-step.ts";
import { displayName, timeoutOf } from "./step-traits.ts";
import { type HashFiles, refused, type Verdict } from "./verdict.ts";

export interface Preparation {
  readonly prepared: PreparedStep;
  /** With the verdict `run`, of a step that runs something. */
  readonly ready?: ReadyStep;
}

export async function prepareStep(job: HostedJob, request: PrepareStep): Promise<Preparation> {
  const pre = request.pre === undefined ? undefined : await locatePre(job, request.pre);
  const { value, hashes: taken } = await evaluateWithHashes(
    (hash) => evaluateStep(job, request, pre, hash),
    (patterns) => hashFiles(patterns, job.request.directories.workspace),
    request.hashes?.map(({ patterns, hash }) => ({ patterns: patterns.map((value) => job.sealer.fromStepValue(value)), hash })),
  );
  // Patterns may be made of secrets.
  const hashes = taken.map(({ patterns, hash }) => ({ patterns: patterns.map((text) => job.toValue(text)), hash }));
  const { prepared, ready } = value;
  if (prepared.verdict === "run" && ready?.kind === "uses") {
    const action = await resolveAction(job, ready.uses, request);
    if (action !== undefined) return { prepared: { ...prepared, hashes, actionHash: action.hash }, ready: { ...ready, action } };
  }
  return { prepared: { ...prepared, hashes }, ...(ready === undefined ? {} : { ready }) };
}

/** Undefined: it is none with a file, or it cannot be loaded, which the step says itself when it runs (B6). */
async function resolveAction(job: HostedJob, uses: string, { step, actionHash }: PrepareStep): Promise<LoadedAction | undefined> {
  if (isCheckout(uses, job.request.actionFolders)) return undefined;
  try {
    return await loadAction({ uses, step, place: [], hash: actionHash }, job);
  } catch {
    return undefined;
  }
}

function evaluateStep(job: HostedJob, request: PrepareStep, pre: LocatedPre | undefined, hash: HashFiles): Verdict {
  const { at, post } = request;
  if (pre !== undefined) return evaluatePre(job, request, pre, hash);
  if (post !== undefined) return evaluatePost(job, request, post, hash);
  const step = job.steps.get(request.step);
  if (step === undefined) throw new SignalboxError("NOT_FOUND", `The job ${request.job} has no step ${request.step}.`);
  if (step.kind !== "run" && step.kind !== "uses") return evaluateControl(job, step, at, hash);
  return evaluateWork(job, step, { at, environment: {}, hashFiles: hash });
}

function evaluateWork(job: HostedJob, step: WorkStepPlan, start: StepView): Verdict {
  const { at } = start;
  let view = start;
  let continueOnError = false;
  const name = (): string => job.masker.maskText(displayName(job, step, view));
  try {
    const before: StepView = { ...start, environment: job.environmentAt(at) };
    view = { ...before, environment: { ...before.environment, ...evaluateStrings(step.env, job.scope(before)) } };
    const scope = job.scope(view);
    if (!evaluateCondition(step.if, scope)) return { prepared: { verdict: "skip", name: name() } };
    continueOnError = step.continueOnError !== undefined && evaluateBoolean(step.continueOnError, scope);
    const timeoutMinutes = timeoutOf(step.timeoutMinutes, view, job);
    const limits = timeoutMinutes === undefined ? {} : { timeoutMinutes };
    const ready = evaluateBody(job, step, view, name(), limits);
    return { prepared: { verdict: "run", name: ready.name, continueOnError, ...limits }, ready };
  } catch (error) {
    return refused(job, error, name, continueOnError);
  }
}

function evaluateBody(job: HostedJob, step: WorkStepPlan, view: StepView, name: string, limits: { timeoutMinutes?: number }): ReadyStep {
  const scope = job.scope(view);
  const { at, environment } = view;
  const base = {
    key: step.key,
    contextName: step.id ?? step.key,
    name,
    at,
    environment,
    path: job.published.pathAt(at.position),
    ...limits,
  };
  if (step.kind === "uses") return { ...base, kind: "uses", uses: step.uses, place: [], inputs: evaluateStrings(step.with, scope) };
  const { jobDefaults, workflowDefaults } = job.request;
  const first = (...tokens: readonly (TemplateToken | undefined)[]): string | undefined => {
    const token = tokens.find((candidate) => candidate !== undefined);
    return token === undefined ? undefined : evaluateString(token, scope);
  };
  const shell = first(step.shell, jobDefaults.shell, workflowDefaults.shell);
  const workingDirectory = first(step.workingDirectory, jobDefaults.workingDirectory, workflowDefaults.workingDirectory);
  return {
    ...base,
    kind: "run",
    script: evaluateString(step.run, scope),
    ...(shell === undefined ? {} : { shell }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
  };
}

/** Control steps always run; they have a name and `continue-on-error`. */
function evaluateControl(job: HostedJob, step: Exclude<StepPlan, WorkStepPlan>, at: StepPosition, hash: HashFiles): Verdict {
  let continueOnError = false;
  const view = (): StepView => ({ at, environment: job.environmentAt(at), hashFiles: hash });
  const name = (): string => job.masker.maskText(displayName(job, step, view()));
  try {
    continueOnError = step.continueOnError !== undefined && evaluateBoolean(step.continueOnError, job.scope(view()));
    return { prepared: { verdict: "run", name: name(), continueOnError } };
  } catch (error) {
    return refused(job, error, name, continueOnError);
  }
}
