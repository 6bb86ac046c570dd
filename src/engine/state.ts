// What the engine knows of an instance between two turns: its row, the time of its last turn, and the actions whose
// resolution is still to come. `open` is handed on from state to state and never copied, so that a turn costs its new events
// and not the width of a fan-out (E12); whoever drops a state after a failed commit reads the instance again.

import type { HistoryEvent } from "../model/events.ts";
import type { ActionId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";

export interface OpenWork {
  readonly tasks: Set<ActionId>;
  readonly children: Set<ActionId>;
  readonly timers: Set<ActionId>;
}

export interface InstanceState {
  readonly row: InstanceRow;
  /** Turn time never goes back within an instance. */
  readonly lastTurnAt: number;
  readonly open: OpenWork;
}

export function fold(row: InstanceRow, history: readonly HistoryEvent[]): InstanceState {
  const open: OpenWork = { tasks: new Set(), children: new Set(), timers: new Set() };
  // An execution without a turn goes on from the time of the one before it.
  let lastTurnAt = history.length === 0 ? row.updatedAt : 0;
  for (const event of history) {
    if (event.kind === "OrchestratorStarted") lastTurnAt = event.timestamp;
    else track(open, event);
  }
  return { row, lastTurnAt, open };
}

/** Opens what an echo event records and closes what a resolution names. */
export function track(open: OpenWork, event: HistoryEvent): void {
  switch (event.kind) {
    case "TaskScheduled":
      open.tasks.add(event.eventId);
      return;
    case "TaskCompleted":
    case "TaskFailed":
      open.tasks.delete(event.taskScheduledId);
      return;
    case "SubOrchestrationInstanceCreated":
      open.children.add(event.eventId);
      return;
    case "SubOrchestrationInstanceCompleted":
    case "SubOrchestrationInstanceFailed":
      open.children.delete(event.taskScheduledId);
      return;
    case "TimerCreated":
      open.timers.add(event.eventId);
      return;
    case "TimerFired":
      open.timers.delete(event.timerId);
      return;
    case "OrchestratorStarted":
    case "ExecutionStarted":
    case "ExecutionCompleted":
    case "ExecutionTerminated":
    case "ExecutionSuspended":
    case "ExecutionResumed":
    case "EventSent":
    case "EventRaised":
    case "GenericEvent":
      return;
    default:
      event satisfies never;
  }
}
