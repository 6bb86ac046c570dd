// A turn from its commit's way to the store to the effects that leave after it (E3).

import type { Committing } from "../engine/apply-turn.ts";
import { eventBytes } from "../engine/event-bytes.ts";
import type { Waiting } from "../engine/triage.ts";
import type { InstanceRow, PartAnswer, TurnPart } from "../model/parts.ts";
import type { Change } from "./committer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatch } from "./dispatch.ts";
import type { CommittedTurn } from "./engine.ts";
import { type Entry, isDirect } from "./entry.ts";
import type { Clock } from "./environment.ts";
import type { InboxKeeper } from "./inbox-keeper.ts";
import { cool, type Instances } from "./instances.ts";
import type { Stalls } from "./stalls.ts";
import type { Timers } from "./timers.ts";
import type { Answer } from "./workers/answer.ts";

export interface TurnCommitsPorts {
  readonly instances: Instances;
  readonly deliveries: Deliveries;
  readonly keeper: InboxKeeper;
  readonly stalls: Stalls;
  readonly dispatch: Dispatch;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly commit: (change: Change) => void;
  readonly turned: (row: InstanceRow, hasEnded: boolean) => void;
}

export class TurnCommits {
  readonly #ports: TurnCommitsPorts;
  #told: CommittedTurn[] = [];

  constructor(ports: TurnCommitsPorts) {
    this.#ports = ports;
  }

  /** `answer`: the worker that gave the turn's result hears of its landing. */
  commit(entry: Entry, committing: Committing, kind: "turn" | "terminate", answer?: Answer): void {
    const { turn, sends } = committing;
    const before = entry.state;
    entry.state = committing.state;
    entry.isOutstanding = true;
    entry.consuming = turn.consumed;
    entry.retryStalled = false;
    if (turn.next !== undefined || turn.ended !== undefined) cool(entry);
    let bytes = 256;
    for (const event of turn.append) bytes += eventBytes(event);
    this.#ports.commit({
      parts: sends.length === 0 ? [turn] : [turn, ...sends],
      bytes,
      landed: (answers) => {
        this.#landed(entry, committing, answers, kind);
        answer?.accept();
      },
      refused: (error) => {
        answer?.refuse(error);
        this.#ports.dispatch.unreserve(committing.state.row.hub, turn.addActivities);
        if (before !== undefined) this.#ports.stalls.afterRefusal(entry, before, turn, error);
      },
    });
  }

  /** What was committed since it was last asked, in order. */
  takeTold(): readonly CommittedTurn[] {
    const told = this.#told;
    if (told.length > 0) this.#told = [];
    return told;
  }

  #landed(entry: Entry, { turn, sends, state }: Committing, answers: readonly PartAnswer[], kind: "turn" | "terminate"): void {
    const { instances, deliveries, dispatch, timers, keeper } = this.#ports;
    const { ref, executionId } = turn;
    const { row } = state;
    entry.isOutstanding = false;
    entry.consuming = [];
    for (const actionId of turn.removeActivities) dispatch.removed({ ref, executionId, actionId });
    for (const timerId of turn.removeTimers) timers.settled({ ref, executionId, timerId });
    for (const { fireAt } of turn.addTimers) timers.armed(fireAt);
    const [turned] = answers;
    if (turn.next !== undefined && turned?.kind === "turned") this.#continued(entry, executionId, turn.next, turned.inboxKeys);
    for (const [index, part] of sends.entries()) deliveries.sent(part, answers[index + 1]);
    if (turn.append.length > 0) {
      const { hub, instanceId, name, traceContext } = row;
      const told = { hub, instanceId, executionId, name, from: turn.historyLength, events: turn.append };
      this.#told.push(traceContext === undefined ? told : { ...told, traceContext });
    }
    // A rewind appends nothing.
    if (turn.append.length > 0 || turn.next !== undefined) this.#ports.turned(row, turn.ended !== undefined);
    for (const activity of turn.addActivities) {
      dispatch.scheduled({ ref, executionId, actionId: activity.actionId }, { hub: row.hub, instanceId: row.instanceId }, activity);
    }
    if (turn.ended !== undefined) {
      if (kind === "terminate") dispatch.terminated(ref);
      for (const waiting of entry.queue) keeper.discard(entry.ref, waiting);
      return instances.forget(entry);
    }
    instances.turned(entry);
  }

  /** The next execution begins with its carry-over; nothing that was meant for the old one reaches it (E6, E9). */
  #continued(entry: Entry, old: string, next: NonNullable<TurnPart["next"]>, keys: readonly number[]): void {
    const carried: Waiting[] = next.inbox.flatMap((message, index) => {
      const key = keys[index];
      return key === undefined ? [] : [{ message, source: { kind: "inbox", key } as const }];
    });
    const [late, astray] = [entry.queue.filter((waiting) => !isDirect(waiting)), entry.queue.filter(isDirect)];
    for (const waiting of astray) if (waiting.executionId === old) this.#ports.keeper.discard(entry.ref, waiting);
    entry.queue = [...carried, ...late];
    entry.history = [...next.history];
  }
}
