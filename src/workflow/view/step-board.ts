// The steps of one job as people see them, kept up to date by the facts of the job's machine.

import { controlStepName } from "../../model/control-step-name.ts";
import type { StepEvent, StepResult, StepValue } from "../../model/host-port.ts";
import type { StepPlan } from "../../model/plan.ts";
import { runStepName } from "../../model/run-step-name.ts";
import type { RunEvent, StepView } from "../../model/run-view.ts";
import { templateText } from "../../model/template-text.ts";
import type { JobFact } from "../run/job/job-protocol.ts";

const SETUP_KEY = "__setup";

type Draft = { -readonly [K in keyof StepView]: StepView[K] };
type StepFact = Exclude<JobFact, { kind: "Notice" | "JobFinished" }>;

export class StepBoard {
  readonly #job: string;
  /** The workflow file that the steps stand in. */
  readonly #file: string;
  readonly #steps = new Map<string, Draft>();
  /** Bytes of text that the engine printed for a control step, and annotations told while a step ran. */
  readonly #printed = new Map<string, number>();
  readonly #annotated = new Map<string, number>();
  #number = 0;

  constructor(job: string, plan: readonly StepPlan[], file: string) {
    this.#job = job;
    this.#file = file;
    this.#add({ key: SETUP_KEY, kind: "setup", name: "Set up job" });
    for (const step of plan) this.#addPlanned(step);
  }

