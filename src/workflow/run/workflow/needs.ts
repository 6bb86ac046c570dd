// The graph of `needs`: what belongs to a selection, and what a job sees of the jobs above it.

import type { JobPlan } from "../../../model/plan.ts";
import type { ExpressionScope } from "../ports.ts";
import type { JobResult } from "../records.ts";

/** `--job`: the named jobs with everything that they need, in the order of the file. */
export function selectJobs(jobs: readonly JobPlan[], selected: readonly string[] | undefined): readonly JobPlan[] {
  if (selected === undefined || selected.length === 0) return jobs;
  const wanted = ancestorsOf(jobs, selected);
  for (const id of selected) wanted.add(id);
  return jobs.filter(({ id }) => wanted.has(id));
}

/** Everything above these jobs, at any height. */
export function ancestorsOf(jobs: readonly JobPlan[], ids: readonly string[]): Set<string> {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const above = new Set<string>();
  const open = ids.flatMap((id) => byId.get(id)?.needs ?? []);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (above.has(id)) continue;
    above.add(id);
    open.push(...(byId.get(id)?.needs ?? []));
  }
  return above;
}

/** A skipped, failed or cancelled ancestor takes `success()` away; only a failed one makes `failure()` true. */
export function statusOf(ancestors: Iterable<JobResult>, isCancelled: boolean): ExpressionScope["status"] {
  const results = [...ancestors];
  return {
    success: !isCancelled && results.every((result) => result === "success"),
    failure: results.includes("failure"),
    cancelled: isCancelled,
  };
}

/** One result for all cells of a job. */
export function joinResults(results: readonly JobResult[]): JobResult {
  if (results.includes("failure")) return "failure";
  if (results.includes("cancelled")) return "cancelled";
  return results.length > 0 && results.every((result) => result === "skipped") ? "skipped" : "success";
}
