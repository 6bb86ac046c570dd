// What stands below a run that has ended: its result in one line, what failed, and what to type next.

import { join } from "node:path";
import type { JobView, RunView, StepView } from "../../model/run-view.ts";
import { readTail } from "../read-tail.ts";
import { between, duration } from "./duration.ts";
import { failureBlock, failuresOf, TAIL_LINES } from "./failures.ts";
import { plainText } from "./safe-text.ts";
import { conclusionWord, markOf, type Style } from "./style.ts";

export interface RunEndOptions {
  readonly style: Style;
  readonly directory: string;
  readonly now: number;
  /** What a suggested command needs to find the run again: `--state DIR` where it was given. */
  readonly commandSuffix: string;
}

export async function runEnd(view: RunView, options: RunEndOptions): Promise<string> {
  const { style } = options;
  const failures = await failureBlock(failuresOf(view), {
    style,
    file: view.file,
    tailOf: (step) => (step.log === null ? Promise.resolve([]) : readTail(join(options.directory, step.log.file), TAIL_LINES)),
    logsCommand: (job, step) => logsCommand(view, job, step, options.commandSuffix),
  });
  return [resultLine(view, options), ...skippedJobs(view), ...hints(view, options), ...failures, ...nextCommand(view, options), ""].join(
    "\n",
  );
}

function resultLine(view: RunView, { style, now }: RunEndOptions): string {
  const mark = markOf(view.status, view.conclusion, style);
  const word = view.status === "completed" ? conclusionWord(view.conclusion) : view.status === "in_progress" ? "is running" : view.status;
  const took = between(view.startedAt, view.endedAt, now);
  const time = took === undefined || view.status === "interrupted" ? "" : ` in ${duration(took)}`;
  return `${mark.paint(mark.text)} ${style.bold(`${plainText(view.name)} ${word}`)}${time}`;
}

/** Jobs that were left out for a reason that somebody should know of. */
function skippedJobs(view: RunView): readonly string[] {
  return view.jobs
    .filter((job) => job.conclusion === "skipped" && job.message !== null && job.message !== "")
    .map((job) => `  - ${plainText(job.name)} skipped: ${plainText(job.message ?? "")}`);
}

function hints(view: RunView, { style, commandSuffix }: RunEndOptions): readonly string[] {
  const commands = [
    ...(view.status === "interrupted" ? [["resume", "goes on from where it stopped"] as const] : []),
    ["show", "each step with its times"],
    ["logs", "what the steps wrote"],
  ].map(([command, what]) => [`signalbox ${command} ${view.id}${commandSuffix}`, what ?? ""] as const);
  const width = Math.max(...commands.map(([command]) => command.length));
  return commands.map(([command, what]) => `  ${command.padEnd(width)}   ${style.dim(what)}`);
}

/** The last line of all: what a person types once the cause is mended. */
function nextCommand(view: RunView, { commandSuffix }: RunEndOptions): readonly string[] {
  const isFailed = view.status === "completed" && (view.conclusion === "failure" || view.conclusion === "timed_out");
  return isFailed ? ["", `run again what failed: signalbox rerun ${view.id} --failed${commandSuffix}`] : [];
}

function logsCommand(view: RunView, job: JobView, step: StepView, suffix: string): string {
  const jobOption = view.jobs.length === 1 ? "" : ` --job ${shellWord(job.key)}`;
  return `signalbox logs ${view.id}${jobOption} --step ${step.id ?? step.number}${suffix}`;
}

/** As a shell reads it back. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
