// The orchestration `workflow`: drives the workflow's machine with what the context resolves.

import type { Failure } from "../../../model/failure.ts";
import type { OrchestrationContext, Orchestrator } from "../../../runtime/context.ts";
import { defineOrchestrator } from "../../../runtime/define.ts";
import { isActivityError, isChildError } from "../../../runtime/errors.ts";
import type { RunActivities } from "../activities/activity-set.ts";
import type { JobOrchestrator } from "../job/job-orchestrator.ts";
import type { JobExpressions, RunRecords } from "../ports.ts";
import {
  CANCEL_EVENT,
  type GroupRequest,
  RUN_VERSION,
  SLOT_EVENT,
  SLOT_GRANTED_EVENT,
  type WorkflowInput,
  type WorkflowOutcome,
} from "../records.ts";
import { asCancelNotice, asSlotGrant, asSlotMessage } from "../wire.ts";
import type { WorkflowMachine } from "./workflow-machine.ts";
import { instanceOf, workflowMachineOf } from "./workflow-of-plan.ts";
import type { GroupWish, WorkflowCommand, WorkflowEvent } from "./workflow-protocol.ts";

export type WorkflowOrchestrator = Orchestrator<WorkflowInput, WorkflowOutcome>;

export interface WorkflowParts {
  readonly records: RunRecords;
  readonly expressions: JobExpressions;
  readonly activities: RunActivities;
  readonly job: JobOrchestrator;
}

export function workflowOrchestrator(parts: WorkflowParts): WorkflowOrchestrator {
  return defineOrchestrator<WorkflowInput, WorkflowOutcome>("workflow", (ctx, input) => new WorkflowDriver(ctx, input, parts).run(), {
    version: RUN_VERSION,
  });
}

class WorkflowDriver {
  readonly #ctx: OrchestrationContext;
  readonly #input: WorkflowInput;
  readonly #parts: WorkflowParts;
  readonly #machine: WorkflowMachine;
  readonly #end = Promise.withResolvers<WorkflowOutcome>();

  constructor(ctx: OrchestrationContext, input: WorkflowInput, parts: WorkflowParts) {
    this.#ctx = ctx;
    this.#input = input;
    this.#parts = parts;
    this.#machine = workflowMachineOf(parts.records, parts.expressions, ctx.instanceId, input);
  }

  run(): Promise<WorkflowOutcome> {
    this.#perform(this.#machine.begin().commands);
    this.#listen(CANCEL_EVENT, (data) => ({ kind: "CancelRequested", notice: asCancelNotice(data) }));
    if (this.#input.call === undefined) this.#listen(SLOT_EVENT, asSlotMessage);
    else this.#listen(SLOT_GRANTED_EVENT, asSlotGrant);
    return this.#end.promise;
  }

  #listen(name: string, toEvent: (data: Parameters<typeof asCancelNotice>[0]) => WorkflowEvent): void {
    this.#when(this.#ctx.waitForEvent(name), (data) => {
      this.#listen(name, toEvent);
      return toEvent(data);
    });
  }

  #handle(event: WorkflowEvent): void {
    this.#perform(this.#machine.handle(event).commands);
  }

  #perform(commands: readonly WorkflowCommand[]): void {
    for (const command of commands) this.#execute(command);
  }

  #execute(command: WorkflowCommand): void {
    const ctx = this.#ctx;
    const { activities, job } = this.#parts;
    const { runId } = this.#input;
    switch (command.kind) {
      case "StartJob": {
        const instanceId = instanceOf(runId, command.input.host);
        return this.#child(command.key, ctx.callSubOrchestration(job, command.input, { instanceId }));
      }
      case "StartCall": {
        const instanceId = instanceOf(runId, command.input.call?.host ?? "");
        const called = ctx.callSubOrchestration(ctx.name, JSON.parse(JSON.stringify(command.input)), { instanceId, version: RUN_VERSION });
        // The output of our own orchestration.
        return this.#child(command.key, called as unknown as Promise<WorkflowOutcome>);
      }
      case "CancelChild":
        return ctx.sendEvent(instanceOf(runId, command.host), CANCEL_EVENT, { ...command.notice });
      case "AcquireGroup":
        return this.#when(
          ctx.callActivity(activities.acquireGroup, this.#groupRequest(command.wish, command.host)),
          (answer) => ({ kind: "GroupAnswered", owner: command.owner, answer }),
          ({ message }) => ({ kind: "GroupAnswered", owner: command.owner, answer: { kind: "superseded", message } }),
        );
      case "ReleaseGroup":
        // Nothing waits for it; a group that could not be released is taken from this process when it is gone.
        ctx.callActivity(activities.releaseGroup, this.#groupRequest(command.wish, command.host)).catch(() => {});
        return;
      case "LoadWorkflow":
        return this.#when(
          ctx.callActivity(activities.loadWorkflow, { runId, caller: this.#input.plan, uses: command.uses }),
          (loaded) => ({ kind: "WorkflowLoaded", job: command.job, loaded }),
          ({ message }) => ({ kind: "WorkflowLoaded", job: command.job, loaded: { kind: "refused", message } }),
        );
      case "AskSlot":
        return ctx.sendEvent(this.#root, SLOT_EVENT, { from: ctx.instanceId, key: command.key });
      case "ReturnSlot":
        return ctx.sendEvent(this.#root, SLOT_EVENT, {});
      case "GrantSlot":
        return ctx.sendEvent(command.to, SLOT_GRANTED_EVENT, { key: command.key });
      case "ArmGrace": {
        const due = ctx.now() + command.ms;
        return this.#when(ctx.createTimer(command.ms), () => ({ kind: "GraceFired", lateMs: ctx.now() - due }));
      }
      case "Complete":
        return this.#end.resolve(command.outcome);
      default:
        return command satisfies never;
    }
  }

  get #root(): string {
    return this.#input.call?.root ?? this.#ctx.instanceId;
  }

  #groupRequest(wish: GroupWish, host: string | undefined): GroupRequest {
    const { runId } = this.#input;
    return { ...wish, runId, holder: host === undefined ? this.#ctx.instanceId : instanceOf(runId, host) };
  }

  #child(key: string, call: Promise<Extract<WorkflowEvent, { kind: "ChildEnded" }>["outcome"]>): void {
    this.#when(
      call,
      (outcome) => ({ kind: "ChildEnded", key, outcome }),
      (failure) => ({ kind: "ChildBroke", key, failure }),
    );
  }

  /** Hands the machine what a call resolves to. A rule of the machine that breaks fails the orchestration. */
  #when<T>(call: PromiseLike<T>, resolved: (value: T) => WorkflowEvent, failed?: (failure: Failure) => WorkflowEvent): void {
    const rejected = (error: unknown): void => {
      if (failed === undefined || !(isActivityError(error) || isChildError(error))) throw error;
      this.#handle(failed(error.failure));
    };
    call.then((value) => this.#handle(resolved(value)), rejected).then(undefined, (error: unknown) => this.#end.reject(error));
  }
}
