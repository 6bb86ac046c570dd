// E13: what cannot go on stands still with a visible reason, and nothing else is held up.

import type { InstanceState } from "../engine/state.ts";
import type { SignalboxError } from "../model/errors.ts";
import type { InstanceRef, Part, TurnPart } from "../model/parts.ts";
import type { StalledInstance } from "./engine.ts";
import type { Entry } from "./entry.ts";
import type { Clock } from "./environment.ts";
import type { InboxKeeper } from "./inbox-keeper.ts";
import { cool, type Instances } from "./instances.ts";
import type { Timers } from "./timers.ts";

export interface StallsPorts {
  readonly instances: Instances;
  readonly keeper: InboxKeeper;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Told when it is committed. */
  readonly stalled: (instance: StalledInstance) => void;
  /** Leaves an instance to other nodes, which may have its code. False: there are none. Absent: there never are. */
  readonly handOver?: (entry: Entry) => boolean;
}

export class Stalls {
  readonly #ports: StallsPorts;

  constructor(ports: StallsPorts) {
    this.#ports = ports;
  }

  stall(entry: Entry, state: InstanceState, reason: string, more: readonly Part[] = []): void {
    const { instances, keeper, clock, stalled } = this.#ports;
    cool(entry);
    entry.retryStalled = false;
    keeper.keepHeld(entry, entry.queue);
    if (state.row.stalled === reason) return instances.leave(entry, more);
    const { hub, instanceId, name } = state.row;
    instances.leave(entry, [{ kind: "row", ref: entry.ref, row: { stalled: reason, updatedAt: clock.now() } }, ...more], () =>
      stalled({ hub, instanceId, name, reason }),
    );
  }

  /** Its code is not here. */
  unserved(entry: Entry, state: InstanceState, reason: string): void {
    const { handOver } = this.#ports;
    if (handOver === undefined) return this.stall(entry, state, reason);
    // Alone, it says why nothing happens; a node that comes may take the instance and try it again.
    if (!handOver(entry)) this.stall(entry, state, reason, [{ kind: "release", refs: [entry.ref] }]);
  }

  stallByRef(ref: InstanceRef, reason: string): void {
    const { instances } = this.#ports;
    const entry = instances.get(ref);
    if (entry?.state !== undefined) this.stall(entry, entry.state, reason);
    else instances.commitAlone([{ kind: "row", ref, row: { stalled: reason } }], () => {});
  }

  /** The store took nothing of the turn; what the turn had changed in memory is dropped with it. */
  afterRefusal(entry: Entry, before: InstanceState, turn: TurnPart, error: SignalboxError): void {
    const { keeper, timers } = this.#ports;
    for (const message of turn.append) {
      const { ref, executionId } = turn;
      if (message.kind === "TaskCompleted" || message.kind === "TaskFailed") {
        const actionId = message.taskScheduledId;
        if (turn.removeActivities.includes(actionId)) keeper.settle(ref, { message, executionId, source: { kind: "activity", actionId } });
      } else if (message.kind === "TimerFired" && turn.removeTimers.includes(message.timerId)) {
        // It is due still: the next look gives it again.
        timers.settled({ ref, executionId, timerId: message.timerId });
        timers.armed(message.fireAt);
      }
    }
    entry.isOutstanding = false;
    entry.state = before;
    this.stall(entry, before, `The store refused the turn: ${error.message}`);
  }
}
