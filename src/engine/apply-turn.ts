// One turn becomes one commit (E2): the messages it consumed, the actions it asked for, and what each action owes by the
// Durable Task protocol. Pure: time, ids and the room for dispatch are given.

import type { Action, CompleteOrchestration, ScheduleTask, SendEntityMessage } from "../model/actions.ts";
import type { HistoryEvent } from "../model/events.ts";
import type { ActionId } from "../model/ids.ts";
import type { InboxKey, InstanceRow, NewActivity, Part, RowChange, TurnPart } from "../model/parts.ts";
import type { Payload } from "../model/payload.ts";
import { childIdOf, echoOf } from "./echo.ts";
import { type Ending, endingOf } from "./ending.ts";
import { deliveryOf, type EntityPorts, recordedMessage } from "./entity-message.ts";
import { eventBytes } from "./event-bytes.ts";
import { present } from "./present.ts";
import { phaseOf } from "./rules.ts";
import { startOfChild } from "./start-child.ts";
import { fold, type InstanceState, track } from "./state.ts";
import type { Waiting } from "./triage.ts";

export interface Turn {
  /** What the function was given, in order. */
  readonly taken: readonly Waiting[];
  /** Consumed without effect. */
  readonly dropped: readonly Waiting[];
  readonly actions: readonly Action[];
  /** Present if the turn set it. */
  readonly customStatus?: { readonly payload: Payload | undefined };
  readonly time: number;
}

export interface TurnPorts extends EntityPorts {
  /** True if an activity of that name is dispatched as soon as the turn is committed; room is then kept for it. */
  readonly reserve: (activityName: string, version: string | undefined) => boolean;
}

export interface Committing {
  readonly state: InstanceState;
  readonly turn: TurnPart;
  /** Starts and deliveries, in the order of the actions (E7); they follow the turn in the same commit. */
  readonly sends: readonly Part[];
}

export function applyTurn(state: InstanceState, turn: Turn, ports: TurnPorts): Committing {
  const { row, open } = state;
  const { time } = turn;
  const append: HistoryEvent[] = [];
  const addActivities: NewActivity[] = [];
  const addTimers: { timerId: ActionId; fireAt: number }[] = [];
  const sends: Part[] = [];
  let status = row.status === "Pending" ? undefined : row.status;
  let ending: CompleteOrchestration | undefined;

  if (turn.taken.length > 0) append.push({ kind: "OrchestratorStarted", eventId: -1, timestamp: time });
  for (const { message } of turn.taken) {
    append.push(message);
    track(open, message);
    if (message.kind === "ExecutionSuspended") status = "Suspended";
    else if (message.kind === "ExecutionResumed" || message.kind === "ExecutionStarted") status = "Running";
  }
  for (const action of turn.actions) {
    if (action.kind === "CompleteOrchestration") {
      ending = action;
      continue;
    }
    if (action.kind === "SendEntityMessage") sends.push(...entityDeliveries(state, action, time, ports));
    if (action.kind !== "TerminateOrchestration") {
      const echo = echoOf(row, action, time);
      append.push(echo);
      track(open, echo);
    }
    switch (action.kind) {
      case "ScheduleTask":
        addActivities.push(activityOf(action, time, ports.reserve(action.name, action.version)));
        break;
      case "CreateTimer":
        addTimers.push({ timerId: action.id, fireAt: action.fireAt });
        break;
      case "CreateSubOrchestration":
        sends.push(startOfChild(row, action, childIdOf(row, action), ports.mintExecutionId(), time));
        break;
      case "SendEvent": {
        const message = {
          kind: "EventRaised",
          eventId: -1,
          timestamp: time,
          name: action.name,
          ...present({ input: action.input }),
        } as const;
        sends.push({ kind: "deliver", to: { hub: row.hub, instanceId: action.instanceId }, message, limit: ports.maxInboxMessages });
        break;
      }
      case "TerminateOrchestration": {
        const { recurse, reason } = action;
        const message = { kind: "ExecutionTerminated", eventId: -1, timestamp: time, recurse, ...present({ input: reason }) } as const;
        sends.push({ kind: "deliver", to: { hub: row.hub, instanceId: action.instanceId }, message });
        break;
      }
      case "RecordMarker":
      case "SendEntityMessage":
        break;
      default:
        action satisfies never;
    }
  }
  const end = ending === undefined ? undefined : endingOf(state, ending, time, ports);
  if (end !== undefined) {
    append.push(end.event);
    sends.push(...end.sends);
  }
  const change: RowChange = {
    ...(status !== undefined && status !== row.status && { status }),
    ...(row.stalled !== undefined && { stalled: undefined }),
    ...(turn.customStatus !== undefined && { customStatus: turn.customStatus.payload }),
    ...end?.row,
    updatedAt: time,
  };
  const part: TurnPart = {
    kind: "turn",
    ref: row.ref,
    executionId: row.executionId,
    historyLength: row.historyLength,
    ...consumedBy(turn),
    append,
    row: change,
    addActivities,
    // E9: a turn that ends its execution arms no timers.
    addTimers: end === undefined ? addTimers : [],
    ...(end?.next !== undefined && { next: end.next }),
    ...(end?.ended !== undefined && { ended: end.ended }),
  };
  return { state: after(state, append, change, end, time), turn: part, sends };
}

