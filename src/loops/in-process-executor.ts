// Runs activities on this process's own event loop.

import type { ActivityOutcome } from "../model/work-item.ts";
import { type AnyActivity, type RunningActivity, runActivity } from "../runtime/run-activity.ts";
import type { ActivityTask } from "./activity-task.ts";
import type { ActivityExecutor } from "./environment.ts";

export class InProcessExecutor implements ActivityExecutor {
  readonly #activities: ReadonlyMap<string, AnyActivity>;
  readonly #maxPayloadLength: number;
  readonly #running = new Map<ActivityTask, RunningActivity>();

  constructor(activities: readonly AnyActivity[], maxPayloadLength: number) {
    this.#activities = new Map(activities.map((activity) => [activity.name, activity]));
    this.#maxPayloadLength = maxPayloadLength;
  }

  get names(): readonly string[] {
    return [...this.#activities.keys()];
  }

  maxConcurrent(name: string): number {
    return this.#activities.get(name)?.maxConcurrent ?? Number.POSITIVE_INFINITY;
  }

  serves(name: string): boolean {
    return this.#activities.has(name);
  }

  abort(task: ActivityTask, attempt: number, reason: string): void {
    const running = this.#running.get(task);
    if (running?.attempt === attempt) running.abort(reason);
  }

  run(task: ActivityTask, attempt: number, report: (outcome: ActivityOutcome) => void): void {
    const { name, input } = task.activity;
    const activity = this.#activities.get(name);
    if (activity === undefined) {
      const known = [...this.#activities.keys()].map((other) => JSON.stringify(other)).join(", ") || "none";
      const message = `No activity is named ${JSON.stringify(name)}; this engine has: ${known}.`;
      return report({ kind: "failed", failure: { type: "ActivityNotFound", message, isNonRetriable: true } });
    }
    const { instanceId } = task.instance;
    const { executionId, actionId } = task.key;
    const call = { instanceId, executionId, actionId, name, attempt, input };
    let hasEnded = false;
    const running = runActivity(activity, call, this.#maxPayloadLength, (outcome) => {
      hasEnded = true;
      if (this.#running.get(task)?.attempt === attempt) this.#running.delete(task);
      report(outcome);
    });
    if (!hasEnded) this.#running.set(task, running);
  }
}
