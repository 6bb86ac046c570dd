// A failed execution runs again from before its failure. Its new history is a strict prefix of the old one, so that a replay
// sees nothing that it has not seen before; what the cut-off turns were told, and is still true, is told again.

import type { ExecutionRewound, HistoryEvent, Message } from "../model/events.ts";
import type { InstanceRow, RowChange, TurnPart } from "../model/parts.ts";
import { present } from "../model/present.ts";
import { isTerminal } from "../model/status.ts";
import { type Committing, changed, type TurnPorts } from "./apply-turn.ts";
import { tellParent } from "./ending.ts";
import { eventBytes } from "./event-bytes.ts";
import { revive } from "./revive.ts";
import { cutBeforeFailure } from "./rewind-cut.ts";
import { fold, type InstanceState, openAfter, track } from "./state.ts";
import type { Waiting } from "./triage.ts";

/**
 * `history` is the whole of the current execution's. An instance that has ended otherwise was asked by its parent, which runs
 * again and may have missed the answer: it is told once more.
 */
export function applyRewind(
  state: InstanceState,
  history: readonly HistoryEvent[],
  rewind: Waiting,
  now: number,
  ports: TurnPorts,
): Committing {
  const { message, source } = rewind;
  if (message.kind !== "ExecutionRewound" || source.kind !== "inbox") throw new TypeError("only a rewind message rewinds");
  const time = Math.max(now, state.lastTurnAt);
  const consumed = [source.key];
  return state.row.status === "Failed" ? runAgain(state.row, history, message, consumed, time, ports) : endAgain(state, consumed, time);
}

function runAgain(
  row: InstanceRow,
  history: readonly HistoryEvent[],
  rewound: ExecutionRewound,
  consumed: TurnPart["consumed"],
  time: number,
  ports: TurnPorts,
): Committing {
  const cut = cutBeforeFailure(history);
  const prefix = history.slice(0, cut);
  const lost = history.slice(cut);
  const inbox = inboxOf(prefix, lost, rewound);
  const revived = revive(row, prefix, lost, inbox, rewound, time, ports);
  const change = {
    status: isSuspended(prefix) ? "Suspended" : "Running",
    output: undefined,
    failure: undefined,
    completedAt: undefined,
    updatedAt: time,
  } satisfies RowChange;
  const { executionId, version, input, tags } = row;
  const turn: TurnPart = {
    ...emptyTurn(row, consumed, change),
    addActivities: revived.activities,
    addTimers: revived.timers,
    // What is still queued or under way is begun anew: by its row, or because the cut-off turn asks again.
    removeActivities: [...openAfter(history).tasks],
    next: { executionId, ...present({ version, input, tags }), history: prefix, inbox },
  };
  const historyBytes = prefix.reduce((bytes, event) => bytes + eventBytes(event), 0);
  const renewed = fold({ ...changed(row, change), historyLength: cut, historyBytes }, prefix);
  return { state: { ...renewed, lastTurnAt: time }, turn, sends: revived.sends };
}

function endAgain(state: InstanceState, consumed: TurnPart["consumed"], time: number): Committing {
  const { row } = state;
  const { status, output: result, failure } = row;
  const sends = isTerminal(status) ? tellParent(row, { status, result, failure }, time) : [];
  return { state, turn: emptyTurn(row, consumed, {}), sends };
}

function emptyTurn({ ref, executionId, historyLength }: InstanceRow, consumed: TurnPart["consumed"], row: RowChange): TurnPart {
  const nothing = { append: [], addActivities: [], addTimers: [], removeActivities: [], removeTimers: [] };
  return { kind: "turn", ref, executionId, historyLength, consumed, row, ...nothing };
}

/** Before what waits: the start if the prefix has none, the rewind, and what the cut-off turns were told in their order. */
function inboxOf(prefix: readonly HistoryEvent[], lost: readonly HistoryEvent[], rewound: ExecutionRewound): Message[] {
  const inbox: Message[] = [];
  for (const event of prefix.length === 0 ? lost : []) if (event.kind === "ExecutionStarted") inbox.push(event);
  // A pause that outlasts the prefix is lifted as it was: a function that holds events back has to see it.
  const resumed = isSuspended(prefix) ? lost.find((event) => event.kind === "ExecutionResumed") : undefined;
  if (resumed !== undefined) inbox.push(resumed);
  inbox.push(rewound);
  const open = openAfter(prefix);
  for (const event of lost) {
    if (!isStillTrue(event, open)) continue;
    inbox.push(event);
    track(open, event);
  }
  return inbox;
}

/** Raised events, and successes of what the prefix asked for. Locks went with the failure; failures are what is tried again. */
function isStillTrue(event: HistoryEvent, open: InstanceState["open"]): event is Message {
  switch (event.kind) {
    case "EventRaised":
      return true;
    case "TaskCompleted":
      return open.tasks.has(event.taskScheduledId);
    case "SubOrchestrationInstanceCompleted":
      return open.children.has(event.taskScheduledId);
    case "TimerFired":
      return open.timers.has(event.timerId);
    case "EntityOperationCompleted":
      return open.calls.has(event.requestId);
    default:
      return false;
  }
}

function isSuspended(history: readonly HistoryEvent[]): boolean {
  const last = history.findLast(({ kind }) => kind === "ExecutionSuspended" || kind === "ExecutionResumed");
  return last?.kind === "ExecutionSuspended";
}
