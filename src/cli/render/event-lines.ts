// The event stream as plain ordered lines, for pipes, files and `--ui stream`: each line says by itself which job and
// step it is about. State is only what a line has to say about earlier ones: names, and who waits for whom.

import type { StreamedEvent } from "../../model/run-view.ts";
import { duration } from "./duration.ts";
import { logText, plainText } from "./safe-text.ts";
import { isControl } from "./step-times.ts";
import { conclusionWord, markOf, type Style } from "./style.ts";

export interface EventLinesOptions {
  readonly style: Style;
  /** Whether the steps' log lines are shown too. */
  readonly hasLogs: boolean;
}

interface SeenStep {
  readonly key: string;
  readonly id: string | undefined;
  readonly name: string;
  readonly background: boolean;
  readonly group: string | undefined;
  startedAt: number;
  result: string;
  isFlushed: boolean;
}

interface SeenJob {
  readonly name: string;
  startedAt: number;
  readonly steps: Map<string, SeenStep>;
  /** What each open wait or cancel waits for. */
  readonly waits: Map<string, { readonly event: StepBegins; readonly targets: readonly SeenStep[] }>;
}

type StepBegins = Extract<StreamedEvent, { type: "step.queued" | "step.started" }>;
type StepEnds = Extract<StreamedEvent, { type: "step.finished" }>;

export class EventLines {
  readonly #style: Style;
  readonly #hasLogs: boolean;
  readonly #jobs = new Map<string, SeenJob>();

