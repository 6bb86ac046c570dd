// B21: an interrupted background step that overlapped steps which have ended begins again before anything else of its job,
// and the person is told which ended steps ran beside it and are not repeated.

import type { JobKey, Leftovers } from "../../model/host-port.ts";
import type { RunView, StepView } from "../../model/run-view.ts";

export interface InterruptedBackground {
  readonly job: JobKey;
  readonly step: string;
  readonly name: string;
  /** Names of the ended steps that ran beside it. */
  readonly beside: readonly string[];
}

export function interruptedBackground(
  leftovers: Leftovers,
  view: RunView,
  viewJob: (host: JobKey) => string | undefined,
): readonly InterruptedBackground[] {
  return leftovers.interrupted.flatMap(({ job, step }) => {
    const steps = view.jobs.find(({ key }) => key === viewJob(job))?.steps ?? [];
    const found = steps.find(({ key }) => key === step);
    // One whose end is in history does not begin again, whatever its spool says: nobody may wait for it.
    if (found === undefined || !found.background || found.status === "completed") return [];
    return [{ job, step, name: found.name, beside: steps.filter((other) => ranBeside(other, found)).map(({ name }) => name) }];
  });
}

function ranBeside(other: StepView, interrupted: StepView): boolean {
  if (other.status !== "completed" || other.endedAt === null || other.startedAt === null || interrupted.startedAt === null) return false;
  return other.kind !== "setup" && Date.parse(other.endedAt) >= Date.parse(interrupted.startedAt);
}
