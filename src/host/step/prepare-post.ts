// A post step, evaluated when it is reached, from what its main or pre step has registered.

import { evaluateCondition } from "../../expressions/evaluate-template.ts";
import type { PrepareStep } from "../../model/host-port.ts";
import { readPostAction } from "../actions/post-action.ts";
import type { HostedJob, StepView } from "../job/hosted-job.ts";
import { mapValues } from "../job/published-results.ts";
import type { ReadyStep } from "./ready-step.ts";
import { type HashFiles, refused, type Verdict } from "./verdict.ts";

export function evaluatePost(job: HostedJob, { at, step }: PrepareStep, post: NonNullable<PrepareStep["post"]>, hash: HashFiles): Verdict {
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
