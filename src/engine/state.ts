// What the engine knows of an instance between two turns: its row, the time of its last turn, and the actions whose
// resolution is still to come. `open` is handed on from state to state and never copied, so that a turn costs its new events
// and not the width of a fan-out (E12); whoever drops a state after a failed commit reads the instance again.

import type { HistoryEvent } from "../model/events.ts";
import type { ActionId, InstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import { isEcho } from "./echo-event.ts";

/** Entities that an execution has locked or has asked for (E16). */
export interface CriticalSection {
  /** Those that it has not unlocked, in the order in which they lock. */
  readonly entities: readonly InstanceId[];
  readonly isGranted: boolean;
}

export interface OpenWork {
  readonly tasks: Set<ActionId>;
  readonly children: Set<ActionId>;
  readonly timers: Set<ActionId>;
  /** Calls of entities, by request id. */
  readonly calls: Set<string>;
  /** By their ids. */
  readonly sections: Map<string, CriticalSection>;
  /** The greatest id that an action of this execution has had; -1 before the first. */
  lastActionId: number;
}

export interface InstanceState {
  readonly row: InstanceRow;
  /** Turn time never goes back within an instance. */
  readonly lastTurnAt: number;
  readonly open: OpenWork;
}

export function fold(row: InstanceRow, history: readonly HistoryEvent[]): InstanceState {
  const lastTurn = history.findLast(({ kind }) => kind === "OrchestratorStarted");
  // An execution without a turn goes on from the time of the one before it.
  const lastTurnAt = history.length === 0 ? row.updatedAt : (lastTurn?.timestamp ?? 0);
  return { row, lastTurnAt, open: openAfter(history) };
}

/** What is to be resolved after these events of an execution, from its beginning. */
export function openAfter(history: readonly HistoryEvent[]): OpenWork {
  const open: OpenWork = {
    tasks: new Set(),
    children: new Set(),
    timers: new Set(),
    calls: new Set(),
    sections: new Map(),
    lastActionId: -1,
  };
  for (const event of history) track(open, event);
  return open;
}

/** Opens what an echo event records and closes what a resolution names. */
export function track(open: OpenWork, event: HistoryEvent): void {
  // A message may carry any number there; an echo event carries its action's.
  if (isEcho(event) && event.eventId > open.lastActionId) open.lastActionId = event.eventId;
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
    case "EntityOperationCalled":
      open.calls.add(event.requestId);
      return;
    case "EntityOperationCompleted":
    case "EntityOperationFailed":
      open.calls.delete(event.requestId);
      return;
    case "EntityLockRequested":
      open.sections.set(event.criticalSectionId, { entities: event.lockSet, isGranted: false });
      return;
    case "EntityLockGranted":
      grant(open, event.criticalSectionId);
      return;
    case "EntityUnlockSent":
      unlock(open, event.criticalSectionId, event.targetInstanceId);
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
    case "ExecutionRewound":
    case "EntityOperationSignaled":
      return;
    default:
      event satisfies never;
  }
}

function grant({ sections }: OpenWork, id: string): void {
  const section = sections.get(id);
  if (section !== undefined) sections.set(id, { ...section, isGranted: true });
}

function unlock({ sections }: OpenWork, id: string, entity: InstanceId): void {
  const section = sections.get(id);
  if (section === undefined) return;
  const entities = section.entities.filter((each) => each !== entity);
  if (entities.length === 0) sections.delete(id);
  else sections.set(id, { ...section, entities });
}
