// Jobs of an earlier run that a re-run takes over: their outcome stands for theirs, their steps are shown as they ran, and
// nothing of them runs again. What is taken over is recorded with the new run, so each of its processes decides the same.

import type { JobView, RunView } from "../../model/run-view.ts";
import type { Orchestrator } from "../../runtime/context.ts";
import type { JobInput, JobOutcome } from "../../workflow/run/records.ts";

export interface TakenOver {
  readonly [jobKey: string]: { readonly outcome: JobOutcome; readonly view: JobView };
}

export const NOTHING_TAKEN_OVER: TakenOver = {};

/** The job's orchestrator, but for jobs whose outcome is known. */
export function takingOver(job: Orchestrator<JobInput, JobOutcome>, taken: TakenOver): Orchestrator<JobInput, JobOutcome> {
  return { ...job, run: async (context, input) => taken[input.key]?.outcome ?? job.run(context, input) };
}

export function withTakenOver(view: RunView, taken: TakenOver): RunView {
  return {
    ...view,
    jobs: view.jobs.map((job) => (job.status === "completed" ? { ...job, steps: taken[job.key]?.view.steps ?? job.steps } : job)),
  };
}
