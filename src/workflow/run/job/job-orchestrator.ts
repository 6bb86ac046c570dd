// The orchestration `job`: drives the job's machine with what the context resolves. Every call of the context is made
// while an event is handled, so the order of actions is the order of the machine's commands.

import type { Failure } from "../../../model/failure.ts";
import type { OpenedJob } from "../../../model/host-port.ts";
import type { OrchestrationContext, Orchestrator, Value } from "../../../runtime/context.ts";
import { defineOrchestrator } from "../../../runtime/define.ts";
import { isActivityError } from "../../../runtime/errors.ts";
import type { RunActivities } from "../activities/activity-set.ts";
import type { RunRecords } from "../ports.ts";
import { CANCEL_EVENT, type JobInput, type JobOutcome, RUN_VERSION } from "../records.ts";
import { asCancelNotice } from "../wire.ts";
import { jobMachineOf } from "./job-of-plan.ts";
import type { JobCommand, JobEvent, JobTimer } from "./job-protocol.ts";

type JobEnd = { readonly kind: "outcome"; readonly outcome: JobOutcome } | { readonly kind: "start-over" };

export type JobOrchestrator = Orchestrator<JobInput, JobOutcome>;

export function jobOrchestrator(records: RunRecords, activities: RunActivities): JobOrchestrator {
  return defineOrchestrator<JobInput, JobOutcome>(
    "job",
    async (ctx: OrchestrationContext, input) => {
      const end = await new JobDriver(ctx, input, records, activities).run();
      if (end.kind === "outcome") return end.outcome;
      const next: JobInput = { ...input, generation: input.generation + 1 };
      // An interface has no index signature; as JSON it is what it came in as.
      return ctx.continueAsNew(next as unknown as Value);
    },
    { version: RUN_VERSION },
  );
}

class JobDriver {
  readonly #ctx: OrchestrationContext;
  readonly #input: JobInput;
  readonly #activities: RunActivities;
  readonly #machine: ReturnType<typeof jobMachineOf>;
  readonly #end = Promise.withResolvers<JobEnd>();

  constructor(ctx: OrchestrationContext, input: JobInput, records: RunRecords, activities: RunActivities) {
    this.#ctx = ctx;
    this.#input = input;
    this.#activities = activities;
    this.#machine = jobMachineOf(records, input);
  }

  run(): Promise<JobEnd> {
    this.#perform(this.#machine.begin().commands);
    this.#listen();
    return this.#end.promise;
  }

  #listen(): void {
    this.#when(this.#ctx.waitForEvent(CANCEL_EVENT), (data) => {
      this.#listen();
      return { kind: "CancelRequested", notice: asCancelNotice(data) };
    });
  }

  #handle(event: JobEvent): void {
    this.#perform(this.#machine.handle(event).commands);
  }

  #perform(commands: readonly JobCommand[]): void {
    for (const command of commands) this.#execute(command);
  }

  #execute(command: JobCommand): void {
    const ctx = this.#ctx;
    const activities = this.#activities;
    switch (command.kind) {
      case "OpenJob":
        return this.#when(ctx.callActivity(activities.openJob, this.#input), opened, (failure) => ({ kind: "Opened", failure }));
      case "PrepareStep": {
        const { step } = command.request;
        return this.#when(
          ctx.callActivity(activities.prepareStep, command.request),
          (prepared) => ({ kind: "StepPrepared", step, prepared }),
          (failure) => ({ kind: "StepBroke", step, failure }),
        );
      }
      case "RunStep": {
        const { step } = command.request;
        return this.#when(
          ctx.callActivity(activities.runStep, command.request),
          (ran) => ({ kind: "StepRan", step, ran }),
          (failure) => ({ kind: "StepBroke", step, failure }),
        );
      }
      case "CancelStep": {
        const { step } = command;
        return this.#when(
          ctx.callActivity(activities.cancelStep, { step }),
          ({ survivors }) => ({ kind: "StepCancelled", step, survivors }),
          (failure) => ({ kind: "StepCancelled", step, survivors: [{ pid: 0, reason: failure.message }] }),
        );
      }
      case "ReevaluateStep": {
        const { step } = command;
        return this.#when(
          ctx.callActivity(activities.reevaluateStep, { step }),
          ({ holds }) => ({ kind: "StepReevaluated", step, holds }),
          () => ({ kind: "StepReevaluated", step, holds: false }),
        );
      }
      case "EvaluateOutputs":
        return this.#when(
          ctx.callActivity(activities.evaluateOutputs, command.request),
          (evaluated) => ({ kind: "OutputsEvaluated", evaluated }),
          (failure) => ({ kind: "OutputsEvaluated", evaluated: { values: {}, skipped: [] }, failure }),
        );
      case "CloseJob":
        return this.#when(ctx.callActivity(activities.closeJob, {}), closed, closed);
      case "ArmTimer":
        return this.#arm(command.timer, command.ms);
      case "StartOver":
        return this.#end.resolve({ kind: "start-over" });
      case "Complete":
        return this.#end.resolve({ kind: "outcome", outcome: command.outcome });
      default:
        return command satisfies never;
    }
  }

  #arm(timer: JobTimer, ms: number): void {
    const due = this.#ctx.now() + ms;
    this.#when(this.#ctx.createTimer(ms), () => ({ kind: "TimerFired", timer, lateMs: this.#ctx.now() - due }));
  }

  /** Hands the machine what a call resolves to. A rule of the machine that breaks fails the orchestration. */
  #when<T>(call: PromiseLike<T>, resolved: (value: T) => JobEvent, failed?: (failure: Failure) => JobEvent): void {
    const rejected = (error: unknown): void => {
      if (failed === undefined || !isActivityError(error)) throw error;
      this.#handle(failed(error.failure));
    };
    call.then((value) => this.#handle(resolved(value)), rejected).then(undefined, (error: unknown) => this.#end.reject(error));
  }
}

const opened = (job: OpenedJob): JobEvent => ({ kind: "Opened", ...job });
const closed = (): JobEvent => ({ kind: "Closed" });
