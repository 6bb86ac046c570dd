// How messages reach instances: ends of activities, due timers, and what a commit made of the starts and deliveries in it.

import type { Waiting } from "../engine/triage.ts";
import type { Message } from "../model/events.ts";
import type { ActivityKey, Delivered, DueTimer, InstanceRef, Part, PartAnswer, StartPart } from "../model/parts.ts";
import { present } from "../model/present.ts";
import type { ActivityOutcome } from "../model/work-item.ts";
import type { ActivityTask } from "./activity-task.ts";
import type { Clock } from "./environment.ts";
import type { InboxKeeper } from "./inbox-keeper.ts";
import type { Instances } from "./instances.ts";
import type { Timers } from "./timers.ts";
import type { Answer } from "./workers/answer.ts";

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

  /**
   * The end of an activity: straight into the turn of a warm instance whose code runs here, else into its inbox. What a
   * worker answers is in the inbox before anybody builds on it, and before the worker hears of it (E3).
   */
  activityEnded(task: ActivityTask, outcome: ActivityOutcome, answer?: Answer): void {
    const { instances, keeper } = this.#ports;
    const { ref, executionId } = task.key;
    const entry = instances.get(ref);
    const waiting = this.#endOf(task.key, outcome);
    const isReady = entry?.live !== undefined && !entry.isLeaving && entry.state?.row.executionId === executionId;
    if (entry === undefined || !isReady || task.wasInFlight || answer !== undefined) return keeper.settle(ref, waiting, answer);
    instances.enqueue(entry, waiting);
  }

  /** The end of one that is not in memory: settled if its row is still there (E5). */
  settled(key: ActivityKey, outcome: ActivityOutcome, answer: Answer): void {
    this.#ports.keeper.settle(key.ref, this.#endOf(key, outcome), answer);
  }

  #endOf({ executionId, actionId: taskScheduledId }: ActivityKey, outcome: ActivityOutcome): Waiting {
    const base = { eventId: -1, timestamp: this.#ports.clock.now(), taskScheduledId };
    const message: Message =
      outcome.kind === "completed"
        ? { kind: "TaskCompleted", ...base, ...present({ result: outcome.result }) }
        : { kind: "TaskFailed", ...base, failure: outcome.failure };
    return { message, executionId, source: { kind: "activity", actionId: taskScheduledId } };
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

  /** One that is not here: its owner has the timer. */
  timerUntaken(ref: InstanceRef, { source, executionId }: Waiting): void {
    if (source.kind === "timer" && executionId !== undefined) this.#ports.timers.settled({ ref, executionId, timerId: source.timerId });
  }

  /** What the store made of a part that is about another instance than the one that asked, once it is committed. */
  sent(part: Part, answer: PartAnswer | undefined): void {
    const { instances } = this.#ports;
    if (answer === undefined) return;
    switch (part.kind) {
      case "start":
        if (answer.kind === "started") this.#started(part, answer);
        else if (answer.kind === "taken" && part.child !== undefined) this.#notified(answer.notified, part.child.ifTaken);
        return;
      case "deliver":
      case "rewind":
        if (answer.kind === "delivered") {
          if (answer.isElsewhere === true) return;
          const { ref, inboxKey } = answer;
          const executionId = part.kind === "deliver" ? part.executionId : undefined;
          instances.receive(ref, { key: inboxKey, message: part.message, ...present({ executionId }) });
        } else if (answer.kind === "notRewound" && part.kind === "rewind" && part.child !== undefined)
          this.#notified(answer.notified, part.child.ifGone);
        return;
      case "deliverToEntity":
        if (answer.kind !== "delivered" || answer.isElsewhere === true) return;
        if (part.dueAt !== undefined && part.dueAt > this.#ports.clock.now()) this.#ports.timers.armed(part.dueAt);
        instances.receive(answer.ref, { key: answer.inboxKey, message: part.message });
        return;
      case "deliverToChildren":
        if (answer.kind !== "deliveredToChildren") return;
        for (const { ref, inboxKey, isElsewhere } of answer.deliveries) {
          if (isElsewhere !== true) instances.receive(ref, { key: inboxKey, message: part.message });
        }
        return;
      case "purge":
      case "removeEntity":
        if (answer.kind === "purged") this.gone(answer.ref, "The instance was purged.");
        return;
      case "clearHub":
        if (answer.kind === "cleared") for (const ref of answer.refs) this.gone(ref, "The hub was cleared.");
        return;
      default:
        // The rest is about the one that asked, who hears of it himself.
        return;
    }
  }

  #notified(notified: Delivered | undefined, message: Message): void {
    if (notified === undefined || notified.isElsewhere === true) return;
    const { ref, inboxKey, executionId } = notified;
    this.#ports.instances.receive(ref, { key: inboxKey, message, executionId });
  }

  /** The store has nothing of it any more: nor has memory. */
  gone(ref: InstanceRef, reason: string): void {
    const { instances, gone } = this.#ports;
    const entry = instances.get(ref);
    if (entry !== undefined) instances.forget(entry);
    gone(ref, reason);
  }

  #started({ started, key, createdAt }: StartPart, { ref, inboxKey, replaced }: Extract<PartAnswer, { kind: "started" }>): void {
    const { instances, timers, clock } = this.#ports;
    if (replaced !== undefined) this.gone(replaced, "The instance was replaced.");
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
