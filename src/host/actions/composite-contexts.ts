// What the steps of a composite action see in place of the job's contexts: inputs and steps are the action's own, and
// secrets reach it through inputs only.

import type { JsonValue } from "../../model/payload.ts";
import type { HostedJob } from "../job/hosted-job.ts";
import type { LoadedAction } from "./load-action.ts";

type JsonObject = { readonly [name: string]: JsonValue };

export interface CompositeScope {
  readonly contextName: string;
  readonly action: LoadedAction;
  readonly inputs: { readonly [name: string]: string };
  readonly steps: JsonObject;
}

export function compositeContexts(job: HostedJob, { contextName, action, inputs, steps }: CompositeScope): JsonObject {
  return { inputs, steps, secrets: {}, github: { ...job.github, ...aboutAction(contextName, action) } };
}

/** The part of `github` that is the action's. */
export function aboutAction(contextName: string, action: LoadedAction): JsonObject {
  return {
    action: contextName,
    action_path: action.directory,
    action_repository: action.repository ?? "",
    action_ref: action.ref ?? "",
  };
}
