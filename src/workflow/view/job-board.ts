// The jobs of a run as people see them, in the order of the file. A job with a matrix and a job that calls a workflow
// are placeholders, in whose place their cells and called jobs stand once these are known.

import type { JobView, RunEvent } from "../../model/run-view.ts";
import { valueText } from "../run/value-text.ts";
import type { JobQueued, WorkflowFact } from "../run/workflow/workflow-protocol.ts";
import { iso, type StepBoard } from "./step-board.ts";

type JobFactOfWorkflow = Exclude<WorkflowFact, { kind: "Notice" | "WorkflowFinished" }>;

interface Entry {
  readonly view: { -readonly [K in keyof Omit<JobView, "steps">]: JobView[K] };
  readonly children: Entry[];
  isPlaceholder: boolean;
  isExpanded: boolean;
  steps: StepBoard | undefined;
}

export class JobBoard {
  readonly #roots: Entry[] = [];
  readonly #entries = new Map<string, Entry>();

  get views(): readonly JobView[] {
    return this.#roots.flatMap(viewsOf);
  }

  apply(fact: JobFactOfWorkflow, at: number): readonly RunEvent[] {
    switch (fact.kind) {
      case "JobQueued":
        return this.#queued(fact, at);
      case "JobExpanded":
        this.#entry(fact.key).isExpanded = true;
        return [];
      case "JobWaits": {
        const { view } = this.#entry(fact.key);
        view.status = "waiting";
        view.message = fact.message;
        return [];
      }
      case "JobStarted":
        return fact.child === "workflow" ? [] : this.#started(fact.key, at);
      case "JobFinished":
        return this.#finished(fact, at);
      default:
        return fact satisfies never;
    }
  }

  /** The job's own orchestration has begun, for the first time or over again. */
  board(key: string, steps: StepBoard): void {
    this.#entry(key).steps = steps;
  }

  #queued(fact: JobQueued, at: number): readonly RunEvent[] {
    const entry = this.#entry(fact.key, fact.within);
    Object.assign(entry.view, { name: fact.name, needs: fact.needs, queuedAt: iso(at) });
    entry.isPlaceholder = fact.isPlaceholder;
    return fact.isPlaceholder ? [] : [queuedEvent(entry)];
  }

  #started(key: string, at: number): readonly RunEvent[] {
    const { view } = this.#entry(key);
    view.status = "in_progress";
    view.startedAt = iso(at);
    view.message = null;
    return [{ type: "job.started", job: key, name: view.name }];
  }

  #finished(fact: Extract<WorkflowFact, { kind: "JobFinished" }>, at: number): readonly RunEvent[] {
    const entry = this.#entry(fact.key);
    const { view } = entry;
    view.status = "completed";
    view.conclusion = fact.conclusion;
    view.outputs = Object.fromEntries(Object.entries(fact.outputs).map(([name, value]) => [name, valueText(value)]));
    view.endedAt = iso(at);
    view.message = fact.message ?? null;
    // The called jobs, which stand in its place, tell their own ends.
    if (entry.isExpanded) return fact.message === undefined ? [] : [{ type: "run.notice", message: `${fact.key}: ${fact.message}` }];
    const message = fact.message === undefined ? {} : { message: fact.message };
    return [
      ...(entry.isPlaceholder ? [queuedEvent(entry)] : []),
      { type: "job.finished", job: fact.key, conclusion: fact.conclusion, outputs: view.outputs, ...message },
    ];
  }

  #entry(key: string, within?: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry = newEntry(key);
    this.#entries.set(key, entry);
    const siblings = within === undefined ? this.#roots : this.#entry(within).children;
    siblings.push(entry);
    return entry;
  }
}

function newEntry(key: string): Entry {
  return {
    view: {
      key,
      name: key,
      needs: [],
      status: "queued",
      conclusion: null,
      outputs: {},
      queuedAt: null,
      startedAt: null,
      endedAt: null,
      message: null,
    },
    children: [],
    isPlaceholder: false,
    isExpanded: false,
    steps: undefined,
  };
}

function viewsOf(entry: Entry): readonly JobView[] {
  if (entry.isExpanded && entry.children.length > 0) return entry.children.flatMap(viewsOf);
  return [{ ...entry.view, steps: entry.steps?.views(entry.view.status === "completed") ?? [] }];
}

const queuedEvent = ({ view }: Entry): RunEvent => ({ type: "job.queued", job: view.key, name: view.name, needs: view.needs });
