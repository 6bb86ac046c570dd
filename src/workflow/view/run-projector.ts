// How a run looks, from the committed histories of its orchestrations. Fed incrementally: live from the engine's
// commits, after a restart from the histories as they are. Every event of the stream has a source, a position in an
// instance's history, so that a later process goes on with the stream where an earlier one left it.

import type { CommittedEvents } from "../../loops/engine.ts";
import type { HistoryEvent } from "../../model/events.ts";
import type { StepEvent } from "../../model/host-port.ts";
import { type RunEvent, type RunView, SCHEMA_VERSION } from "../../model/run-view.ts";
import { jobPlanOf } from "../run/job/job-of-plan.ts";
import type { JobExpressions, RunRecords, StepSource } from "../run/ports.ts";
import type { JobInput, WorkflowInput } from "../run/records.ts";
import { JobBoard } from "./job-board.ts";
import { JobHistory } from "./job-history.ts";
import { parsePayload } from "./payloads.ts";
import { iso, StepBoard } from "./step-board.ts";
import { WorkflowHistory } from "./workflow-history.ts";

/** Where an event of the stream comes from. */
export interface EventSource {
  readonly instanceId: string;
  readonly executionId: string;
  /** In that execution's history. */
  readonly position: number;
}

export interface ProjectedEvent {
  readonly event: RunEvent;
  readonly source: EventSource;
}

export interface RunProjector {
  /**
   * Takes committed events; what it has seen before it ignores. Parents before children where whole histories are
   * given; live commits are in an order that fits.
   */
  apply(committed: readonly CommittedEvents[]): readonly ProjectedEvent[];
  /** What the host says while a step runs: not history, and not repeated after a restart. */
  stepEvent(from: StepSource, event: StepEvent): readonly RunEvent[];
  view(): RunView;
}

export interface RunProjectorOptions {
  readonly runId: string;
  /** The instance of the run's root. */
  readonly root: string;
  readonly records: RunRecords;
  readonly expressions: JobExpressions;
}

type Instance =
  | { readonly kind: "workflow"; readonly history: WorkflowHistory; readonly executionId: string; next: number }
  | { readonly kind: "job"; readonly history: JobHistory; readonly steps: StepBoard; readonly executionId: string; next: number };

export function createRunProjector(options: RunProjectorOptions): RunProjector {
  return new Projector(options);
}

class Projector implements RunProjector {
  readonly #options: RunProjectorOptions;
  readonly #instances = new Map<string, Instance>();
  readonly #jobs = new JobBoard();
  #run: Pick<RunView, "status" | "conclusion" | "createdAt" | "startedAt" | "endedAt"> & { readonly file: string } = {
    status: "queued",
    conclusion: null,
    createdAt: iso(0),
    startedAt: null,
    endedAt: null,
    file: "",
  };

  constructor(options: RunProjectorOptions) {
    this.#options = options;
  }

  apply(committed: readonly CommittedEvents[]): readonly ProjectedEvent[] {
    return committed.flatMap(({ instanceId, executionId, from, events }) =>
      events.flatMap((event, index) => {
        const position = from + index;
        const told = this.#feed(instanceId, executionId, position, event);
        return told.map((each) => ({ event: each, source: { instanceId, executionId, position } }));
      }),
    );
  }

  stepEvent(from: StepSource, event: StepEvent): readonly RunEvent[] {
    const instance = this.#instances.get(from.instanceId);
    return instance?.kind === "job" ? instance.steps.live(from.step, from.attempt, event) : [];
  }

  view(): RunView {
    const { runId, records } = this.#options;
    const { name, inputs } = records.run(runId);
    const { file, ...run } = this.#run;
    return { schemaVersion: SCHEMA_VERSION, id: runId, file, name, event: inputs.event, ...run, jobs: this.#jobs.views };
  }

  #feed(instanceId: string, executionId: string, position: number, event: HistoryEvent): readonly RunEvent[] {
    const begun: RunEvent[] = [];
    if (event.kind === "ExecutionStarted") {
      const known = this.#instances.get(instanceId);
      if (known?.executionId === executionId) return [];
      const instance = this.#begin(instanceId, event);
      if (instance === undefined) return [];
      this.#instances.set(instanceId, instance);
      if (instanceId === this.#options.root) begun.push(this.#runStarted(event.timestamp));
    }
    const instance = this.#instances.get(instanceId);
    if (instance === undefined || instance.executionId !== executionId || position < instance.next) return [];
    instance.next = position + 1;
    const told = instance.kind === "job" ? this.#jobFacts(instance, event) : this.#workflowFacts(instanceId, instance, event);
    return [...begun, ...told];
  }

  #begin(instanceId: string, event: Extract<HistoryEvent, { kind: "ExecutionStarted" }>): Instance | undefined {
    const { records, expressions } = this.#options;
    const place = { executionId: event.executionId, next: 0 };
    if (event.name === "workflow") {
      const input = parsePayload<WorkflowInput>(event.input);
      return { kind: "workflow", history: new WorkflowHistory(records, expressions, instanceId, input), ...place };
    }
    if (event.name !== "job") return undefined;
    const input = parsePayload<JobInput>(event.input);
    const steps = new StepBoard(input.key, jobPlanOf(records, input).steps, records.plan(input.plan).file);
    this.#jobs.board(input.key, steps);
    return { kind: "job", history: new JobHistory(records, input), steps, ...place };
  }

  #runStarted(at: number): RunEvent {
    const { runId, records, root } = this.#options;
    const { name, inputs } = records.run(runId);
    const instance = this.#instances.get(root);
    const file = instance?.kind === "workflow" ? records.plan(instance.history.input.plan).file : "";
    this.#run = { ...this.#run, status: "in_progress", file, createdAt: iso(at), startedAt: iso(at) };
    return { type: "run.started", runId, file, event: inputs.event, name };
  }

  #jobFacts({ history, steps }: Extract<Instance, { kind: "job" }>, event: HistoryEvent): readonly RunEvent[] {
    return history.feed(event).flatMap((fact): readonly RunEvent[] => {
      if (fact.kind === "Notice") return [{ type: "run.notice", message: fact.message }];
      // The workflow tells it, with what the job counts for.
      if (fact.kind === "JobFinished") return [];
      return steps.apply(fact, event.timestamp);
    });
  }

  #workflowFacts(instanceId: string, { history }: Extract<Instance, { kind: "workflow" }>, event: HistoryEvent): readonly RunEvent[] {
    const isRoot = instanceId === this.#options.root;
    const told = history.feed(event).flatMap((fact): readonly RunEvent[] => {
      if (fact.kind === "Notice") return [{ type: "run.notice", message: fact.message }];
      if (fact.kind !== "WorkflowFinished") return this.#jobs.apply(fact, event.timestamp);
      return isRoot ? this.#runFinished(fact.outcome, event.timestamp) : [];
    });
    if (!isRoot || event.kind !== "ExecutionCompleted" || this.#run.status === "completed") return told;
    return [
      ...told,
      ...this.#runFinished({ conclusion: "failure", message: event.failure?.message ?? "The run was ended." }, event.timestamp),
    ];
  }

  #runFinished(outcome: { readonly conclusion: RunView["conclusion"]; readonly message?: string }, at: number): readonly RunEvent[] {
    const { conclusion, message } = outcome;
    this.#run = { ...this.#run, status: "completed", conclusion, endedAt: iso(at) };
    return [
      ...(message === undefined ? [] : [{ type: "run.notice" as const, message }]),
      { type: "run.finished", runId: this.#options.runId, status: "completed", conclusion },
    ];
  }
}
