// Names of jobs as hosts and directories know them: [a-z0-9._-] only, unique in the run, the same after a resume.
// A part is a slug, with `.j<n>` where another job of the file has the same one, and `.<n>` for a cell; parts of called
// workflows are joined by `..`, so that no two ways lead to one name.

import type { JobKey } from "../../../model/host-port.ts";
import type { JobPlan } from "../../../model/plan.ts";

const MAX_SLUG = 40;

export function hostKeys(jobs: readonly JobPlan[], parent: JobKey | undefined): ReadonlyMap<string, JobKey> {
  const taken = new Set<string>();
  const prefix = parent === undefined ? "" : `${parent}..`;
  const keys = new Map<string, JobKey>();
  for (const [index, { id }] of jobs.entries()) {
    const slug = id
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, "-")
      .slice(0, MAX_SLUG);
    const part = taken.has(slug) ? `${slug}.j${index + 1}` : slug;
    taken.add(slug);
    keys.set(id, prefix + part);
  }
  return keys;
}
