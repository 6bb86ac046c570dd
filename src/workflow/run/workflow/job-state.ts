// Where the jobs of a workflow stand, and their cells.

import type { JobKey } from "../../../model/host-port.ts";
import type { JobPlan } from "../../../model/plan.ts";
import type { JobResult, NeedsContext } from "../records.ts";
import type { CalledPlan } from "./called-workflow.ts";
import type { CellPlan, ExpandedJob } from "./job-cells.ts";
import { joinResults } from "./needs.ts";

type Outputs = NeedsContext[string]["outputs"];

/** A cell passes its gates in this order: `max-parallel`, its concurrency group, the run's window. */
export type Gate = "parallel" | "group" | "window" | "running" | "ended";

export interface Cell {
  readonly plan: CellPlan;
  readonly job: Job;
  /** With the callers' keys before it. */
  readonly key: string;
  readonly host: JobKey;
  gate: Gate;
  holdsGroup: boolean;
  isCancelAsked: boolean;
  result: JobResult;
  outputs: Outputs;
}

export interface Job {
  readonly plan: JobPlan;
  readonly key: string;
  readonly host: JobKey;
  stage: "waiting" | "loading" | "active" | "ended";
  /** Cancelled or failing fast: no further cell starts. */
  isStopped: boolean;
  expanded: ExpandedJob | undefined;
  called: CalledPlan | undefined;
  cells: readonly Cell[];
  result: JobResult;
  outputs: Outputs;
}

export function newJob(plan: JobPlan, key: string, host: JobKey): Job {
  return {
    plan,
    key,
    host,
    stage: "waiting",
    isStopped: false,
    expanded: undefined,
    called: undefined,
    cells: [],
    result: "skipped",
    outputs: {},
  };
}

export function newCell(job: Job, plan: CellPlan, index: number): Cell {
  const prefix = job.key.slice(0, job.key.length - job.plan.id.length);
  return {
    plan,
    job,
    key: prefix + plan.key,
    host: job.plan.strategy?.matrix === undefined ? job.host : `${job.host}.${index + 1}`,
    gate: "parallel",
    holdsGroup: false,
    isCancelAsked: false,
    result: "skipped",
    outputs: {},
  };
}

/** The job has ended if all of its cells have; its result and outputs are theirs. */
export function endIfDone(job: Job): void {
  if (job.stage !== "active" || !job.cells.every(({ gate }) => gate === "ended")) return;
  job.stage = "ended";
  job.result = joinResults(job.cells.map(({ result }) => result));
  // As on GitHub: of equal names the last cell with a value wins.
  job.outputs = Object.assign({}, ...job.cells.map(({ outputs }) => withoutEmpty(outputs)));
}

/** The cells that may pass the first gate now. */
export function nextCells(job: Job): readonly Cell[] {
  if (job.isStopped) return [];
  const limit = job.expanded?.maxParallel ?? Number.POSITIVE_INFINITY;
  const active = job.cells.filter(({ gate }) => gate !== "parallel" && gate !== "ended").length;
  return job.cells.filter(({ gate }) => gate === "parallel").slice(0, Math.max(0, limit - active));
}

function withoutEmpty(outputs: Outputs): Outputs {
  return Object.fromEntries(Object.entries(outputs).filter(([, value]) => value !== "" && value !== null));
}
