// What becomes of activities that are with workers out of process: answered, given back, or lost with their stream.

import type { ActivityTask } from "../activity-task.ts";
import type { Deliveries } from "../deliveries.ts";
import type { Dispatch } from "../dispatch.ts";
import type { EngineLimits } from "../environment.ts";
import type { Stalls } from "../stalls.ts";
import type { Answer } from "./answer.ts";
import { boundedFailure, payloadProblem } from "./over-limit.ts";
import { pauseAfter } from "./retries.ts";
import { type ActivitySubject, subjectOf } from "./tokens.ts";
import type { ActivityOutcome, CompletionToken } from "./work-item.ts";
import type { WorkerLimits } from "./worker-limits.ts";

export interface ActivityDeliveriesPorts {
  readonly limits: WorkerLimits;
  readonly engineLimits: EngineLimits;
  readonly dispatch: () => Dispatch;
  readonly deliveries: Deliveries;
  readonly stalls: Stalls;
}

export class ActivityDeliveries {
  readonly #ports: ActivityDeliveriesPorts;

  constructor(ports: ActivityDeliveriesPorts) {
    this.#ports = ports;
  }

  /** E5: the first completion of any delivery settles; a failure speaks for its own attempt only. */
  answered({ ref, executionId, actionId, attempt }: ActivitySubject, outcome: ActivityOutcome, answer: Answer): void {
    const { dispatch, deliveries } = this.#ports;
    const key = { ref, executionId, actionId };
    const task = dispatch().find(key);
    const bounded = this.#bounded(outcome);
    if (task !== undefined) {
      task.tries = 0;
      return dispatch().ended(task, attempt, bounded, answer);
    }
    if (outcome.kind === "failed") return answer.accept();
    deliveries.settled(key, bounded, answer);
  }

  /** It is tried again after a pause, without a new attempt; in the end its instance is stalled (E13). */
  abandoned(subject: ActivitySubject, reason: string | undefined): void {
    const task = this.#runningOf(subject);
    if (task === undefined) return;
    const { limits, dispatch, stalls } = this.#ports;
    task.tries += 1;
    if (task.tries < limits.maxTries) return dispatch().givenBack(task, pauseAfter(task.tries, limits));
    dispatch().setAside(task);
    const what = `Activity ${JSON.stringify(task.activity.name)} (action ${task.key.actionId})`;
    const why = reason === undefined ? "Look at the worker" : `The last one said: ${reason} Look at it`;
    stalls.stallByRef(
      task.key.ref,
      `${what} was given back by its workers ${task.tries} times in a row. ${why}, then resume the instance.`,
    );
  }

  /** Its worker is gone: the same attempt goes to another (E10). */
  lost(token: CompletionToken): void {
    const subject = subjectOf(token);
    const task = subject?.sort === "activity" ? this.#runningOf(subject) : undefined;
    if (task !== undefined) this.#ports.dispatch().lost(task);
  }

  /** The task of exactly that attempt, if its worker has it still. */
  #runningOf({ ref, executionId, actionId, attempt }: ActivitySubject): ActivityTask | undefined {
    const task = this.#ports.dispatch().find({ ref, executionId, actionId });
    return task?.state === "running" && task.attempt === attempt ? task : undefined;
  }

  /** A result that is too long would be too long at every attempt. */
  #bounded(outcome: ActivityOutcome): ActivityOutcome {
    const { engineLimits } = this.#ports;
    if (outcome.kind === "failed") return { kind: "failed", failure: boundedFailure(outcome.failure, engineLimits) };
    const message = payloadProblem(outcome.result, "The activity's result", engineLimits);
    return message === undefined ? outcome : { kind: "failed", failure: { type: "PayloadTooLarge", message, isNonRetriable: true } };
  }
}
