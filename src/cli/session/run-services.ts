// What the orchestrations and activities of a run are given by the process that carries it out.

import type { HistoryEvent } from "../../model/events.ts";
import type { Host, RepositorySnapshot, StepEvent } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import type { RunInputs } from "../../model/run-view.ts";
import type { Groups, JobExpressions, RunRecords, RunServices, StepSource } from "../../workflow/run/ports.ts";
import type { Contexts } from "../../workflow/run/records.ts";
import type { StepLeftovers } from "../../workflow/run/step-leftovers.ts";
import { runnerContext } from "./github-context.ts";
import { jobDirectories } from "./job-directories.ts";
import { loadCalledWorkflow, type WorkflowLibrary } from "./load-called-workflow.ts";
import type { RecordedFiles } from "./recorded-files.ts";
import type { RunPaths } from "./run-directory.ts";
import type { RunFile } from "./run-record.ts";
import { openedEnvironment } from "./sealed-environment.ts";

export interface ServiceParts {
  readonly host: Host;
  readonly record: RunFile;
  readonly paths: RunPaths;
  readonly library: WorkflowLibrary;
  readonly expressions: JobExpressions;
  readonly groups: Groups;
  readonly leftovers: StepLeftovers;
  readonly secrets: ReadonlyMap<string, string>;
  readonly sealKey: string;
  /** The repository as it was at the start; awaited by the first job that needs it. */
  readonly snapshot: Promise<RepositorySnapshot | undefined>;
  /** Nothing of a job is done before this resolves. */
  readonly ready: Promise<void>;
  readonly history: (instanceId: string) => Promise<readonly HistoryEvent[]>;
  readonly onStepEvent: (from: StepSource, event: StepEvent) => void;
  readonly onFault: RunServices["onFault"];
}

export function runRecords(record: RunFile, recorded: RecordedFiles): RunRecords {
  const run = {
    runId: record.id,
    name: record.name,
    inputs: recorded.getJson<RunInputs>(record.recorded.inputs),
    contexts: recorded.getJson<Contexts>(record.recorded.contexts),
  };
  return { run: () => run, plan: (hash) => recorded.getJson<WorkflowPlan>(hash) };
}

export function runServices(parts: ServiceParts, records: RunRecords): RunServices {
  const { record, paths, library, secrets } = parts;
  const { inputs, contexts } = records.run(record.id);
  const github = contexts["github"];
  const known = isContext(github) ? github : {};
  return {
    host: parts.host,
    records,
    expressions: parts.expressions,
    groups: parts.groups,
    leftovers: parts.leftovers,
    history: parts.history,
    onStepEvent: parts.onStepEvent,
    onFault: parts.onFault,
    secrets: () => [...secrets].map(([name, value]) => ({ name, value })),
    loadWorkflow: (_runId, caller, uses) => loadCalledWorkflow(library, caller, uses),
    async openJob(_runId, job, plan) {
      await parts.ready;
      const directories = jobDirectories(paths, job, { repository: record.repository, inPlace: inputs.options.inPlace });
      const snapshot = usesCheckout(plan.steps) && !inputs.options.inPlace ? await parts.snapshot : undefined;
      return {
        directories,
        contexts: {
          // The token is a secret: it goes to the host from memory and is not among the recorded contexts.
          github: { ...known, job: plan.id, workspace: directories.workspace, token: secrets.get("GITHUB_TOKEN") ?? "" },
          runner: runnerContext(directories),
          job: { status: "success" },
        },
        secretEnvironment: await openedEnvironment(inputs, { id: record.id, sealKey: parts.sealKey }),
        sealKey: parts.sealKey,
        ...(snapshot === undefined ? {} : { snapshot }),
      };
    },
  };
}

/** Arrays are read-only here, which `Array.isArray` alone does not narrow. */
function isContext(value: JsonValue | undefined): value is Contexts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether some job of the plan, or of a workflow that it calls, may check the repository out. */
export function needsSnapshot(plan: WorkflowPlan): boolean {
  return plan.jobs.some((job) => job.kind === "call" || usesCheckout(job.steps));
}

type Steps = Extract<WorkflowPlan["jobs"][number], { kind: "steps" }>["steps"];

/** A local action lies in the repository, so a job that uses one has checked it out before. */
function usesCheckout(steps: Steps): boolean {
  return steps.some((step) => {
    if (step.kind === "parallel") return usesCheckout(step.members);
    return step.kind === "uses" && /^(actions\/checkout@|\.\/|\$\/)/i.test(step.uses);
  });
}
