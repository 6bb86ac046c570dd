// A job's committed history, led through the job's machine: what the orchestrator saw, in the order in which it saw it.

import type { HistoryEvent } from "../../model/events.ts";
import type { OpenedJob } from "../../model/host-port.ts";
import { jobMachineOf } from "../run/job/job-of-plan.ts";
import type { JobEvent, JobFact, JobTimer, Reaction } from "../run/job/job-protocol.ts";
import type { RunRecords } from "../run/ports.ts";
import { ACTIVITY, CANCEL_EVENT, type JobInput } from "../run/records.ts";
import { asCancelNotice } from "../run/wire.ts";
import { parsePayload } from "./payloads.ts";

interface Task {
  readonly name: string;
  readonly step: string;
}

export class JobHistory {
  readonly input: JobInput;
  readonly #machine: ReturnType<typeof jobMachineOf>;
  readonly #tasks = new Map<number, Task>();
  readonly #armed: JobTimer[] = [];
  readonly #timers = new Map<number, JobTimer>();
  #now = 0;

  constructor(records: RunRecords, input: JobInput) {
    this.input = input;
    this.#machine = jobMachineOf(records, input);
  }

  feed(event: HistoryEvent): readonly JobFact[] {
    switch (event.kind) {
      case "OrchestratorStarted":
        this.#now = event.timestamp;
        return [];
      case "ExecutionStarted":
        return this.#react(this.#machine.begin());
      case "TaskScheduled":
        this.#tasks.set(event.eventId, { name: event.name, step: stepOf(event.input) });
        return [];
      case "TimerCreated": {
        const timer = this.#armed.shift();
        if (timer !== undefined) this.#timers.set(event.eventId, timer);
        return [];
      }
      default: {
        const seen = this.#eventOf(event);
        return seen === undefined ? [] : this.#react(this.#machine.handle(seen));
      }
    }
  }

  #react({ commands, facts }: Reaction): readonly JobFact[] {
    for (const command of commands) if (command.kind === "ArmTimer") this.#armed.push(command.timer);
    return facts;
  }

  #eventOf(event: HistoryEvent): JobEvent | undefined {
    switch (event.kind) {
      case "TaskCompleted": {
        const task = this.#task(event.taskScheduledId);
        return task && completed(task, event.result);
      }
      case "TaskFailed": {
        const task = this.#task(event.taskScheduledId);
        return task && failed(task, event);
      }
      case "TimerFired": {
        const timer = this.#timers.get(event.timerId);
        this.#timers.delete(event.timerId);
        return timer && { kind: "TimerFired", timer, lateMs: this.#now - event.fireAt };
      }
      case "EventRaised":
        if (event.name.toLowerCase() !== CANCEL_EVENT) return undefined;
        return { kind: "CancelRequested", notice: asCancelNotice(parsePayload(event.input)) };
      default:
        return undefined;
    }
  }

  #task(id: number): Task | undefined {
    const task = this.#tasks.get(id);
    this.#tasks.delete(id);
    return task;
  }
}

function stepOf(input: string | undefined): string {
  return parsePayload<{ readonly step?: string }>(input).step ?? "";
}

function completed({ name, step }: Task, result: string | undefined): JobEvent | undefined {
  switch (name) {
    case ACTIVITY.openJob:
      return { kind: "Opened", ...parsePayload<OpenedJob>(result) };
    case ACTIVITY.prepareStep:
      return { kind: "StepPrepared", step, prepared: parsePayload(result) };
    case ACTIVITY.runStep:
      return { kind: "StepRan", step, ran: parsePayload(result) };
    case ACTIVITY.cancelStep:
      return { kind: "StepCancelled", step, survivors: parsePayload<{ readonly survivors: [] }>(result).survivors };
    case ACTIVITY.reevaluateStep:
      return { kind: "StepReevaluated", step, holds: parsePayload<{ readonly holds: boolean }>(result).holds };
    case ACTIVITY.evaluateOutputs:
      return { kind: "OutputsEvaluated", evaluated: parsePayload(result) };
    case ACTIVITY.closeJob:
      return { kind: "Closed" };
    default:
      return undefined;
  }
}

function failed({ name, step }: Task, { failure }: Extract<HistoryEvent, { kind: "TaskFailed" }>): JobEvent | undefined {
  switch (name) {
    case ACTIVITY.openJob:
      return { kind: "Opened", failure };
    case ACTIVITY.prepareStep:
    case ACTIVITY.runStep:
      return { kind: "StepBroke", step, failure };
    case ACTIVITY.cancelStep:
      return { kind: "StepCancelled", step, survivors: [{ pid: 0, reason: failure.message }] };
    case ACTIVITY.reevaluateStep:
      return { kind: "StepReevaluated", step, holds: false };
    case ACTIVITY.evaluateOutputs:
      return { kind: "OutputsEvaluated", evaluated: { values: {}, skipped: [] }, failure };
    case ACTIVITY.closeJob:
      return { kind: "Closed" };
    default:
      return undefined;
  }
}
