// A `uses` step: finds out what kind of action it names and runs it.

import type { HostedJob } from "../job/hosted-job.ts";
import type { ReadyUses } from "../step/ready-step.ts";
import type { StepAttempt } from "../step/step-attempt.ts";
import { failed, type StepEnd } from "../step/step-end.ts";
import { parseCheckoutInputs, unsupportedCheckoutKeys } from "../workspace/checkout-inputs.ts";
import { checkoutWorkspace } from "../workspace/checkout-workspace.ts";
import { actionInputs } from "./action-inputs.ts";
import { DEEPEST_ACTION, isCheckout, loadAction } from "./load-action.ts";
import { runComposite } from "./run-composite.ts";
import { runNodeAction } from "./run-node-action.ts";

export async function runAction(attempt: StepAttempt, ready: ReadyUses): Promise<StepEnd> {
  const { job, output } = attempt;
  if (isCheckout(ready.uses, job.request.actionFolders)) return checkout(attempt, ready);
  const { uses, place } = ready;
  if (place.length >= DEEPEST_ACTION) return failed(`Composite action depth exceeded max depth ${DEEPEST_ACTION}: '${uses}'.`);
  const action = ready.action ?? (await loadAction({ uses, step: attempt.options.step, place }, job));
  const { at, environment, contexts } = ready;
  const scope = job.scope({ at, environment, ...(contexts === undefined ? {} : { contexts }) });
  const inputs = actionInputs(action.definition, ready.inputs, scope);
  for (const warning of inputs.warnings) output.writeWarning(warning);
  const { runs } = action.definition;
  switch (runs.using) {
    case "composite":
      return runComposite(attempt, {
        ready,
        action,
        runs,
        inputs: inputs.values,
        runUses: (inner) => runAction(attempt, inner),
      });
    case "docker":
      return failed(`The action '${ready.uses}' runs in Docker, which is not supported yet.`);
    case "node12":
    case "node16":
      return failed(`The action '${ready.uses}' runs with ${runs.using}, which is not supported: node20 and node24 are.`);
    default:
      return runNodeAction(attempt, { ready, action, runs, inputs: inputs.values });
  }
}

async function checkout({ job, output }: StepAttempt, ready: ReadyUses): Promise<StepEnd> {
  const { directories, snapshot, inPlace } = job.request;
  const success: StepEnd = { outcome: "success", outputs: new Map() };
  const unsupported = unsupportedCheckoutKeys(ready.inputs, (key, value) => isOwn(job, key, value));
  if (unsupported.length > 0) return failed(`actions/checkout: these keys of 'with' are not supported yet: ${unsupported.join(", ")}.`);
  if (inPlace) {
    output.writeLine("The job runs in the working tree: nothing is checked out.");
    return success;
  }
  if (snapshot === undefined) return failed("actions/checkout: the run has recorded no repository.");
  const { notes } = await checkoutWorkspace({ snapshot, workspace: directories.workspace, ...parseCheckoutInputs(ready.inputs) });
  for (const note of notes) output.writeLine(note);
  output.writeLine(`Checked out ${snapshot.repository} as it was when the run started.`);
  return success;
}

function isOwn(job: HostedJob, key: "repository" | "ref", value: string): boolean {
  const { github } = job;
  const own = key === "repository" ? [github["repository"]] : [github["ref"], github["ref_name"], github["sha"]];
  return own.some((candidate) => typeof candidate === "string" && candidate.toLowerCase() === value.toLowerCase());
}
