// What the activities of one job know of it: what each step was prepared with, its result, and the order of
// publication. Fed as they go; after a restart it is folded from the committed history, so that a new host can be told
// everything from position 0.

import { isSamePlace } from "../../../model/action-place.ts";
import type { HistoryEvent } from "../../../model/events.ts";
import type { OpenedJob, PreparedStep, PublishedStep, SavedState, StepPosition, StepResult, StepValue } from "../../../model/host-port.ts";
import type { JobInput, OutputsRequest, PrepareRequest, Publication, RanStep, RunRequest, StepRequest } from "../records.ts";
import { ACTIVITY } from "../records.ts";

interface StepEntry {
  readonly request: PrepareRequest;
  prepared?: PreparedStep;
  result?: StepResult;
}

export class JobLedger {
  readonly input: JobInput;
  /** What the host of this process answered; history holds what the first one did. */
  opened: OpenedJob = {};
  readonly #ids: ReadonlyMap<string, string>;
  readonly #steps = new Map<string, StepEntry>();
  readonly #published: PublishedStep[] = [];
  /** Asked in an earlier process to end, or whether they survive a cancel of the job. */
  readonly #cancelled = new Set<string>();
  readonly #reevaluated = new Set<string>();
  /** By main step. */
  readonly #saved = new Map<string, readonly SavedState[]>();
  readonly #handOvers = new Map<string, PromiseWithResolvers<void>>();
  /** Up to where the host has been told. */
  #told = 0;

  constructor(input: JobInput, ids: ReadonlyMap<string, string>) {
    this.input = input;
    this.#ids = ids;
  }

  /** A step is about to be prepared, or to run without that. A repeated request changes nothing. */
  reached(request: PrepareRequest): void {
    this.publish(request);
    if (!this.#steps.has(request.step)) this.#steps.set(request.step, { request });
  }

  /** A step is about to run. */
  asked({ position, ...request }: RunRequest): void {
    if (position !== undefined) this.reached({ ...request, position });
  }

  prepared(step: string, prepared: PreparedStep): void {
    this.#entry(step).prepared = prepared;
  }

  ran(step: string, ran: RanStep): void {
    if (ran.kind === "ended") this.#ended(this.#entry(step), ran.result);
    this.handedOver(step);
  }

  /** The host has the step's attempt, or there will be none. */
  handedOver(step: string): void {
    this.#handOver(step).resolve();
  }

  /** Resolves when a cancel can find the step at the host: it may be asked for in the same turn as the attempt. */
  whenHandedOver(step: string): Promise<void> {
    return this.#handOver(step).promise;
  }

  publish(request: OutputsRequest): void {
    const published = request.published ?? [];
    const known = this.#published.length - (request.position - published.length);
    for (const publication of published.slice(Math.max(0, known))) this.#published.push(this.#entryOf(publication));
  }

  /** What stands for a step on its way to the host: its position, and the entries that the host lacks. */
  position(request: OutputsRequest): StepPosition {
    const { position } = request;
    const from = Math.min(this.#told, position);
    this.#told = Math.max(this.#told, position);
    return { position, from, published: this.#published.slice(from, position), jobStatus: request.status ?? "success" };
  }

  /** What a step was prepared with, and what of it must not change in a later attempt. */
  step(key: string): { readonly request: PrepareRequest; readonly prepared: PreparedStep | undefined } {
    const { request, prepared } = this.#entry(key);
    return { request, prepared };
  }

  /** Whether an earlier process has asked for the step's end, or whether it survives the cancel of the job. */
  cancelOf(step: string): "none" | "unanswered" | "asked" {
    if (this.#cancelled.has(step)) return "asked";
    return this.#reevaluated.has(step) ? "unanswered" : "none";
  }

  /** What the pre steps of a main step have saved. */
  savedFor(main: string): readonly SavedState[] {
    return this.#saved.get(main) ?? [];
  }

  /** Masks that steps added, sealed. */
  get masks(): readonly StepValue[] {
    return [...this.#steps.values()].flatMap(({ result }) => result?.masks ?? []);
  }

  /** The committed history of the job, from its beginning. */
  fold(history: readonly HistoryEvent[]): void {
    const scheduled = new Map<number, { readonly name: string; readonly step: string }>();
    for (const event of history) {
      if (event.kind === "TaskScheduled") {
        if (event.name === ACTIVITY.prepareStep || event.name === ACTIVITY.runStep) {
          const request = parse<RunRequest>(event.input);
          this.asked(request);
          scheduled.set(event.eventId, { name: event.name, step: request.step });
        }
        if (event.name === ACTIVITY.cancelStep) this.#cancelled.add(parse<StepRequest>(event.input).step);
        if (event.name === ACTIVITY.reevaluateStep) this.#reevaluated.add(parse<StepRequest>(event.input).step);
      } else if (event.kind === "TaskCompleted") {
        const task = scheduled.get(event.taskScheduledId);
        if (task?.name === ACTIVITY.prepareStep) this.prepared(task.step, parse<PreparedStep>(event.result));
        if (task?.name === ACTIVITY.runStep) this.ran(task.step, parse<RanStep>(event.result));
      } else if (event.kind === "TaskFailed") {
        const task = scheduled.get(event.taskScheduledId);
        if (task?.name === ACTIVITY.runStep) this.handedOver(task.step);
      }
    }
  }

  #ended(entry: StepEntry, result: StepResult): void {
    entry.result = result;
    const { pre } = entry.request;
    if (pre === undefined || result.state === undefined) return;
    const others = (this.#saved.get(pre.main) ?? []).filter(({ place }) => !isSamePlace(place, pre.place));
    this.#saved.set(pre.main, [...others, { place: pre.place, state: result.state }]);
  }

  #handOver(step: string): PromiseWithResolvers<void> {
    const known = this.#handOvers.get(step);
    if (known !== undefined) return known;
    const handOver = Promise.withResolvers<void>();
    this.#handOvers.set(step, handOver);
    return handOver;
  }

  #entry(step: string): StepEntry {
    const entry = this.#steps.get(step);
    if (entry === undefined) throw new Error(`step ${step} has not been prepared`);
    return entry;
  }

  #entryOf({ step, outcome, conclusion = outcome }: Publication): PublishedStep {
    const result = this.#steps.get(step)?.result;
    const id = this.#ids.get(step);
    return {
      step,
      ...(id === undefined ? {} : { id }),
      outcome,
      conclusion,
      outputs: result?.outputs ?? {},
      environment: result?.environment ?? [],
      path: result?.path ?? [],
    };
  }
}

// Payloads in history were written by these activities: what they hold is what the types say.
const parse = <T>(payload: string | undefined): T => JSON.parse(payload ?? "null") as T;
