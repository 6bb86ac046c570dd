// What this machine cannot run is said before anything starts, all of it at once.

import type { GitFacts } from "../../host/workspace/git-facts.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import type { RunInputs } from "../../model/run-view.ts";
import { checkSupported, type UnsupportedJob } from "../../workflow/actions/support.ts";
import type { CommandContext } from "../command-context.ts";
import type { LoadedPlan } from "./load-workflow.ts";
import { showDiagnostics } from "./load-workflow.ts";

export function refuseUnsupported(loaded: LoadedPlan, inputs: RunInputs, facts: GitFacts, context: CommandContext): void {
  const { plan, source, called } = loaded;
  const gaps = unsupportedJobs(plan, called, inputs, facts).filter(
    ({ file, job }) => file !== plan.file || (inputs.options.jobs?.includes(job) ?? true),
  );
  if (gaps.length === 0) return;
  showDiagnostics(gaps, (file) => (file === plan.file ? source : undefined), context);
  throw new SignalboxError(
    "UNSUPPORTED",
    "This machine cannot run the workflow; nothing was started. --unsupported skip leaves such jobs out.",
  );
}

export function unsupportedJobs(
  plan: WorkflowPlan,
  called: ReadonlyMap<string, WorkflowPlan>,
  inputs: Pick<RunInputs, "event" | "eventPayload" | "vars" | "inputs"> & { readonly options: Pick<RunInputs["options"], "actionFolders"> },
  facts: GitFacts,
): readonly UnsupportedJob[] {
  const { repository, sha, ref, refName } = facts;
  const github = { repository, sha, ref, ref_name: refName, event_name: inputs.event, event: inputs.eventPayload };
  return [plan, ...called.values()].flatMap((one) =>
    checkSupported(one, {
      machine: { platform: process.platform, arch: process.arch },
      actionFolders: inputs.options.actionFolders,
      contexts: { github, vars: inputs.vars, inputs: one === plan ? inputs.inputs : {} },
    }),
  );
}
