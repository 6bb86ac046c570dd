// A workflow's committed history, led through the workflow's machine.

import type { HistoryEvent } from "../../model/events.ts";
import type { JobExpressions, RunRecords } from "../run/ports.ts";
import { ACTIVITY, CANCEL_EVENT, SLOT_EVENT, SLOT_GRANTED_EVENT, type WorkflowInput } from "../run/records.ts";
import { asCancelNotice, asSlotGrant, asSlotMessage } from "../run/wire.ts";
import { workflowMachineOf } from "../run/workflow/workflow-of-plan.ts";
import type { GroupOwner, WorkflowEvent, WorkflowFact, WorkflowReaction } from "../run/workflow/workflow-protocol.ts";
import { parsePayload } from "./payloads.ts";

type Task = { readonly kind: "group"; readonly owner: GroupOwner } | { readonly kind: "load"; readonly job: string };

export class WorkflowHistory {
  readonly input: WorkflowInput;
  readonly #machine: ReturnType<typeof workflowMachineOf>;
  /** Commands whose echo is still to come, in order. */
  readonly #asked: { readonly groups: GroupOwner[]; readonly loads: string[]; readonly children: string[] } = {
    groups: [],
    loads: [],
    children: [],
  };
  readonly #tasks = new Map<number, Task>();
  readonly #children = new Map<number, string>();
  #now = 0;

  constructor(records: RunRecords, expressions: JobExpressions, instanceId: string, input: WorkflowInput) {
    this.input = input;
    this.#machine = workflowMachineOf(records, expressions, instanceId, input);
  }

  feed(event: HistoryEvent): readonly WorkflowFact[] {
    switch (event.kind) {
      case "OrchestratorStarted":
        this.#now = event.timestamp;
        return [];
      case "ExecutionStarted":
        return this.#react(this.#machine.begin());
      case "TaskScheduled":
        this.#scheduled(event);
        return [];
      case "SubOrchestrationInstanceCreated": {
        const key = this.#asked.children.shift();
        if (key !== undefined) this.#children.set(event.eventId, key);
        return [];
      }
      default: {
        const seen = this.#eventOf(event);
        return seen === undefined ? [] : this.#react(this.#machine.handle(seen));
      }
    }
  }

  #react({ commands, facts }: WorkflowReaction): readonly WorkflowFact[] {
    for (const command of commands) {
      if (command.kind === "AcquireGroup") this.#asked.groups.push(command.owner);
      else if (command.kind === "LoadWorkflow") this.#asked.loads.push(command.job);
      else if (command.kind === "StartJob" || command.kind === "StartCall") this.#asked.children.push(command.key);
    }
    return facts;
  }

  #scheduled(event: Extract<HistoryEvent, { kind: "TaskScheduled" }>): void {
    if (event.name === ACTIVITY.acquireGroup) {
      const owner = this.#asked.groups.shift();
      if (owner !== undefined) this.#tasks.set(event.eventId, { kind: "group", owner });
    } else if (event.name === ACTIVITY.loadWorkflow) {
      const job = this.#asked.loads.shift();
      if (job !== undefined) this.#tasks.set(event.eventId, { kind: "load", job });
    }
  }

  #eventOf(event: HistoryEvent): WorkflowEvent | undefined {
    switch (event.kind) {
      case "TaskCompleted": {
        const task = this.#tasks.get(event.taskScheduledId);
        if (task?.kind === "group") return { kind: "GroupAnswered", owner: task.owner, answer: parsePayload(event.result) };
        return task && { kind: "WorkflowLoaded", job: task.job, loaded: parsePayload(event.result) };
      }
      case "TaskFailed": {
        const task = this.#tasks.get(event.taskScheduledId);
        const { message } = event.failure;
        if (task?.kind === "group") return { kind: "GroupAnswered", owner: task.owner, answer: { kind: "superseded", message } };
        return task && { kind: "WorkflowLoaded", job: task.job, loaded: { kind: "refused", message } };
      }
      case "SubOrchestrationInstanceCompleted": {
        const key = this.#children.get(event.taskScheduledId);
        return key === undefined ? undefined : { kind: "ChildEnded", key, outcome: parsePayload(event.result) };
      }
      case "SubOrchestrationInstanceFailed": {
        const key = this.#children.get(event.taskScheduledId);
        return key === undefined ? undefined : { kind: "ChildBroke", key, failure: event.failure };
      }
      case "TimerFired":
        return { kind: "GraceFired", lateMs: this.#now - event.fireAt };
      case "EventRaised":
        return raised(event.name, parsePayload(event.input));
      default:
        return undefined;
    }
  }
}

function raised(name: string, data: Parameters<typeof asCancelNotice>[0]): WorkflowEvent | undefined {
  switch (name.toLowerCase()) {
    case CANCEL_EVENT:
      return { kind: "CancelRequested", notice: asCancelNotice(data) };
    case SLOT_EVENT:
      return asSlotMessage(data);
    case SLOT_GRANTED_EVENT:
      return asSlotGrant(data);
    default:
      return undefined;
  }
}