  /** Of a job that is over, what it never reached was skipped. */
  views(isOver: boolean): readonly StepView[] {
    return [...this.#steps.values()].map((step) => {
      if (!isOver || step.status === "completed") return { ...step };
      return { ...step, status: "completed", outcome: step.outcome ?? "skipped", conclusion: step.conclusion ?? "skipped" };
    });
  }

  apply(fact: StepFact, at: number): readonly RunEvent[] {
    switch (fact.kind) {
      case "SetUpStarted":
        return this.#start(this.#step(SETUP_KEY), at);
      case "SetUpFinished": {
        const conclusion = fact.message === undefined ? "success" : "failure";
        const said = fact.message === undefined ? {} : { message: fact.message };
        return this.#finish(this.#step(SETUP_KEY), { outcome: conclusion, conclusion, ...said }, at);
      }
      case "StepReached":
        this.#step(fact.step).queuedAt = iso(at);
        return [];
      case "StepQueued": {
        const step = this.#step(fact.step);
        step.name = fact.name;
        return [this.#announce("step.queued", step)];
      }
      case "StepStarted": {
        const step = this.#step(fact.step);
        step.name = fact.name;
        return this.#start(step, at);
      }
      case "StepFinished": {
        const step = this.#step(fact.step);
        step.name = fact.name;
        return this.#finish(step, fact, at);
      }
      case "StepFlushed":
        return [{ type: "step.flushed", job: this.#job, step: fact.step, by: fact.by }];
      case "StepLog": {
        const offset = this.#printed.get(fact.step) ?? 0;
        this.#printed.set(fact.step, offset + new TextEncoder().encode(fact.text).length + 1);
        return [{ type: "step.log", job: this.#job, step: fact.step, attempt: this.#step(fact.step).attempt, offset, text: fact.text }];
      }
      case "PreAdded":
        this.#add({ key: fact.step, kind: "pre", name: fact.pre.name, parent: fact.pre.main });
        this.#moveUp(fact.step);
        return [];
      case "PostAdded":
        this.#add({ key: fact.step, kind: "post", name: fact.post.name, parent: fact.post.main });
        return [];
      default:
        return fact satisfies never;
    }
  }

  /** What the host says while an attempt runs. */
  live(key: string, attempt: number, event: StepEvent): readonly RunEvent[] {
    const step = this.#steps.get(key);
    if (step === undefined || step.status === "completed") return [];
    switch (event.kind) {
      case "started": {
        const isAgain = attempt > step.attempt;
        step.attempt = attempt;
        step.startedAt = iso(event.at);
        return isAgain ? [this.#announce("step.started", step)] : [];
      }
      case "log":
        step.log = { file: step.log?.file ?? "", bytes: event.bytes };
        return [];
      case "annotation":
        this.#annotated.set(key, (this.#annotated.get(key) ?? 0) + 1);
        step.annotations = [...step.annotations, event.annotation];
        return [{ type: "step.annotation", job: this.#job, step: key, annotation: event.annotation }];
      case "mask":
        return [];
      default:
        return event satisfies never;
    }
  }

  #start(step: Draft, at: number): readonly RunEvent[] {
    step.status = "in_progress";
    step.attempt = Math.max(1, step.attempt);
    step.startedAt = iso(at);
    step.queuedAt ??= step.startedAt;
    return [this.#announce("step.started", step)];
  }

  #finish(
    step: Draft,
    ending: Omit<Extract<JobFact, { kind: "StepFinished" }>, "kind" | "step" | "name">,
    at: number,
  ): readonly RunEvent[] {
    const { outcome, conclusion, message, result } = ending;
    step.status = "completed";
    step.outcome = outcome;
    step.conclusion = conclusion;
    step.message = message ?? null;
    step.attempt = ending.attempt ?? step.attempt;
    step.log = ending.log ?? step.log;
    step.endedAt = iso(result?.endedAt ?? at);
    const told = this.#annotated.get(step.key) ?? 0;
    if (result !== undefined) takeResult(step, result);
    step.timing = timingOf(step);
    const annotations = (result?.annotations ?? []).slice(told);
    return [
      ...annotations.map((annotation): RunEvent => ({ type: "step.annotation", job: this.#job, step: step.key, annotation })),
      {
        type: "step.finished",
        job: this.#job,
        step: step.key,
        number: step.number,
        name: step.name,
        kind: step.kind,
        attempt: step.attempt,
        outcome,
        conclusion,
        ...(result?.exitCode === undefined ? {} : { exitCode: result.exitCode }),
        ...(message === undefined ? {} : { message }),
        outputs: step.outputs,
      },
    ];
  }

  #announce(type: "step.queued" | "step.started", step: Draft): RunEvent {
    return {
      type,
      job: this.#job,
      step: step.key,
      number: step.number,
      name: step.name,
      kind: step.kind,
      background: step.background,
      attempt: Math.max(1, step.attempt),
      ...(step.id === null ? {} : { id: step.id }),
      ...(step.targets.length === 0 ? {} : { targets: step.targets }),
      ...(step.group === null ? {} : { group: step.group }),
      ...(step.parent === null ? {} : { parent: step.parent }),
    };
  }

  #addPlanned(step: StepPlan): void {
    const isWork = step.kind === "run" || step.kind === "uses";
    this.#add({
      key: step.key,
      id: step.id ?? null,
      kind: step.kind,
      name: plannedName(step),
      background: isWork && step.background,
      group: isWork ? (step.group ?? null) : null,
      targets: targetsOf(step),
      ...(step.kind === "wait-all" && step.implicit ? {} : { source: { file: this.#file, ...step.at } }),
    });
    if (step.kind === "parallel") for (const member of step.members) this.#addPlanned(member);
  }

  #add(known: Pick<StepView, "key" | "kind" | "name"> & Partial<StepView>): void {
    this.#number += 1;
    const { key, kind, name, id = null, ...more } = known;
    this.#steps.set(key, {
      id,
      key,
      number: this.#number,
      name,
      kind,
      background: false,
      targets: [],
      group: null,
      parent: null,
      status: "queued",
      outcome: null,
      conclusion: null,
      outputs: {},
      queuedAt: null,
      startedAt: null,
      endedAt: null,
      attempt: 0,
      timing: { waitedMs: 0, ranMs: 0, blockedMs: 0 },
      exitCode: null,
      message: null,
      log: null,
      annotations: [],
      ...more,
    });
  }

  /** To the end of the pre steps: no step after them has been told of yet, so their numbers are free to change. */
  #moveUp(key: string): void {
    const moved = this.#step(key);
    const [setup, ...others] = [...this.#steps.values()].filter((step) => step !== moved);
    if (setup === undefined) return;
    const isPre = ({ kind }: Draft): boolean => kind === "pre";
    const ordered = [setup, ...others.filter(isPre), moved, ...others.filter((step) => !isPre(step))];
    this.#steps.clear();
    for (const [index, step] of ordered.entries()) this.#steps.set(step.key, Object.assign(step, { number: index + 1 }));
  }

  #step(key: string): Draft {
    const step = this.#steps.get(key);
    if (step === undefined) throw new Error(`the job ${this.#job} has no step ${key}`);
    return step;
  }
}

function takeResult(step: Draft, result: StepResult): void {
  step.startedAt = iso(result.startedAt);
  step.exitCode = result.exitCode ?? null;
  step.log = { file: result.log.file, bytes: result.log.bytes };
  step.annotations = result.annotations;
  step.outputs = Object.fromEntries(Object.entries(result.outputs).map(([name, value]) => [name, shown(value)]));
}

/** B22: waited for a slot, ran, and blocked the job's walk are told apart. */
function timingOf({ queuedAt, startedAt, endedAt, kind }: Draft): StepView["timing"] {
  const took = between(startedAt, endedAt);
  const isControl = kind === "wait" || kind === "wait-all" || kind === "cancel" || kind === "parallel";
  return { waitedMs: between(queuedAt, startedAt), ranMs: isControl ? 0 : took, blockedMs: isControl ? took : 0 };
}

function between(from: string | null, to: string | null): number {
  return from === null || to === null ? 0 : Math.max(0, Date.parse(to) - Date.parse(from));
}

function targetsOf(step: StepPlan): readonly string[] {
  if (step.kind === "wait") return step.targets;
  return step.kind === "cancel" ? [step.target] : [];
}

/** Until the host has said what it is called. */
function plannedName(step: StepPlan): string {
  if (step.name !== undefined) return templateText(step.name) ?? step.id ?? step.key;
  switch (step.kind) {
    case "run":
      return runStepName(templateText(step.run) ?? step.id ?? step.key);
    case "uses":
      return `Run ${step.uses}`;
    default:
      return controlStepName(step);
  }
}

/** A sealed value is a secret to every view. */
export const shown = (value: StepValue): string => (typeof value === "string" ? value : "***");

export const iso = (at: number): string => new Date(at).toISOString();