/** Ends an instance at once, whatever it was about to do (E8). */
export function applyTerminate(
  state: InstanceState,
  queue: readonly Waiting[],
  terminate: Waiting,
  now: number,
  ports: EntityPorts,
): Committing {
  const { row, open } = state;
  if (terminate.message.kind !== "ExecutionTerminated") throw new TypeError("only a terminate message terminates");
  const { recurse, input } = terminate.message;
  const append: HistoryEvent[] = [{ kind: "OrchestratorStarted", eventId: -1, timestamp: now }];
  const started = row.historyLength === 0 ? queue.find(({ message }) => message.kind === "ExecutionStarted") : undefined;
  if (started !== undefined) append.push(started.message);
  append.push(terminate.message);
  const asked: CompleteOrchestration = { kind: "CompleteOrchestration", id: -1, status: "Terminated", ...present({ result: input }) };
  const end = endingOf(state, asked, now, ports);
  append.push(end.event);
  const sends = [...end.sends];
  if (recurse) sends.unshift({ kind: "deliverToChildren", parentRef: row.ref, message: terminate.message });
  const change: RowChange = { ...(row.stalled !== undefined && { stalled: undefined }), ...end.row, updatedAt: now };
  const part: TurnPart = {
    kind: "turn",
    ref: row.ref,
    executionId: row.executionId,
    historyLength: row.historyLength,
    consumed: [],
    append,
    row: change,
    addActivities: [],
    addTimers: [],
    // Those that run are aborted; nothing of a terminated execution is attempted again after a crash.
    removeActivities: [...open.tasks],
    removeTimers: [],
    ended: { status: "Terminated", dropQueued: true },
  };
  return { state: after(state, append, change, end, now), turn: part, sends };
}

/** What a message to an entity owes; the unlock of something that is not held owes nothing. */
function entityDeliveries({ row, open }: InstanceState, action: SendEntityMessage, time: number, ports: EntityPorts): Part[] {
  const message = recordedMessage(row, action.message, action.id, time);
  if (message.kind === "EntityUnlockSent") {
    const section = open.sections.get(message.criticalSectionId);
    if (section?.entities.includes(message.targetInstanceId) !== true) return [];
  }
  return [deliveryOf(row.hub, message, time, ports)];
}

/** Whether a queue of this kind leads to a turn at all; an ended instance has no more turns (E8). */
export const isOver = (state: InstanceState): boolean => phaseOf(state, Number.MAX_SAFE_INTEGER) === "Ended";

function activityOf(action: ScheduleTask, scheduledAt: number, inFlight: boolean): NewActivity {
  const { id: actionId, name, version, input, tags, options, traceContext } = action;
  return { actionId, name, scheduledAt, inFlight, ...present({ version, input, tags, options, traceContext }) };
}

function consumedBy(turn: Turn): Pick<TurnPart, "consumed" | "removeActivities" | "removeTimers"> {
  const consumed: InboxKey[] = [];
  const removeActivities: ActionId[] = [];
  const removeTimers: ActionId[] = [];
  for (const list of [turn.taken, turn.dropped]) {
    for (const { source } of list) {
      if (source.kind === "inbox") consumed.push(source.key);
      else if (source.kind === "activity") removeActivities.push(source.actionId);
      else removeTimers.push(source.timerId);
    }
  }
  return { consumed, removeActivities, removeTimers };
}

function after(
  state: InstanceState,
  append: readonly HistoryEvent[],
  change: RowChange,
  end: Ending | undefined,
  time: number,
): InstanceState {
  const base = changed(state.row, change);
  const next = end?.next;
  if (next !== undefined) {
    const { input: __, version: ___, ...kept } = base;
    const { executionId, version, input, tags } = next;
    const renewed = { ...kept, executionId, ...present({ version, input, tags }), historyLength: 0, historyBytes: 0 };
    return fold(renewed, []);
  }
  let bytes = state.row.historyBytes;
  for (const event of append) bytes += eventBytes(event);
  const row = {
    ...base,
    ...(end?.ended !== undefined && { status: end.ended.status }),
    historyLength: state.row.historyLength + append.length,
    historyBytes: bytes,
  };
  return { row, lastTurnAt: append.length > 0 ? time : state.lastTurnAt, open: state.open };
}

/** The row after a turn, which has no stall and no crashes. Most turns change a status or a time at most. */
export function changed(row: InstanceRow, change: RowChange): InstanceRow {
  const { status, updatedAt, ...columns } = change;
  const kept: InstanceRow = { ...row, status: status ?? row.status, updatedAt: updatedAt ?? row.updatedAt, turnAttempt: 0 };
  if (Object.keys(columns).length === 0 && row.stalled === undefined) return kept;
  const { stalled: _, output, failure, customStatus, completedAt, entityState, entityLock, ...rest } = { ...kept, ...columns };
  return { ...rest, ...present({ output, failure, customStatus, completedAt, entityState, entityLock }) };
}
