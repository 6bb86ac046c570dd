// What a run tells, in order: what the projector reads from commits, the lines of the logs as they grow, and notices. It
// stands in the journal before anybody hears it. A step's end is told after the last line of its log.

import { join } from "node:path";
import type { CommittedEvents } from "../../loops/engine.ts";
import type { StepEvent } from "../../model/host-port.ts";
import type { RunEvent } from "../../model/run-view.ts";
import type { StepSource } from "../../workflow/run/ports.ts";
import type { RunProjector } from "../../workflow/view/run-projector.ts";
import type { Journal, ToldEvent } from "./journal.ts";
import type { JournalRecord, KeptLog, Positions } from "./journal-record.ts";
import { LogFollower } from "./log-follower.ts";

type StepFinished = Extract<RunEvent, { type: "step.finished" }>;

export interface RunStreamOptions {
  readonly directory: string;
  readonly journal: Journal;
  readonly projector: RunProjector;
  readonly now: () => number;
  /** Jobs of an earlier run: their steps are shown as they ran there, and none runs here. */
  readonly isTakenOver: (job: string) => boolean;
  /** Told right after `run.started`. */
  readonly notices: readonly string[];
  /** Where earlier processes have come to in the logs. */
  readonly told?: LogPlaces;
}

/** The last line told of each attempt's log, from the records of earlier processes. */
export class LogPlaces {
  readonly #last = new Map<string, KeptLog>();

  note(record: JournalRecord): void {
    for (const event of record.events)
      if (event.type === "step.log" && "file" in event) this.#last.set(keyOf(event.job, event.step, event.attempt), event);
  }

  of(key: string): KeptLog | undefined {
    return this.#last.get(key);
  }
}

interface Follower {
  readonly file: string;
  readonly log: LogFollower;
  /** The rest of a line that an earlier process has told. */
  skipsFirst: boolean;
}

export class RunStream implements Disposable {
  readonly #options: RunStreamOptions;
  readonly #jobs = new Map<string, string>();
  readonly #followers = new Map<string, Follower>();
  #notices: readonly string[];
  #isFinished = false;

  constructor(options: RunStreamOptions) {
    this.#options = options;
    this.#notices = options.notices;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  committed(committed: readonly CommittedEvents[]): void {
    const { journal, projector, now } = this.#options;
    const positions: { [instanceId: string]: readonly [string, number] } = {};
    const told: ToldEvent[] = [];
    for (const one of committed) {
      this.#nameJobs(one);
      positions[one.instanceId] = [one.executionId, one.from + one.events.length];
      for (const { event, source } of projector.apply([one])) {
        // Told by an earlier process: only the picture needs it.
        const [execution, length] = journal.positionOf(source.instanceId) ?? [];
        if (execution === source.executionId && length !== undefined && source.position < length) continue;
        if (event.type.startsWith("step.") && "job" in event && this.#options.isTakenOver(event.job)) continue;
        if (event.type === "step.finished") told.push(...this.#restOfLog(event));
        told.push(event);
        if (event.type === "run.started") told.push(...this.#takeNotices());
        if (event.type === "run.finished") this.#isFinished = true;
      }
    }
    journal.append(iso(now()), told, this.#isNews(positions) ? positions : undefined);
  }

  stepEvent(from: StepSource, event: StepEvent): void {
    const { journal, projector, now } = this.#options;
    const told: ToldEvent[] = [...projector.stepEvent(from, event)];
    const job = this.#jobs.get(from.instanceId);
    if (event.kind === "log" && job !== undefined) {
      const file = join("logs", from.job, `${from.step}.${from.attempt}.log`);
      told.push(...this.#lines({ job, step: from.step, attempt: from.attempt }, file, event.bytes, false));
    }
    if (told.length > 0) journal.append(iso(now()), told);
  }

  /** Something to say about the run; nothing is said after its end. */
  notice(message: string): void {
    if (this.#isFinished) return;
    this.#options.journal.append(iso(this.#options.now()), [{ type: "run.notice", message }]);
  }

  [Symbol.dispose](): void {
    for (const { log } of this.#followers.values()) log[Symbol.dispose]();
    this.#followers.clear();
  }

  #takeNotices(): readonly ToldEvent[] {
    const notices = this.#notices;
    this.#notices = [];
    return notices.map((message) => ({ type: "run.notice", message }));
  }

  #isNews(positions: Positions): boolean {
    return Object.entries(positions).some(([instance, [execution, length]]) => {
      const [known, knownLength = 0] = this.#options.journal.positionOf(instance) ?? [];
      return known !== execution || knownLength < length;
    });
  }

  /** Steps are known by their job's instance; people know jobs by their key. */
  #nameJobs({ instanceId, events }: CommittedEvents): void {
    for (const event of events) {
      if (event.kind !== "ExecutionStarted" || event.name !== "job" || event.input === undefined) continue;
      const input: unknown = JSON.parse(event.input);
      if (typeof input === "object" && input !== null && "key" in input && typeof input.key === "string")
        this.#jobs.set(instanceId, input.key);
    }
  }

  /** What of the log nobody has told: the host says all of it before the end, so only of a step that ended unobserved. */
  #restOfLog({ job, step, attempt, conclusion }: StepFinished): readonly ToldEvent[] {
    const key = keyOf(job, step, attempt);
    const isObserved = this.#followers.has(key) || this.#options.told === undefined || conclusion === "skipped";
    const log = isObserved ? undefined : this.#logOf(job, step);
    const lines = log === undefined ? [] : this.#lines({ job, step, attempt }, log.file, log.bytes, true);
    this.#followers.get(key)?.log[Symbol.dispose]();
    this.#followers.delete(key);
    return lines;
  }

  #logOf(job: string, step: string): { readonly file: string; readonly bytes: number } | undefined {
    const view = this.#options.projector.view().jobs.find(({ key }) => key === job);
    const log = view?.steps.find(({ key }) => key === step)?.log;
    return log === undefined || log === null || log.file === "" ? undefined : log;
  }

  #lines(
    place: { readonly job: string; readonly step: string; readonly attempt: number },
    file: string,
    bytes: number,
    isEnd: boolean,
  ): readonly ToldEvent[] {
    const follower = this.#follower(place, file);
    const lines = follower.log.read(bytes, isEnd);
    if (follower.skipsFirst && lines.length > 0) {
      lines.shift();
      follower.skipsFirst = false;
    }
    return lines.map(({ offset, length, text }) => ({ log: { type: "step.log", ...place, offset, text }, file: follower.file, length }));
  }

  #follower({ job, step, attempt }: { readonly job: string; readonly step: string; readonly attempt: number }, file: string): Follower {
    const key = keyOf(job, step, attempt);
    let follower = this.#followers.get(key);
    if (follower === undefined) {
      const last = this.#options.told?.of(key);
      const log = new LogFollower(join(this.#options.directory, file), last === undefined ? 0 : last.offset + last.length);
      follower = { file, log, skipsFirst: last !== undefined };
      this.#followers.set(key, follower);
    }
    return follower;
  }
}

// Neither part can hold a line break.
const keyOf = (job: string, step: string, attempt: number): string => `${job}\n${step}\n${attempt}`;

const iso = (at: number): string => new Date(at).toISOString();
