// How messages reach instances: ends of activities, due timers, and what a commit made of the starts and deliveries in it.

import { present } from "../engine/present.ts";
import type { Waiting } from "../engine/triage.ts";
import type { Message } from "../model/events.ts";
import type { DeliverPart, DueTimer, InstanceRef, Part, PartAnswer, StartPart } from "../model/parts.ts";
import type { ActivityTask } from "./activity-task.ts";
import type { ActivityOutcome, Clock } from "./environment.ts";
import type { InboxKeeper } from "./inbox-keeper.ts";
import type { Instances } from "./instances.ts";
import type { Timers } from "./timers.ts";

export interface DeliveriesPorts {
  readonly instances: Instances;
  readonly keeper: InboxKeeper;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Wall time of the opening. */
  readonly openedAt: number;
  /** The store has nothing of that instance any more. */
  readonly gone: (ref: InstanceRef, reason: string) => void;
}

export class Deliveries {
  readonly #ports: DeliveriesPorts;

  constructor(ports: DeliveriesPorts) {
    this.#ports = ports;
  }

  /** The end of an activity: straight into the turn of a warm instance, else into its inbox. */
  activityEnded(task: ActivityTask, outcome: ActivityOutcome): void {
    const { instances, keeper, clock } = this.#ports;
    const { ref, executionId, actionId: taskScheduledId } = task.key;
    const base = { eventId: -1, timestamp: clock.now(), taskScheduledId };
    const message: Message =
      outcome.kind === "completed"
        ? { kind: "TaskCompleted", ...base, ...present({ result: outcome.result }) }
        : { kind: "TaskFailed", ...base, failure: outcome.failure };
    const entry = instances.get(ref);
    const waiting: Waiting = { message, executionId, source: { kind: "activity", actionId: taskScheduledId } };
    const isReady = entry?.state !== undefined && !entry.isLeaving && entry.state.row.executionId === executionId;
    if (entry === undefined || !isReady || task.wasInFlight) return keeper.settle(ref, waiting);
    instances.enqueue(entry, waiting);
  }

  /**
   * A due timer is given straight to its instance; its row goes with the turn that takes it. One that was due at the opening
   * may have killed the process before: only what is in the inbox is counted at a crash (E5).
   */
  timerDue(timer: DueTimer): void {
    const { instances, timers, openedAt } = this.#ports;
    const { ref, executionId, timerId, fireAt } = timer;
    timers.fired(timer);
    const entry = instances.summon(ref);
    if (entry.isLeaving) {
      timers.settled(timer);
      timers.armed(fireAt);
      return;
    }
    const message: Message = { kind: "TimerFired", eventId: -1, timestamp: fireAt, timerId, fireAt };
    instances.enqueue(entry, { message, executionId, source: { kind: "timer", timerId, ...(fireAt <= openedAt && { wasDue: true }) } });
  }

  /** What the store made of a start or a delivery, once it is committed. */
  sent(part: Part, answer: PartAnswer | undefined): void {
    const { instances } = this.#ports;
    if (answer === undefined) return;
    if (part.kind === "start" && answer.kind === "started") this.started(part, answer);
    else if (part.kind === "start" && answer.kind === "taken" && answer.notified !== undefined && part.child !== undefined) {
      const { ref, inboxKey, executionId } = answer.notified;
      instances.receive(ref, { key: inboxKey, message: part.child.ifTaken, executionId });
    } else if (part.kind === "deliver" && answer.kind === "delivered") this.delivered(part, answer);
    else if (part.kind === "deliverToChildren" && answer.kind === "deliveredToChildren") {
      for (const { ref, inboxKey } of answer.deliveries) instances.receive(ref, { key: inboxKey, message: part.message });
    }
  }

  delivered(part: DeliverPart, { ref, inboxKey }: Extract<PartAnswer, { kind: "delivered" }>): void {
    this.#ports.instances.receive(ref, { key: inboxKey, message: part.message, ...present({ executionId: part.executionId }) });
  }

  purged({ ref }: Extract<PartAnswer, { kind: "purged" }>): void {
    this.#ports.gone(ref, "The instance was purged.");
  }

  started({ started, key, createdAt }: StartPart, { ref, inboxKey, replaced }: Extract<PartAnswer, { kind: "started" }>): void {
    const { instances, timers, clock, gone } = this.#ports;
    if (replaced !== undefined) gone(replaced, "The instance was replaced.");
    const { name, executionId, version, input, parent, tags, traceContext, scheduledStartAt } = started;
    if (scheduledStartAt !== undefined) timers.armed(scheduledStartAt);
    if (scheduledStartAt !== undefined && scheduledStartAt > clock.now()) return;
    const row = {
      ...key,
      ref,
      executionId,
      name,
      status: "Pending",
      createdAt,
      updatedAt: createdAt,
      historyLength: 0,
      historyBytes: 0,
      turnAttempt: 0,
      ...present({ version, input, parent, tags, traceContext, scheduledStartAt }),
    } as const;
    instances.begin(row, { key: inboxKey, message: started });
  }
}
