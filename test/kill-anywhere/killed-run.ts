// One run that is killed and resumed, and what must hold of it afterwards.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import type { RunView, StepView } from "../../src/model/run-view.ts";
import { CommandSandbox, type Ended, type StartOptions } from "../command/command-sandbox.ts";
import { FILES } from "./workflow.ts";

/** What a person sees of a run that must not depend on whether it was killed. */
export interface Picture {
  readonly conclusion: string | null;
  readonly jobs: { readonly [key: string]: unknown };
}

export class KilledRun extends CommandSandbox {
  constructor(program: string) {
    super(program, FILES);
  }

  startsRun(options: StartOptions = {}) {
    return this.startRun("kill.yml", ["--ui", "none", "--max-jobs", "2"], options);
  }

  resume(options: StartOptions = {}): Promise<Ended> {
    return this.run(["resume", "--ui", "none"], options);
  }

  /** The dead engine's steps go on for a while: an attempt that is there has written its line, or it never will. */
  async attemptsHaveBegun(): Promise<void> {
    for (;;) {
      const ledger = new Set(this.ledger());
      if (this.processes().every(({ marker }) => marker === undefined || ledger.has(marker))) return;
      await pause(1);
    }
  }

  /** Attempts that have ended, by history or by the spool, as `<job>/<step>` and attempt. */
  async endedAttempts(): Promise<ReadonlyMap<string, number>> {
    const run = await this.latest();
    if (run === undefined) return new Map();
    const ended = new Map<string, number>();
    const spool = join(run.directory, "spool");
    for (const job of existsSync(spool) ? readdirSync(spool) : [])
      for (const name of readdirSync(join(spool, job))) {
        const [, step, attempt] = /^(.+)\.(\d+)\.ended$/.exec(name) ?? [];
        if (step !== undefined) ended.set(`${job}/${step}`, Number(attempt));
      }
    for (const [key, step] of executed(await this.view())) if (step.status === "completed") ended.set(key, step.attempt);
    return ended;
  }

  async picture(): Promise<Picture> {
    const run = await this.latest();
    const view = await this.view();
    const text = (value: string): string => value.replaceAll(run?.directory ?? "", "RUN").replaceAll(this.root, "ROOT");
    const seen = (step: StepView) => ({
      name: step.name,
      status: step.status,
      outcome: step.outcome,
      conclusion: step.conclusion,
      outputs: step.outputs,
      exitCode: step.exitCode,
      message: step.message,
      log:
        step.log === null || step.log.file === ""
          ? null
          : logOf(step, text(readFileSync(join(run?.directory ?? "", step.log.file), "utf8"))),
    });
    const jobs = view.jobs.map(({ key, conclusion, outputs, steps }) => [
      key,
      { conclusion, outputs, steps: Object.fromEntries(steps.map((step) => [step.key, seen(step)])) },
    ]);
    return { conclusion: view.conclusion, jobs: Object.fromEntries(jobs) };
  }

  /** The event stream over all processes: no position missing or repeated, each end and each line of a log once. */
  async toldOnce(view: RunView): Promise<void> {
    const sessions = await this.sessions();
    const run = await sessions.find("latest");
    await using reader = await sessions.read(run.id);
    const events = await Array.fromAsync(reader.events({}));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index));
    expect(events[0]?.type).toBe("run.started");
    expect(events.flatMap(({ type }, index) => (type === "run.finished" ? [index] : []))).toEqual([events.length - 1]);
    const finished = events.flatMap((event) => (event.type === "step.finished" ? [`${event.job}/${event.step}`] : []));
    expect(finished).toEqual([...new Set(finished)]);
    const lines = Map.groupBy(
      events.filter((event) => event.type === "step.log"),
      ({ job, step, attempt }) => `${job}/${step}.${attempt}`,
    );
    for (const job of view.jobs)
      for (const { key, attempt, log } of job.steps) {
        if (log === null || log.file === "") continue;
        const told = lines.get(`${job.key}/${key}.${attempt}`) ?? [];
        expect([key, ...told.map(({ text }) => text)]).toEqual([key, ...linesOf(readFileSync(join(run.directory, log.file), "utf8"))]);
      }
  }

  /** The run has ended as if nobody had killed it, and no step that had ended ran again. */
  async endedLike(undisturbed: Picture, endedBefore: ReadonlyMap<string, number>): Promise<void> {
    expect(await this.picture()).toEqual(undisturbed);
    const steps = executed(await this.view());
    for (const [key, attempt] of endedBefore) expect([key, steps.get(key)?.attempt]).toEqual([key, attempt]);
    const executions = executionsIn(this.ledger());
    for (const [key, step] of steps) {
      if (!hasLedger(key)) continue;
      const begun = executions.get(key) ?? [];
      // A cancel may come before the first line of a step that has just begun again.
      const expected = Array.from({ length: step.attempt }, (_unused, index) => index + 1);
      if (step.conclusion === "cancelled" && begun.length < step.attempt) expected.pop();
      expect([key, ...begun]).toEqual([key, ...expected]);
    }
    for (const key of executions.keys()) expect(steps.has(key)).toBe(true);
    await this.toldOnce(await this.view());
    expect(this.processes()).toEqual([]);
  }
}

/** An attempt that was killed together with the host in the middle of its cancel lacks the host's last word. */
const logOf = ({ conclusion }: StepView, text: string): string =>
  conclusion === "cancelled" ? text.replace("##[error]The operation was canceled.\n", "") : text;

/** The text of a log as lines of the stream. */
const linesOf = (text: string): readonly string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

const hasLedger = (key: string): boolean => !key.endsWith("/checkout");

/** Steps that a host has run, as `<job>/<step>` in the host's names: those that have a log. */
function executed(view: RunView): ReadonlyMap<string, StepView> {
  const found = new Map<string, StepView>();
  for (const step of view.jobs.flatMap(({ steps }) => steps)) {
    const [, key] = /^logs\/(.+)\.\d+\.log$/.exec(step.log?.file ?? "") ?? [];
    if (key !== undefined) found.set(key, step);
  }
  return found;
}

function executionsIn(ledger: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const executions = new Map<string, number[]>();
  for (const line of ledger) {
    const [, job, step, attempt] = line.split("/");
    const key = `${job}/${step}`;
    executions.set(key, [...(executions.get(key) ?? []), Number(attempt)]);
  }
  return executions;
}
