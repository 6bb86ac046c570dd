// Ends of activities and due timers go straight into the turn of a warm instance. What finds none, or would have to wait,
// must not wait in memory alone: it is put into the inbox, in one commit with the row that it came from (E2).

import { eventBytes } from "../engine/event-bytes.ts";
import type { InstanceState } from "../engine/state.ts";
import type { Waiting } from "../engine/triage.ts";
import type { ActivityKey, InstanceRef, Part } from "../model/parts.ts";
import type { Change } from "./committer.ts";
import { type Entry, isDirect } from "./entry.ts";
import type { Instances } from "./instances.ts";
import type { Timers } from "./timers.ts";
import type { Answer } from "./workers/answer.ts";

export interface InboxKeeperPorts {
  readonly instances: Instances;
  readonly timers: Timers;
  readonly commit: (change: Change) => void;
  /** The activity's row is gone. */
  readonly removed: (activity: ActivityKey) => void;
  readonly refused: (ref: InstanceRef, reason: string) => void;
}

export class InboxKeeper {
  readonly #ports: InboxKeeperPorts;

  constructor(ports: InboxKeeperPorts) {
    this.#ports = ports;
  }

  /** The end of an activity, with the activity's row. A worker's answer is accepted when it has landed. */
  settle(ref: InstanceRef, { message, executionId, source }: Waiting, answer?: Answer): void {
    if (source.kind !== "activity" || executionId === undefined) return;
    const activity = { ref, executionId, actionId: source.actionId };
    this.#ports.commit({
      parts: [{ kind: "settle", activity, message }],
      bytes: eventBytes(message),
      landed: ([settled]) => {
        this.#ports.removed(activity);
        if (settled?.kind === "settled" && settled.isElsewhere !== true)
          this.#ports.instances.receive(ref, { key: settled.inboxKey, message, executionId });
        answer?.accept();
      },
      refused: (error) => {
        answer?.refuse(error);
        this.#ports.refused(ref, error.message);
      },
    });
  }

  /** What waits in memory only would be lost with it. */
  keepHeld(entry: Entry, held: readonly Waiting[]): void {
    const direct = held.filter(isDirect);
    if (direct.length === 0 || entry.state === undefined) return;
    const gone = new Set(direct);
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    for (const waiting of direct) {
      if (waiting.source.kind === "activity") this.settle(entry.ref, waiting);
      else this.#keepTimer(entry, entry.state, waiting);
    }
  }

  /** Nobody will take it; what is left of it in the store goes. */
  discard(ref: InstanceRef, waiting: Waiting): void {
    const { source, executionId } = waiting;
    if (source.kind === "activity") this.settle(ref, waiting);
    else if (source.kind === "timer" && executionId !== undefined)
      this.#ports.timers.settled({ ref, executionId, timerId: source.timerId });
  }

  /** Dropped ends of activities of another execution: their rows are not the turn's to remove. */
  discardAstray(entry: Entry, dropped: readonly Waiting[], { row }: InstanceState): void {
    for (const waiting of dropped) {
      if (waiting.source.kind === "activity" && waiting.executionId !== row.executionId) this.settle(entry.ref, waiting);
    }
  }

  #keepTimer({ ref }: Entry, { row, lastTurnAt }: InstanceState, { message, executionId = row.executionId, source }: Waiting): void {
    if (source.kind !== "timer") return;
    const { timerId } = source;
    const { hub, instanceId, historyLength } = row;
    const nothing = { consumed: [], append: [], addActivities: [], addTimers: [], removeActivities: [] };
    const removal: Part = {
      kind: "turn",
      ref,
      executionId,
      historyLength,
      ...nothing,
      row: { updatedAt: lastTurnAt },
      removeTimers: [timerId],
    };
    const settled = (): void => this.#ports.timers.settled({ ref, executionId, timerId });
    this.#ports.commit({
      parts: [removal, { kind: "deliver", to: { hub, instanceId }, message, executionId }],
      bytes: 128,
      landed: ([, answer]) => {
        settled();
        if (answer?.kind === "delivered") this.#ports.instances.receive(ref, { key: answer.inboxKey, message, executionId });
      },
      refused: (error) => {
        settled();
        this.#ports.refused(ref, error.message);
      },
    });
  }
}
