// A run as a tree of two levels, jobs and steps; members of a parallel group stand below their group. Pure: the view,
// the time and the spinner's frame go in, lines come out.

import type { JobView, RunView, StepView } from "../../model/run-view.ts";
import { between, duration } from "./duration.ts";
import type { TreeLine } from "./line.ts";
import { plainText } from "./safe-text.ts";
import { columnsOf, isControl, timesColumns } from "./step-times.ts";
import { markOf, type Style } from "./style.ts";

export interface TreeOptions {
  readonly now: number;
  readonly style: Style;
  /** The spinner's position; absent: a still picture. */
  readonly frame?: number;
  /** Waited, ran and blocked in columns of their own. */
  readonly hasColumns?: boolean;
}

export interface JobBlock {
  readonly job: JobView;
  readonly header: TreeLine;
  readonly steps: readonly StepBlock[];
}

export interface StepBlock {
  readonly step: StepView;
  readonly line: TreeLine;
}

export function treeOf(view: RunView, options: TreeOptions): readonly JobBlock[] {
  return view.jobs.map((job) => ({
    job,
    header: jobLine(job, unmetNeeds(job, view), options),
    steps: inGroups(job.steps).map(({ step, depth }) => ({ step, line: stepLine(step, depth, options) })),
  }));
}

/** Members follow their group, one level deeper, wherever they stand in the list. */
function inGroups(steps: readonly StepView[]): readonly { readonly step: StepView; readonly depth: number }[] {
  const groups = new Set(steps.filter((step) => step.kind === "parallel").map((step) => step.key));
  return steps
    .filter((step) => step.group === null || !groups.has(step.group))
    .flatMap((step) => [
      { step, depth: 1 },
      ...steps.filter((member) => step.kind === "parallel" && member.group === step.key).map((member) => ({ step: member, depth: 2 })),
    ]);
}

function unmetNeeds(job: JobView, view: RunView): readonly string[] {
  return job.needs.filter((need) => view.jobs.find((other) => other.key === need)?.status !== "completed");
}

function jobLine(job: JobView, needs: readonly string[], options: TreeOptions): TreeLine {
  const time = options.hasColumns ? jobColumns(job, options.now) : jobTime(job, options.now);
  const note = jobNote(job, needs);
  return {
    depth: 0,
    mark: markOf(job.status, job.conclusion, options.style, options.frame),
    label: plainText(job.name),
    weight: job.conclusion === "skipped" ? "dim" : "bold",
    ...(note === undefined ? {} : { note }),
    ...(time === undefined ? {} : { right: time }),
  };
}

function jobNote(job: JobView, needs: readonly string[]): string | undefined {
  if (job.message !== null && job.message !== "") return plainText(job.message);
  if (job.conclusion === "skipped") return "skipped";
  if (job.conclusion === "timed_out") return "timed out";
  if (job.status === "queued" && job.startedAt === null && needs.length > 0) return `needs ${needs.map(plainText).join(", ")}`;
  return undefined;
}

function jobColumns(job: JobView, now: number): string {
  if (job.conclusion === "skipped") return columnsOf([undefined, undefined, undefined]);
  const waited = between(job.queuedAt, job.startedAt ?? job.endedAt, now);
  return columnsOf([waited, between(job.startedAt, job.endedAt, now), undefined]);
}

function jobTime(job: JobView, now: number): string | undefined {
  if (job.startedAt !== null) {
    const ran = between(job.startedAt, job.endedAt, now);
    return job.conclusion === "skipped" || ran === undefined ? undefined : duration(ran);
  }
  const queued = between(job.queuedAt, job.endedAt, now);
  return job.status === "completed" || queued === undefined ? undefined : `queued ${duration(queued)}`;
}

function stepLine(step: StepView, depth: number, options: TreeOptions): TreeLine {
  const note = stepNote(step);
  const right = options.hasColumns ? timesColumns(step, options.now) : stepTime(step, options.now);
  return {
    depth,
    mark: markOf(step.status, step.conclusion, options.style, options.frame),
    label: plainText(step.name),
    ...(step.conclusion === "skipped" ? { weight: "dim" as const } : {}),
    ...(note === "" ? {} : { note }),
    ...(right === undefined ? {} : { right }),
  };
}

function stepNote(step: StepView): string {
  const targets = step.targets.map(plainText).join(", ");
  const notes = [
    step.background && step.group === null ? "background" : "",
    step.kind === "wait" && targets !== "" ? `for ${targets}` : "",
    step.kind === "cancel" && targets !== "" ? `of ${targets}` : "",
    step.attempt > 1 ? `attempt ${step.attempt}` : "",
    step.outcome === "failure" && step.conclusion === "success" ? "failed, continued" : "",
    step.conclusion === "timed_out" ? "timed out" : "",
    step.conclusion === "failure" && step.exitCode !== null ? `exit code ${step.exitCode}` : "",
  ];
  return notes.filter((note) => note !== "").join(", ");
}

function stepTime(step: StepView, now: number): string | undefined {
  if (step.conclusion === "skipped") return undefined;
  switch (step.status) {
    case "queued": {
      const waiting = step.background ? between(step.queuedAt, null, now) : undefined;
      return waiting === undefined ? undefined : `queued ${duration(waiting)}`;
    }
    case "in_progress":
    case "waiting": {
      const running = between(step.startedAt, null, now);
      return running === undefined ? undefined : isControl(step.kind) ? `waiting ${duration(running)}` : duration(running);
    }
    case "interrupted":
      return "interrupted";
    case "completed":
      return isControl(step.kind) ? `blocked ${duration(step.timing.blockedMs)}` : duration(step.timing.ranMs);
    default:
      return step.status satisfies never;
  }
}
