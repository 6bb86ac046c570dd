// Runs activities on this process's own event loop.

import type { Activity, ActivityContext } from "../runtime/context.ts";
import { failureOf } from "../runtime/failure-of.ts";
import { decodeValue, encodeValue } from "../runtime/values.ts";
import type { ActivityTask } from "./activity-task.ts";
import type { ActivityExecutor, ActivityOutcome } from "./environment.ts";

/** Whatever its input and output: values are decoded and encoded around it. */
export type AnyActivity = Activity<never, unknown>;

export class InProcessExecutor implements ActivityExecutor {
  readonly #activities: ReadonlyMap<string, AnyActivity>;
  readonly #maxPayloadLength: number;
  readonly #running = new Map<ActivityTask, RunContext>();

  constructor(activities: readonly AnyActivity[], maxPayloadLength: number) {
    this.#activities = new Map(activities.map((activity) => [activity.name, activity]));
    this.#maxPayloadLength = maxPayloadLength;
  }

  maxConcurrent(name: string): number {
    return this.#activities.get(name)?.maxConcurrent ?? Number.POSITIVE_INFINITY;
  }

  abort(task: ActivityTask, attempt: number, reason: string): void {
    const context = this.#running.get(task);
    if (context?.attempt === attempt) context.abort(reason);
  }

  run(task: ActivityTask, attempt: number, report: (outcome: ActivityOutcome) => void): void {
    const { name } = task.activity;
    const activity = this.#activities.get(name);
    if (activity === undefined) {
      const known = [...this.#activities.keys()].map((other) => JSON.stringify(other)).join(", ") || "none";
      const message = `No activity is named ${JSON.stringify(name)}; this engine has: ${known}.`;
      return report({ kind: "failed", failure: { type: "ActivityNotFound", message, isNonRetriable: true } });
    }
    const context = new RunContext(task, attempt);
    this.#running.set(task, context);
    const end = (outcome: ActivityOutcome): void => {
      if (this.#running.get(task) === context) this.#running.delete(task);
      report(outcome);
    };
    const succeed = (output: unknown): void => {
      let outcome: ActivityOutcome;
      try {
        outcome = {
          kind: "completed",
          result: encodeValue(output, `The result of activity ${JSON.stringify(name)}`, this.#maxPayloadLength),
        };
      } catch (error) {
        outcome = { kind: "failed", failure: { ...failureOf(error), isNonRetriable: true } };
      }
      end(outcome);
    };
    try {
      const output = activity.run(context, decodeValue(task.activity.input) as never);
      if (output instanceof Promise) output.then(succeed, (error: unknown) => end({ kind: "failed", failure: failureOf(error) }));
      else succeed(output);
    } catch (error) {
      end({ kind: "failed", failure: failureOf(error) });
    }
  }
}

/** Signal and key are made when they are asked for: most activities ask for neither. */
class RunContext implements ActivityContext {
  readonly attempt: number;
  readonly #task: ActivityTask;
  #controller: AbortController | undefined;
  #aborted: string | undefined;

  constructor(task: ActivityTask, attempt: number) {
    this.#task = task;
    this.attempt = attempt;
  }
  get instanceId() {
    return this.#task.instance.instanceId;
  }
  get executionId() {
    return this.#task.key.executionId;
  }
  get actionId() {
    return this.#task.key.actionId;
  }
  get name() {
    return this.#task.activity.name;
  }
  get idempotencyKey() {
    return JSON.stringify([this.instanceId, this.executionId, this.actionId]);
  }
  get signal() {
    this.#controller ??= new AbortController();
    if (this.#aborted !== undefined) this.#controller.abort(new Error(this.#aborted));
    return this.#controller.signal;
  }
  abort(reason: string): void {
    this.#aborted = reason;
    this.#controller?.abort(new Error(reason));
  }
}
