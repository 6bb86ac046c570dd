// The logs of a run. Those of a run that is not followed are read from their files, job by job: they may be large.
// Followed ones come from the event stream, as they happen, each line with the name of its step.

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SignalboxError } from "../../model/errors.ts";
import type { JobView, RunView, StepView } from "../../model/run-view.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { EventLines } from "../render/event-lines.ts";
import { logLine } from "../render/log-line.ts";
import { plainText } from "../render/safe-text.ts";
import { styleFor } from "../render/style.ts";
import type { RunReader } from "../session/session.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";

export interface LogsOptions {
  readonly job?: string;
  readonly step?: string;
  readonly follow?: boolean;
  readonly state?: string;
}

export async function logs(run: string, options: LogsOptions, context: CommandContext): Promise<number> {
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  const { id } = await sessions.find(run);
  await using reader = await sessions.read(id);
  const view = await reader.view();
  if (options.follow) await follow(reader, options, context);
  else await printAll(view, reader.summary.directory, options, context);
  return EXIT.success;
}

async function printAll(view: RunView, directory: string, options: LogsOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const style = styleFor(terminal.hasColor);
  const chosen = selected(view, options);
  for (const { job, step } of chosen) {
    if (step.log === null) continue;
    const attempt = step.attempt > 1 ? ` (attempt ${step.attempt})` : "";
    if (chosen.length > 1) terminal.write(`${style.bold(`${plainText(job.name)} › ${plainText(step.name)}${attempt}`)}\n`);
    const lines = createInterface({ input: createReadStream(join(directory, step.log.file), "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
    try {
      for await (const line of lines) {
        if (terminal.isOutputGone()) return;
        const shown = logLine(line, style);
        if (shown !== undefined) terminal.write(`${shown}\n`);
      }
    } catch (error) {
      // A step that has written nothing yet has no file.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
}

function selected(view: RunView, options: LogsOptions): readonly { readonly job: JobView; readonly step: StepView }[] {
  const jobs = view.jobs.filter((job) => isJob(job, options.job));
  if (jobs.length === 0 && options.job !== undefined) {
    throw notFound(`--job ${options.job}: the run has no such job. It has: ${view.jobs.map((job) => plainText(job.key)).join(", ")}.`);
  }
  const steps = jobs.flatMap((job) => job.steps.filter((step) => isStep(step, options.step)).map((step) => ({ job, step })));
  if (steps.length === 0 && options.step !== undefined) {
    const known = jobs.flatMap((job) => job.steps.map((step) => `${step.number} ${plainText(step.name)}`));
    const what = known.length === 0 ? "No step has started yet." : `There is:\n${known.map((name) => `  ${name}`).join("\n")}`;
    throw notFound(`--step ${options.step}: there is no such step. ${what}`);
  }
  return steps;
}

function isJob(job: { readonly key: string; readonly name: string }, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const text = wanted.toLowerCase();
  return job.key.toLowerCase() === text || job.name.toLowerCase() === text;
}

interface NamedStep {
  readonly id?: string | null;
  readonly key: string;
  readonly number: number;
  readonly name: string;
}

function isStep(step: NamedStep, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const text = wanted.toLowerCase();
  return [step.id ?? "", step.key, String(step.number), step.name].some((name) => name.toLowerCase() === text);
}

async function follow(reader: RunReader, options: LogsOptions, { terminal }: CommandContext): Promise<void> {
  const stopped = new AbortController();
  const forget = terminal.onSignal(() => stopped.abort());
  const lines = new EventLines({ style: styleFor(terminal.hasColor), hasLogs: true });
  const jobs = new Set<string>();
  const steps = new Set<string>();
  try {
    for await (const event of reader.events({ follow: true, signal: stopped.signal })) {
      if (terminal.isOutputGone()) return;
      const text = lines.linesOf(event);
      if (event.type === "step.queued" || event.type === "step.started") {
        if (isStep({ ...event, key: event.step }, options.step)) steps.add(`${event.job}\n${event.step}`);
      } else if (
        (event.type === "job.queued" || event.type === "job.started") &&
        isJob({ key: event.job, name: event.name }, options.job)
      ) {
        jobs.add(event.job);
      }
      if (event.type !== "step.log" || !jobs.has(event.job) || !steps.has(`${event.job}\n${event.step}`)) continue;
      terminal.write(text.map((line) => `${line}\n`).join(""));
    }
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
  } finally {
    forget();
  }
}

const notFound = (message: string) => new SignalboxError("NOT_FOUND", message);
