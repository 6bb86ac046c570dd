// Runs that end as a test says, beside the interface that they fake.

import { SignalboxError } from "../../model/errors.ts";
import type { JobView, RunView, StepView, StreamedEvent } from "../../model/run-view.ts";
import type { RerunRequest, ResumeRequest, RunOutcome, RunReader, RunSession, RunSummary, Sessions, StartRequest } from "./session.ts";

export interface FakeRun {
  readonly view: RunView;
  readonly directory: string;
  readonly events: readonly StreamedEvent[];
  readonly exitCode?: number;
  /** The run goes on until it is cancelled or interrupted. */
  readonly isEndless?: boolean;
}

export interface FakeSessions extends Sessions {
  readonly started: StartRequest[];
  readonly resumed: ResumeRequest[];
  readonly rerunWith: RerunRequest[];
  readonly cancelled: string[];
  readonly removed: string[];
  readonly pruned: { readonly keep?: number; readonly olderThanMs?: number }[];
}

export function fakeSessions(runs: readonly FakeRun[]): FakeSessions {
  const [first] = runs;
  const byId = (id: string): FakeRun => {
    const run = runs.find((one) => one.view.id === id || (id === "latest" && one === first));
    if (run === undefined) throw new SignalboxError("NOT_FOUND", `There is no run '${id}'.`);
    return run;
  };
  const newest = (): FakeRun => byId("latest");
  const fake: FakeSessions = {
    started: [],
    resumed: [],
    rerunWith: [],
    cancelled: [],
    removed: [],
    pruned: [],
    start(request) {
      fake.started.push(request);
      return Promise.resolve(sessionOf(newest()));
    },
    resume(request) {
      fake.resumed.push(request);
      return Promise.resolve(sessionOf(byId(request.runId)));
    },
    rerun(request) {
      fake.rerunWith.push(request);
      return Promise.resolve(sessionOf(byId(request.runId)));
    },
    list: () => Promise.resolve(runs.map(summaryOf)),
    find: async (id) => summaryOf(byId(id)),
    read: (id) => Promise.resolve(readerOf(byId(id))),
    cancel(id) {
      fake.cancelled.push(id);
      return Promise.resolve("requested");
    },
    remove(id) {
      fake.removed.push(id);
      return Promise.resolve();
    },
    prune(options) {
      fake.pruned.push(options);
      return Promise.resolve([]);
    },
  };
  return fake;
}

function sessionOf(run: FakeRun): RunSession {
  const { promise, resolve } = Promise.withResolvers<RunOutcome>();
  const ended: RunOutcome = { exitCode: run.exitCode ?? 0, status: "completed", conclusion: run.view.conclusion, view: run.view };
  return {
    runId: run.view.id,
    directory: run.directory,
    view: () => run.view,
    onEvent(listener) {
      for (const event of run.events) listener(event);
      if (run.isEndless !== true) resolve(ended);
    },
    cancel() {
      if (run.isEndless !== true) resolve({ ...ended, exitCode: 3, conclusion: "cancelled" });
      return Promise.resolve();
    },
    interrupt() {
      resolve({ ...ended, exitCode: 130, status: "interrupted", conclusion: null });
      return Promise.resolve();
    },
    done: promise,
  };
}

function summaryOf({ view, directory }: FakeRun): RunSummary {
  const { id, file, name, event, status, conclusion, createdAt, endedAt } = view;
  return { id, file, name, event, status, conclusion, createdAt, endedAt, directory, pid: null };
}

function readerOf(run: FakeRun): RunReader {
  return {
    summary: summaryOf(run),
    view: () => Promise.resolve(run.view),
    async *events({ fromSeq = 0 }) {
      yield* run.events.filter((event) => event.seq >= fromSeq);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const START = "2026-11-20T10:00:00.000Z";

/** A time in the fake runs: seconds after they started. */
export function fakeTime(seconds: number): string {
  return new Date(Date.parse(START) + seconds * 1000).toISOString();
}

export function fakeStep(step: Partial<StepView> & { readonly number: number; readonly name: string }): StepView {
  return {
    id: null,
    key: `__${step.number}`,
    kind: "run",
    background: false,
    targets: [],
    group: null,
    parent: null,
    status: "completed",
    outcome: "success",
    conclusion: "success",
    outputs: {},
    queuedAt: START,
    startedAt: START,
    endedAt: fakeTime(1),
    attempt: 1,
    timing: { waitedMs: 0, ranMs: 1000, blockedMs: 1000 },
    exitCode: 0,
    message: null,
    log: null,
    annotations: [],
    ...step,
  };
}

export function fakeJob(job: Partial<JobView> & { readonly key: string }): JobView {
  return {
    name: job.key,
    needs: [],
    status: "completed",
    conclusion: "success",
    outputs: {},
    queuedAt: START,
    startedAt: START,
    endedAt: fakeTime(3),
    message: null,
    steps: [],
    ...job,
  };
}

export function fakeView(view: Partial<RunView>): RunView {
  return {
    schemaVersion: 1,
    id: "4g7k2xb",
    file: ".github/workflows/ci.yml",
    name: "CI",
    event: "push",
    status: "completed",
    conclusion: "success",
    createdAt: START,
    startedAt: START,
    endedAt: fakeTime(3),
    jobs: [],
    ...view,
  };
}
