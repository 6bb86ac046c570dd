// Evaluates all that a step says, against the snapshot of the moment in which it is reached. What goes back for history is
// masked and small; the values stay here until the step runs, or are evaluated again at the same position after a crash.

import { HashesNeeded } from "../../expressions/evaluate-expression.ts";
import {
  evaluateBoolean,
  evaluateCondition,
  evaluateNumber,
  evaluateString,
  evaluateStrings,
} from "../../expressions/evaluate-template.ts";
import { evaluateWithHashes } from "../../expressions/evaluate-with-hashes.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { PreparedStep, PrepareStep, StepPosition } from "../../model/host-port.ts";
import type { StepPlan, WorkStepPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { isCheckout, type LoadedAction, loadAction } from "../actions/load-action.ts";
import { readPostAction } from "../actions/post-action.ts";
import type { HostedJob, StepView } from "../job/hosted-job.ts";
import { mapValues } from "../job/published-results.ts";
import { hashFiles } from "./hash-files.ts";
import type { ReadyStep } from "./ready-step.ts";

export interface Preparation {
  readonly prepared: PreparedStep;
  /** With the verdict `run`, of a step that runs something. */
  readonly ready?: ReadyStep;
}

type Verdict = { readonly prepared: DistributiveOmit<PreparedStep, "hashes">; readonly ready?: ReadyStep };
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type HashFiles = NonNullable<StepView["hashFiles"]>;

export async function prepareStep(job: HostedJob, request: PrepareStep): Promise<Preparation> {
  const { value, hashes } = await evaluateWithHashes(
    (hash) => evaluateStep(job, request, hash),
    (patterns) => hashFiles(patterns, job.request.directories.workspace),
    request.hashes,
  );
  const { prepared, ready } = value;
  if (prepared.verdict === "run" && ready?.kind === "uses") {
    const action = await resolveAction(job, ready.uses);
    if (action !== undefined) return { prepared: { ...prepared, hashes, actionHash: action.hash }, ready: { ...ready, action } };
  }
  return { prepared: { ...prepared, hashes }, ...(ready === undefined ? {} : { ready }) };
}

/** Undefined: it is none with a file, or it cannot be loaded, which the step says itself when it runs (B6). */
async function resolveAction(job: HostedJob, uses: string): Promise<LoadedAction | undefined> {
  if (isCheckout(uses, job.request.actionFolders)) return undefined;
  try {
    return await loadAction(uses, job.request);
  } catch {
    return undefined;
  }
}

function evaluateStep(job: HostedJob, request: PrepareStep, hash: HashFiles): Verdict {
  const { at, post } = request;
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
  if (step.kind === "uses") return { ...base, kind: "uses", uses: step.uses, inputs: evaluateStrings(step.with, scope) };
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

function evaluatePost(job: HostedJob, { at, step }: PrepareStep, post: NonNullable<PrepareStep["post"]>, hash: HashFiles): Verdict {
  const name = job.masker.maskText(post.name);
  try {
    const open = (value: Parameters<typeof job.sealer.fromStepValue>[0]): string => job.sealer.fromStepValue(value);
    const action = readPostAction(post.action);
    const environment = { ...job.environmentAt(at), ...mapValues(action.environment, open) };
    const view: StepView = { at, environment, hashFiles: hash };
    if (!evaluateCondition({ expression: post.condition }, job.scope(view))) return { prepared: { verdict: "skip", name } };
    const state = mapValues(post.state, open);
    const path = job.published.pathAt(at.position);
    const ready: ReadyStep = { kind: "post", key: step, contextName: post.main, name, at, environment, path, action, state };
    return { prepared: { verdict: "run", name, continueOnError: false }, ready };
  } catch (error) {
    return refused(job, error, () => name, false);
  }
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

function timeoutOf(token: TemplateToken | undefined, view: StepView, job: HostedJob): number | undefined {
  if (token === undefined) return undefined;
  const minutes = evaluateNumber(token, job.scope(view));
  return minutes > 0 && Number.isFinite(minutes) ? minutes : undefined;
}

/** As on GitHub: the name, or what the step does. A name that cannot be evaluated is shown as it stands. */
function displayName(job: HostedJob, step: StepPlan, view: StepView): string {
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
      return `Run ${text(step.run).trimStart().split("\n", 1)[0] ?? ""}`;
    case "uses":
      return `Run ${step.uses}`;
    case "wait":
      return "Wait";
    case "wait-all":
      return step.implicit ? "Wait for all background steps" : "Wait for all";
    case "cancel":
      return "Cancel";
    case "parallel":
      return "Parallel group";
    default:
      return step satisfies never;
  }
}

function refused(job: HostedJob, error: unknown, name: () => string, continueOnError: boolean): Verdict {
  if (error instanceof HashesNeeded || !(error instanceof Error)) throw error;
  const failure = { type: error.name, message: job.masker.maskText(error.message), isNonRetriable: true };
  let shown = "";
  try {
    shown = name();
  } catch (problem) {
    if (problem instanceof HashesNeeded) throw problem;
  }
  return { prepared: { verdict: "fail", name: shown, failure, continueOnError } };
}
