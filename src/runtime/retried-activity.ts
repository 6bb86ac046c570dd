// An activity whose server runs what is scheduled once and knows no options: what they ask for is made of further activities and
// timers. Each attempt is an activity of its own, after a durable pause; a durable timer bounds them all together. What bounds
// one attempt goes with it, for the worker that runs it: only there is known when it begins.

import { activityTimeout } from "../engine/activity-timeout.ts";
import { retryDelay } from "../engine/retry-delay.ts";
import type { ScheduleTask } from "../model/actions.ts";
import type { Failure } from "../model/failure.ts";
import type { Call, TurnFace } from "./turn-face.ts";

export function callInAttempts(live: TurnFace, { options = {}, ...task }: ScheduleTask, call: Call): void {
  const { retry, startToCloseMs, scheduleToCloseMs } = options;
  const deadline = scheduleToCloseMs === undefined ? undefined : live.now + scheduleToCloseMs;
  /** What is waited for: an attempt, or the pause before it. */
  let waitingFor = task.id;
  let attempts = 0;

  const settled = (settle: () => void): void => {
    live.forget(waitingFor);
    if (deadlineId !== undefined) live.forget(deadlineId);
    settle();
  };
  const wait = (fireAt: number, fired: () => void): number => {
    const id = live.nextActionId();
    live.ask({ kind: "CreateTimer", id, fireAt });
    live.expect(id, { resolve: fired, reject: () => {} });
    return id;
  };
  const attempt = (id: number): void => {
    waitingFor = id;
    attempts += 1;
    live.ask({
      ...task,
      id,
      ...(startToCloseMs !== undefined && { options: { startToCloseMs } }),
      ...(attempts > 1 && { attempt: attempts, retryOf: task.id }),
    });
    const fail = (failure: Failure): void => {
      const delayMs = retryDelay(retry, attempts, failure);
      const isTooLate = deadline !== undefined && live.now + (delayMs ?? 0) >= deadline;
      if (delayMs === undefined || isTooLate) return settled(() => call.reject(failure));
      if (delayMs === 0) attempt(live.nextActionId());
      else waitingFor = wait(live.now + delayMs, () => attempt(live.nextActionId()));
    };
    live.expect(id, { resolve: (value) => settled(() => call.resolve(value)), reject: fail });
  };
  attempt(task.id);
  const tooLate = (limitMs: number): void => {
    const failure = activityTimeout(task.name, "scheduleToClose", limitMs, attempts);
    settled(() => call.reject({ ...failure, isNonRetriable: true }));
  };
  const deadlineId = scheduleToCloseMs === undefined ? undefined : wait(live.now + scheduleToCloseMs, () => tooLate(scheduleToCloseMs));
}
