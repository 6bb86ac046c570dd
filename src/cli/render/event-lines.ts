// The event stream as plain ordered lines, for pipes, files and `--ui stream`: each line says by itself which job and
// step it is about. State is only what a line has to say about earlier ones: names and beginnings.

import type { Annotation } from "../../model/host-port.ts";
import type { StepKind, StreamedEvent } from "../../model/run-view.ts";
import { duration } from "./duration.ts";
import { logLine } from "./log-line.ts";
import { plainText } from "./safe-text.ts";
import { isControl } from "./step-times.ts";
import { conclusionWord, markOf, type Style } from "./style.ts";
import { cutToWidth } from "./text-width.ts";

export interface EventLinesOptions {
  readonly style: Style;
  /** Whether the steps' log lines are shown too. */
  readonly hasLogs: boolean;
  /** Names of what no event has named: jobs that began before a resume, steps that were skipped. */
  readonly nameOf?: (job: string, step?: string) => string | undefined;
}

const PREFIX_WIDTH = 60;

interface StepPlace {
  readonly job: string;
  readonly step: string;
}

interface SeenStep {
  readonly name: string;
  readonly kind: StepKind;
  readonly startedAt: number;
}

interface SeenJob {
  readonly name: string;
  startedAt: number;
  readonly steps: Map<string, SeenStep>;
}

type StepBegins = Extract<StreamedEvent, { type: "step.queued" | "step.started" }>;
type StepEnds = Extract<StreamedEvent, { type: "step.finished" }>;

export class EventLines {
  readonly #style: Style;
  readonly #hasLogs: boolean;
  readonly #nameOf: NonNullable<EventLinesOptions["nameOf"]>;
  readonly #jobs = new Map<string, SeenJob>();

  constructor(options: EventLinesOptions) {
    this.#style = options.style;
    this.#hasLogs = options.hasLogs;
    this.#nameOf = options.nameOf ?? (() => undefined);
  }

  linesOf(event: StreamedEvent): readonly string[] {
    const at = Date.parse(event.at);
    switch (event.type) {
      case "run.started":
      case "run.resumed":
        return [`${event.type === "run.started" ? "Run" : "Resumed run"} ${event.runId}: ${plainText(event.name)} (${event.event})`];
      case "run.notice":
        return [this.#style.yellow(`note: ${plainText(event.message)}`)];
      case "job.queued":
        this.#job(event.job, event.name);
        return [];
      case "job.started":
        this.#job(event.job, event.name).startedAt = at;
        return [`${this.#mark("in_progress")} ${plainText(event.name)}`];
      case "job.finished":
        return [this.#jobFinished(event, at)];
      case "step.queued":
        this.#step(event, at);
        return event.background ? [this.#line(event, "·", "queued")] : [];
      case "step.started":
        return this.#stepStarted(event, at);
      case "step.log": {
        const line = this.#showsLog(event) ? logLine(event.text, this.#style) : undefined;
        return line === undefined ? [] : [`${this.#shortPrefix(event)} ${this.#style.dim("|")} ${line}`];
      }
      case "step.annotation": {
        if (this.#isInLog(event.annotation)) return [];
        const { level, message, title, file, line } = event.annotation;
        const place = file === undefined ? "" : ` (${plainText(file)}${line === undefined ? "" : `:${line}`})`;
        const text = `${level === "failure" ? "error" : level}: ${title === undefined ? "" : `${plainText(title)}: `}${plainText(message)}${place}`;
        return [
          `${this.#shortPrefix(event)} ${level === "failure" ? this.#style.red(text) : level === "warning" ? this.#style.yellow(text) : text}`,
        ];
      }
      case "step.flushed":
        return [];
      case "step.finished":
        return this.#stepFinished(event, at);
      case "run.finished":
        return [];
      default:
        return event satisfies never;
    }
  }

  /** What a wait waits for, and each result, is said without the other logs too (B22). */
  #showsLog(event: StepPlace): boolean {
    const kind = this.#jobs.get(event.job)?.steps.get(event.step)?.kind;
    return this.#hasLogs || (kind !== undefined && isControl(kind));
  }

  /** One with a title or a place says more than the line of the log that it stands in. */
  #isInLog({ title, file }: Annotation): boolean {
    return this.#hasLogs && title === undefined && file === undefined;
  }

  #jobFinished(event: Extract<StreamedEvent, { type: "job.finished" }>, at: number): string {
    const job = this.#job(event.job, event.job);
    const time = event.conclusion === "skipped" || job.startedAt === 0 ? "" : ` in ${duration(at - job.startedAt)}`;
    const message = event.message === undefined ? "" : `: ${plainText(event.message)}`;
    return `${this.#mark("completed", event.conclusion)} ${plainText(job.name)} ${conclusionWord(event.conclusion)}${time}${message}`;
  }

  #stepStarted(event: StepBegins, at: number): readonly string[] {
    this.#step(event, at);
    const again = event.attempt > 1 ? `attempt ${event.attempt}` : "";
    return [this.#line(event, this.#mark("in_progress"), [event.background ? "background" : "", again].filter(Boolean).join(", "))];
  }

  #stepFinished(event: StepEnds, at: number): readonly string[] {
    const step = this.#jobs.get(event.job)?.steps.get(event.step);
    // A skipped step is heard of for the first time.
    if (step === undefined && event.name !== undefined && event.kind !== undefined) {
      this.#job(event.job, event.job).steps.set(event.step, { name: event.name, kind: event.kind, startedAt: 0 });
    }
    const time = event.conclusion === "skipped" || step === undefined || step.startedAt === 0 ? "" : duration(at - step.startedAt);
    const word = event.outcome === "failure" && event.conclusion === "success" ? "failed, continued" : conclusionWord(event.conclusion);
    const why = event.conclusion !== "success" && event.message !== undefined ? `: ${plainText(event.message)}` : "";
    return [this.#line(event, this.#mark("completed", event.conclusion), `${word}${time === "" ? "" : ` in ${time}`}${why}`)];
  }

  #job(key: string, name: string): SeenJob {
    let job = this.#jobs.get(key);
    if (job === undefined) {
      job = { name: this.#nameOf(key) ?? name, startedAt: 0, steps: new Map() };
      this.#jobs.set(key, job);
    }
    return job;
  }

  #step(event: StepBegins, at: number): void {
    const step: SeenStep = { name: event.name, kind: event.kind, startedAt: event.type === "step.started" ? at : 0 };
    this.#job(event.job, event.job).steps.set(event.step, step);
  }

  #prefix(event: StepPlace): string {
    return this.#style.cyan(this.#place(event));
  }

  /** Before each line of a log: a step without a name is called by its script, which may be long. */
  #shortPrefix(event: StepPlace): string {
    return this.#style.cyan(cutToWidth(this.#place(event), PREFIX_WIDTH));
  }

  #place(event: StepPlace): string {
    const job = this.#jobs.get(event.job);
    const name = job?.steps.get(event.step)?.name ?? this.#nameOf(event.job, event.step) ?? event.step;
    return `${plainText(this.#job(event.job, event.job).name)} › ${plainText(name)}`;
  }

  #line(event: StepPlace, mark: string, text: string): string {
    return `${mark} ${this.#prefix(event)}${text === "" ? "" : `  ${text}`}`;
  }

  #mark(status: "in_progress" | "completed", conclusion: StepEnds["conclusion"] | null = null): string {
    const mark = markOf(status, conclusion, this.#style);
    return mark.paint(mark.text);
  }
}
