// The failure block, last on the screen: which step, why, its last lines, where it stands, and what to type next.

import type { JobView, RunView, StepView } from "../../model/run-view.ts";
import { logLine } from "./log-line.ts";
import { plainText } from "./safe-text.ts";
import { isControl } from "./step-times.ts";
import type { Style } from "./style.ts";

export const TAIL_LINES = 10;
const SHOWN_FAILURES = 5;
/** Begins a line of a log that the runner itself wrote, as the step's failure. */
const ERROR_MARK = "##[error]";

export interface RunFailure {
  readonly job: JobView;
  /** Absent where the job failed before or between its steps. */
  readonly step?: StepView;
}

/** What made the run fail. A wait that failed only repeats what its steps did. */
export function failuresOf(view: RunView): readonly RunFailure[] {
  return view.jobs.flatMap((job): RunFailure[] => {
    if (job.conclusion !== "failure" && job.conclusion !== "timed_out") return [];
    const failed = job.steps.filter((step) => step.conclusion === "failure" || step.conclusion === "timed_out");
    const causes = failed.filter((step) => !isControl(step.kind));
    const steps = causes.length > 0 ? causes : failed;
    return steps.length === 0 ? [{ job }] : steps.map((step) => ({ job, step }));
  });
}

export interface FailureBlockOptions {
  readonly style: Style;
  readonly file: string;
  /** The last lines of a step's log. */
  readonly tailOf: (step: StepView) => Promise<readonly string[]>;
  readonly logsCommand: (job: JobView, step: StepView) => string;
}

export async function failureBlock(failures: readonly RunFailure[], options: FailureBlockOptions): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const failure of failures.slice(0, SHOWN_FAILURES)) lines.push("", ...(await oneFailure(failure, options)));
  const hidden = failures.length - SHOWN_FAILURES;
  return hidden > 0 ? [...lines, "", `and ${hidden} more failed steps`] : lines;
}

async function oneFailure({ job, step }: RunFailure, options: FailureBlockOptions): Promise<readonly string[]> {
  const { style } = options;
  const cross = style.red("✗");
  if (step === undefined) {
    const why = job.message ?? (job.conclusion === "timed_out" ? "timed out" : "failed");
    return [`${cross} ${style.bold(plainText(job.name))}: ${plainText(why)}`];
  }
  const tail = await options.tailOf(step);
  const place = placeOf(step, options.file);
  const why = whyOf(step);
  return [
    `${cross} ${style.bold(`${plainText(job.name)} › ${plainText(step.name)}`)}: ${why}`,
    ...(place === undefined ? [] : [`  in ${place}`]),
    ...withoutReason(tail, step).flatMap((line) => {
      const shown = logLine(line, style);
      return shown === undefined ? [] : [`  ${style.dim("│")} ${shown}`];
    }),
    ...(step.log === null ? [] : [`  ${style.dim("whole log:")} ${options.logsCommand(job, step)}`]),
  ];
}

/** A step that could not even be started has one line of log: the message that stands above it. */
function withoutReason(tail: readonly string[], { message }: StepView): readonly string[] {
  const reason = `${ERROR_MARK}${message}`;
  return tail.at(-1) === reason ? tail.slice(0, -1) : tail;
}

function whyOf(step: StepView): string {
  if (step.exitCode !== null && step.exitCode !== 0) return `exit code ${step.exitCode}`;
  if (step.message !== null && step.message !== "") return plainText(step.message);
  return step.conclusion === "timed_out" ? "timed out" : "failed";
}

/** The place that an error annotation names comes before the step's own. */
function placeOf(step: StepView, file: string): string | undefined {
  const annotation = step.annotations.find((one) => one.level === "failure" && one.file !== undefined);
  if (annotation?.file !== undefined) {
    const { line, column } = annotation;
    return plainText(`${annotation.file}${line === undefined ? "" : `:${line}${column === undefined ? "" : `:${column}`}`}`);
  }
  return step.source === undefined ? undefined : plainText(`${step.source.file || file}:${step.source.line}:${step.source.column}`);
}
