import { type Field, fieldMap, fieldsOf, textsOf } from "../../expressions/token-fields.ts";
import type { JobPlan } from "../../model/plan.ts";
import type { SourcePosition } from "../../model/template.ts";
import type { Report } from "./report.ts";

/** Needs as the jobs that they name spell themselves, each once: ids compare without case. */
export function settleNeeds(jobs: readonly JobPlan[]): readonly JobPlan[] {
  const byId = new Map(jobs.map((job) => [job.id.toLowerCase(), job.id]));
  return jobs.map((job) => ({ ...job, needs: [...new Set(job.needs.map((need) => byId.get(need.toLowerCase()) ?? need))] }));
}

/** Every need names a job of the file, and no job waits for itself. Ids compare without case. */
export function checkNeeds(jobs: readonly JobPlan[], field: Field | undefined, report: Report): void {
  const byId = new Map(jobs.map((job) => [job.id.toLowerCase(), job]));
  const places = needPlaces(field);
  for (const job of jobs) {
    for (const need of job.needs) {
      if (byId.has(need.toLowerCase())) continue;
      report.error(places(job, need) ?? job.at, `Job '${job.id}' depends on unknown job '${need}'.`);
    }
  }
  for (const cycle of findCycles(jobs, byId)) {
    const first = byId.get(cycle[0] ?? "");
    const path = [...cycle, cycle[0] ?? ""].map((id) => byId.get(id)?.id ?? id).join(" -> ");
    const at = first === undefined ? field?.at : (places(first, cycle[1] ?? first.id) ?? first.at);
    report.error(at, `These jobs wait for each other: ${path}.`);
  }
}

/** Where a job names a need: the plan keeps only the names. */
function needPlaces(field: Field | undefined): (job: JobPlan, need: string) => SourcePosition | undefined {
  const values = new Map(fieldsOf(field?.value).map(({ name, value }) => [name, value]));
  return ({ id }, need) =>
    textsOf(fieldMap(values.get(id)).get("needs")?.value).find(({ text }) => text.toLowerCase() === need.toLowerCase())?.at;
}

/** One cycle for each set of jobs that wait for each other, found without recursion: a file may chain many jobs. */
function findCycles(jobs: readonly JobPlan[], byId: ReadonlyMap<string, JobPlan>): readonly (readonly string[])[] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  for (const job of jobs) {
    const path: { readonly id: string; readonly rest: string[] }[] = [];
    const enter = (id: string): void => {
      path.push({ id, rest: (byId.get(id)?.needs ?? []).map((need) => need.toLowerCase()) });
    };
    if (!done.has(job.id.toLowerCase())) enter(job.id.toLowerCase());
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.rest.shift();
      if (next === undefined) {
        done.add(top.id);
        path.pop();
        continue;
      }
      if (done.has(next)) continue;
      const start = path.findIndex(({ id }) => id === next);
      if (start >= 0) cycles.push(path.slice(start).map(({ id }) => id));
      else if (byId.has(next)) enter(next);
    }
  }
  return cycles;
}
