// What the evaluation of a step came to, before the hashes that it needed are added to it.

import { HashesNeeded } from "../../expressions/evaluate-expression.ts";
import type { PreparedStep } from "../../model/host-port.ts";
import type { HostedJob, StepView } from "../job/hosted-job.ts";
import type { ReadyStep } from "./ready-step.ts";

export type Verdict = { readonly prepared: DistributiveOmit<PreparedStep, "hashes">; readonly ready?: ReadyStep };
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type HashFiles = NonNullable<StepView["hashFiles"]>;

/** The step fails without having run: an expression of it did. */
export function refused(job: HostedJob, error: unknown, name: () => string, continueOnError: boolean): Verdict {
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
