import { SignalboxError } from "../../model/errors.ts";
import type { WorkflowPlan } from "../../model/plan.ts";

/** The named jobs and all that they need, in the file's order; undefined where none is named. */
export function selectJobs(plan: WorkflowPlan, named: readonly string[] | undefined): readonly string[] | undefined {
  if (named === undefined || named.length === 0) return undefined;
  const selected = new Set<string>();
  const take = (id: string) => {
    const job = plan.jobs.find((one) => one.id.toLowerCase() === id.toLowerCase());
    if (job === undefined) {
      const known = plan.jobs.map((one) => one.id).join(", ");
      throw new SignalboxError("INVALID_ARGUMENT", `--job ${id}: ${plan.file} has no such job. It has: ${known}.`);
    }
    if (selected.has(job.id)) return;
    selected.add(job.id);
    job.needs.forEach(take);
  };
  named.forEach(take);
  return plan.jobs.map((job) => job.id).filter((id) => selected.has(id));
}
