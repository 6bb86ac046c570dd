// `signalbox plan`: what a run would do, without running it: jobs in their order, matrix cells where they can be
// computed now, steps with their kind, groups and the implicit wait as they will be.

import { readGitFacts } from "../../host/workspace/git-facts.ts";
import type { JobPlan, StepPlan, WorkflowPlan } from "../../model/plan.ts";
import { expandMatrix } from "../../workflow/actions/matrix.ts";
import { defaultEvent } from "../../workflow/actions/select-event.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { layoutLine, type TreeLine } from "../render/line.ts";
import { type PlannedJob, plannedJob, stepTitle } from "../render/plan-words.ts";
import { plainText } from "../render/safe-text.ts";
import { type Style, styleFor } from "../render/style.ts";
import { findWorkflow } from "../workflow-file/find-workflow.ts";
import { loadPlan, showDiagnostics } from "../workflow-file/load-workflow.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";
import { selectJobs } from "../workflow-file/select-jobs.ts";
import { unsupportedJobs } from "../workflow-file/unsupported.ts";

export interface PlanOptions {
  readonly job?: readonly string[];
  readonly json?: boolean;
}

export async function plan(file: string | undefined, options: PlanOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const path = await findWorkflow(file, context);
  const loaded = await loadPlan(path, context);
  const selected = selectJobs(loaded.plan, options.job);
  const jobs = inOrder(loaded.plan).filter((job) => selected?.includes(job.id) ?? true);
  if (options.json) {
    terminal.write(`${JSON.stringify({ schemaVersion: 1, ...loaded.plan, jobs }, null, 2)}\n`);
    return EXIT.success;
  }
  const style = styleFor(terminal.hasColor);
  const event = defaultEvent(loaded.plan);
  terminal.write(`${style.bold(plainText(loaded.plan.name))}  ${plainText(loaded.plan.file)}${event === undefined ? "" : `  ${event}`}\n`);
  for (const job of jobs) {
    const lines = [
      jobLine(plannedJob(job, cellsOf(job)), style),
      ...(job.kind === "steps" ? job.steps.flatMap((step) => stepLines(step, 1, style)) : []),
    ];
    terminal.write(lines.map((line) => `${layoutLine(line, terminal.columns(), style)}\n`).join(""));
  }
  const facts = await readGitFacts(sessionEnvironment(context, undefined).repository);
  const inputs = { event: event ?? "push", eventPayload: {}, vars: {}, inputs: {}, options: { actionFolders: {} } };
  const gaps = unsupportedJobs(loaded.plan, loaded.called, inputs, facts);
  showDiagnostics(gaps, (of) => (of === loaded.plan.file ? loaded.source : undefined), context);
  return EXIT.success;
}

/** Needed jobs first, otherwise as the file has them. */
function inOrder(workflow: WorkflowPlan): readonly JobPlan[] {
  const ordered = new Set<JobPlan>();
  const place = (job: JobPlan | undefined) => {
    if (job === undefined || ordered.has(job)) return;
    for (const need of job.needs) place(workflow.jobs.find((one) => one.id.toLowerCase() === need.toLowerCase()));
    ordered.add(job);
  };
  workflow.jobs.forEach(place);
  return [...ordered];
}

/** Undefined where only the run can tell, such as a matrix from another job's output. */
function cellsOf(job: JobPlan): readonly string[] | undefined {
  if (job.strategy?.matrix === undefined) return [];
  try {
    return expandMatrix(job.strategy.matrix, { contexts: {} }).map((cell) => cell.label);
  } catch {
    return undefined;
  }
}

function jobLine(job: PlannedJob, style: Style): TreeLine {
  return {
    depth: 0,
    mark: { text: "●", paint: style.cyan },
    label: job.title,
    weight: "bold",
    ...(job.note === "" ? {} : { note: job.note }),
  };
}

function stepLines(step: StepPlan, depth: number, style: Style): readonly TreeLine[] {
  const { title, note } = stepTitle(step);
  const line: TreeLine = { depth, mark: { text: "·", paint: style.dim }, label: title, ...(note === "" ? {} : { note }) };
  return [line, ...(step.kind === "parallel" ? step.members.flatMap((member) => stepLines(member, depth + 1, style)) : [])];
}