  constructor(options: EventLinesOptions) {
    this.#style = options.style;
    this.#hasLogs = options.hasLogs;
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
      case "step.log":
        return this.#hasLogs ? [`${this.#prefix(event)} ${this.#style.dim("|")} ${logText(event.text, this.#style.hasColor)}`] : [];
      case "step.annotation": {
        const { level, message, title, file, line } = event.annotation;
        const place = file === undefined ? "" : ` (${plainText(file)}${line === undefined ? "" : `:${line}`})`;
        const text = `${level === "failure" ? "error" : level}: ${title === undefined ? "" : `${plainText(title)}: `}${plainText(message)}${place}`;
        return [`${this.#prefix(event)} ${level === "failure" ? this.#style.red(text) : level === "warning" ? this.#style.yellow(text) : text}`];
      }
      case "step.flushed": {
        const step = this.#jobs.get(event.job)?.steps.get(event.step);
        if (step !== undefined) step.isFlushed = true;
        return [];
      }
      case "step.finished":
        return this.#stepFinished(event, at);
      case "run.finished":
        return [];
      default:
        return event satisfies never;
    }
  }

  #jobFinished(event: Extract<StreamedEvent, { type: "job.finished" }>, at: number): string {
    const job = this.#job(event.job, event.job);
    const time = event.conclusion === "skipped" || job.startedAt === 0 ? "" : ` in ${duration(at - job.startedAt)}`;
    const message = event.message === undefined ? "" : `: ${plainText(event.message)}`;
    return `${this.#mark("completed", event.conclusion)} ${plainText(job.name)} ${conclusionWord(event.conclusion)}${time}${message}`;
  }

  #stepStarted(event: StepBegins, at: number): readonly string[] {
    const step = this.#step(event, at);
    step.startedAt = at;
    const again = event.attempt > 1 ? `attempt ${event.attempt}` : "";
    const begun = this.#line(event, this.#mark("in_progress"), [event.background ? "background" : "", again].filter(Boolean).join(", "));
    return [begun, ...this.#waitBegins(event)];
  }

  #waitBegins(event: StepBegins): readonly string[] {
    if (!isControl(event.kind)) return [];
    const job = this.#job(event.job, event.job);
    const targets = targetsOf(event, job);
    job.waits.set(event.step, { event, targets });
    const names = targets.map((target) => plainText(target.name)).join(", ");
    // The members of a group start after it: each says so itself.
    if (event.kind === "parallel") return [];
    if (event.kind === "cancel") return [this.#say(event, `Cancelling background step(s): ${names}`)];
    if (names === "") return [this.#say(event, "No background steps remaining to wait for.")];
    return [this.#say(event, `Waiting for background step(s) to complete: ${names}`)];
  }

  /** B22: each step's result, where the wait ends. */
  #waitEnds(event: StepEnds, job: SeenJob): readonly string[] {
    const wait = job.waits.get(event.step);
    if (wait === undefined) return [];
    job.waits.delete(event.step);
    const targets = wait.event.kind === "parallel" ? targetsOf(wait.event, job) : wait.targets;
    if (targets.length === 0) return [];
    const last = `Finished ${wait.event.kind === "cancel" ? "cancelling" : "waiting for"} background step(s).`;
    return [...targets.map((target) => `  ${plainText(target.name)}: ${target.result}`), last].map((text) => this.#say(event, text));
  }

  #stepFinished(event: StepEnds, at: number): readonly string[] {
    const job = this.#job(event.job, event.job);
    const step = job.steps.get(event.step);
    const time = event.conclusion === "skipped" || step === undefined || step.startedAt === 0 ? "" : duration(at - step.startedAt);
    const word = event.outcome === "failure" && event.conclusion === "success" ? "failed, continued" : conclusionWord(event.conclusion);
    if (step !== undefined) step.result = time === "" ? word : `${word} (${time})`;
    const why = event.conclusion !== "success" && event.message !== undefined ? `: ${plainText(event.message)}` : "";
    return [
      ...this.#waitEnds(event, job),
      this.#line(event, this.#mark("completed", event.conclusion), `${word}${time === "" ? "" : ` in ${time}`}${why}`),
    ];
  }

  #job(key: string, name: string): SeenJob {
    let job = this.#jobs.get(key);
    if (job === undefined) {
      job = { name, startedAt: 0, steps: new Map(), waits: new Map() };
      this.#jobs.set(key, job);
    }
    return job;
  }

  #step(event: StepBegins, at: number): SeenStep {
    const step: SeenStep = {
      key: event.step,
      id: event.id,
      name: event.name,
      background: event.background,
      group: event.group,
      startedAt: event.type === "step.started" ? at : 0,
      result: "still running",
      isFlushed: false,
    };
    this.#job(event.job, event.job).steps.set(event.step, step);
    return step;
  }

  #prefix(event: { readonly job: string; readonly step: string }): string {
    const job = this.#jobs.get(event.job);
    const name = job?.steps.get(event.step)?.name ?? event.step;
    return this.#style.cyan(`${plainText(job?.name ?? event.job)} › ${plainText(name)}`);
  }

  #line(event: { readonly job: string; readonly step: string }, mark: string, text: string): string {
    return `${mark} ${this.#prefix(event)}${text === "" ? "" : `  ${text}`}`;
  }

  #say(event: { readonly job: string; readonly step: string }, text: string): string {
    return `${this.#prefix(event)}  ${text}`;
  }

  #mark(status: "in_progress" | "completed", conclusion: StepEnds["conclusion"] | null = null): string {
    const mark = markOf(status, conclusion, this.#style);
    return mark.paint(mark.text);
  }
}

/** Targets are keys or ids, which compare without case; a wait for all takes every background step not yet published. */
function targetsOf(event: StepBegins, job: SeenJob): readonly SeenStep[] {
  const steps = [...job.steps.values()].filter((step) => step.background && step.key !== event.step);
  if (event.kind === "wait-all") return steps.filter((step) => !step.isFlushed);
  if (event.kind === "parallel") return steps.filter((step) => step.group === event.step);
  const names = new Set((event.targets ?? []).map((target) => target.toLowerCase()));
  return steps.filter((step) => names.has(step.key.toLowerCase()) || (step.id !== undefined && names.has(step.id.toLowerCase())));
}
