// Runs the activities that a server sends. Their timeouts are the server's; where it tells of them, the attempt is aborted here
// too, and where a server knows nothing of timeouts, this is where an attempt ends.

import { activityTimeout } from "../../engine/activity-timeout.ts";
import type { Clock } from "../../loops/environment.ts";
import type { ActivityOptions } from "../../model/activity-options.ts";
import { present } from "../../model/present.ts";
import type { ActivityOutcome } from "../../model/work-item.ts";
import { type AnyActivity, type RunningActivity, runActivity } from "../../runtime/run-activity.ts";
import type { ReceivedActivity } from "../../wire/activities.ts";
import { ActivityLanes } from "./activity-lanes.ts";

export type ActivityEnd =
  | { readonly kind: "ended"; readonly outcome: ActivityOutcome }
  | { readonly kind: "abandoned"; readonly reason: string };

export interface ActivityRunnerPorts {
  readonly activities: readonly AnyActivity[];
  readonly clock: Clock;
  readonly maxConcurrent: number;
  readonly maxPayloadLength: number;
}

/** A longer one is left to the server. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Task {
  readonly item: ReceivedActivity;
  readonly activity: AnyActivity;
  readonly end: (end: ActivityEnd) => void;
}

export class ActivityRunner {
  readonly #ports: ActivityRunnerPorts;
  readonly #activities: ReadonlyMap<string, AnyActivity>;
  readonly #lanes: ActivityLanes<Task>;
  /** How each that runs is told to stop and given back. */
  readonly #running = new Set<(reason: string) => void>();

  constructor(ports: ActivityRunnerPorts) {
    this.#ports = ports;
    this.#activities = new Map(ports.activities.map((activity) => [activity.name, activity]));
    this.#lanes = new ActivityLanes(ports.maxConcurrent, (name) => this.#activities.get(name)?.maxConcurrent ?? Number.POSITIVE_INFINITY);
  }

  run(item: ReceivedActivity): Promise<ActivityEnd> {
    const { name } = item.activity;
    const activity = this.#activities.get(name);
    if (activity === undefined) {
      const known = [...this.#activities.keys()].map((other) => JSON.stringify(other)).join(", ") || "none";
      const reason = `No activity is named ${JSON.stringify(name)}; this worker has: ${known}. Connect a worker with it to go on.`;
      return Promise.resolve({ kind: "abandoned", reason });
    }
    return new Promise((end) => this.#begin(this.#lanes.enter(name, { item, activity, end })));
  }

  /** Those that wait for a place are given back. */
  stop(reason: string): void {
    for (const { end } of this.#lanes.empty()) end({ kind: "abandoned", reason });
  }

  /** Those that run are told to stop and given back. */
  abortAll(reason: string): void {
    for (const abandon of Array.from(this.#running)) abandon(reason);
  }

  #begin(tasks: readonly Task[]): void {
    for (const task of tasks) this.#attempt(task);
  }

  #attempt({ item, activity, end }: Task): void {
    const { instanceId, executionId, attempt, retryOf } = item;
    const { name, actionId, input, options } = item.activity;
    let isOver = false;
    const finish = (how: ActivityEnd): void => {
      if (isOver) return;
      isOver = true;
      stopClock?.();
      this.#running.delete(abandon);
      end(how);
      this.#begin(this.#lanes.leave(name));
    };
    const abandon = (reason: string): void => {
      running.abort(reason);
      finish({ kind: "abandoned", reason });
    };
    this.#running.add(abandon);
    const limit = nearestLimit(options);
    const stopClock =
      limit === undefined
        ? undefined
        : this.#ports.clock.setTimer(limit.ms, () => {
            const failure = activityTimeout(name, limit.kind, limit.ms, attempt);
            running.abort(failure.message);
            finish({ kind: "ended", outcome: { kind: "failed", failure } });
          });
    const call = { instanceId, executionId, actionId, name, attempt, input, ...present({ retryOf }) };
    const running: RunningActivity = runActivity(activity, call, this.#ports.maxPayloadLength, (outcome) =>
      finish({ kind: "ended", outcome }),
    );
  }
}

/** What comes first; nothing that a server waits for lasts longer than all attempts may, counted from now. */
function nearestLimit({ startToCloseMs = Number.POSITIVE_INFINITY, scheduleToCloseMs = Number.POSITIVE_INFINITY }: ActivityOptions = {}) {
  const ms = Math.min(startToCloseMs, scheduleToCloseMs);
  if (ms > LONGEST_TIMER_MS) return undefined;
  return { ms, kind: ms === startToCloseMs ? "startToClose" : "scheduleToClose" } as const;
}
