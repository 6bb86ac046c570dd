import type { RunView } from "../../model/run-view.ts";

/** How a run looks that has not ended and that no process carries out: what was under way is interrupted. */
export function interruptedView(view: RunView): RunView {
  if (view.status === "completed") return view;
  return { ...view, status: "interrupted", jobs: view.jobs.map((job) => ({ ...stopped(job), steps: job.steps.map(stopped) })) };
}

function stopped<Part extends { readonly status: RunView["status"] }>(part: Part): Part {
  return part.status === "in_progress" ? { ...part, status: "interrupted" } : part;
}
