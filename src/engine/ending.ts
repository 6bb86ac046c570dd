// How an execution ends: the event that says so, what becomes of the row, who is told, and what comes after it (E9).

import type { CompleteOrchestration } from "../model/actions.ts";
import type { ExecutionCompleted, ExecutionStarted, HistoryEvent, Message } from "../model/events.ts";
import type { Failure } from "../model/failure.ts";
import type { ExecutionId } from "../model/ids.ts";
import type { InstanceRow, Part, RowChange, TurnPart } from "../model/parts.ts";
import type { Payload } from "../model/payload.ts";
import type { TerminalStatus } from "../model/status.ts";
import { deliveryOf, type EntityPorts, unlockOf } from "./entity-message.ts";
import { present } from "./present.ts";
import type { InstanceState, OpenWork } from "./state.ts";

export interface Ending {
  readonly event: ExecutionCompleted;
  readonly row: RowChange;
  readonly sends: readonly Part[];
  readonly next?: NonNullable<TurnPart["next"]>;
  readonly ended?: NonNullable<TurnPart["ended"]>;
}

export function endingOf({ row, open }: InstanceState, action: CompleteOrchestration, time: number, ports: EntityPorts): Ending {
  const { status, result, failure } = action;
  const event: ExecutionCompleted = {
    kind: "ExecutionCompleted",
    eventId: action.id,
    timestamp: time,
    status,
    ...present({ result, failure }),
  };
  const unlocks = releases(row, open, time, ports);
  if (status === "ContinuedAsNew")
    return { event, row: {}, sends: unlocks, next: nextExecution(row, action, time, ports.mintExecutionId()) };
  return {
    event,
    row: { status, completedAt: time, ...present({ output: result, failure }) },
    sends: [...unlocks, ...tellParent(row, { status, result, failure }, time)],
    ended: { status, dropQueued: status === "Terminated" },
  };
}

/** E16: each lock goes that the execution holds or has asked for. */
function releases(row: InstanceRow, { sections }: OpenWork, time: number, ports: EntityPorts): Part[] {
  return [...sections].flatMap(([id, { entities }]) =>
    entities.map((entity) => deliveryOf(row.hub, unlockOf(id, row.instanceId, entity, time), time, ports)),
  );
}

/**
 * The new execution begins like a fresh one, with its start as the first message: so a crash right after the commit finds
 * it in the inbox, and there is one way to begin.
 */
function nextExecution(
  row: InstanceRow,
  action: CompleteOrchestration,
  time: number,
  executionId: ExecutionId,
): NonNullable<Ending["next"]> {
  const version = action.newVersion ?? row.version;
  const tags = action.tags ?? row.tags;
  const input = action.result;
  const { parent, traceContext } = row;
  const started: ExecutionStarted = {
    kind: "ExecutionStarted",
    eventId: -1,
    timestamp: time,
    name: row.name,
    instanceId: row.instanceId,
    executionId,
    ...present({ version, input, parent, tags, traceContext }),
  };
  const inbox: Message[] = [started, ...(action.carryoverEvents ?? []).filter(isMessage)];
  return { executionId, ...present({ version, input, tags }), history: [], inbox };
}

export interface End {
  readonly status: TerminalStatus;
  readonly result: Payload | undefined;
  readonly failure: Failure | undefined;
}

export function tellParent({ hub, instanceId, parent }: InstanceRow, { status, result, failure }: End, timestamp: number): Part[] {
  if (parent === undefined) return [];
  const base = { eventId: -1, timestamp, taskScheduledId: parent.actionId };
  const message: Message =
    status === "Completed"
      ? { kind: "SubOrchestrationInstanceCompleted", ...base, ...present({ result }) }
      : { kind: "SubOrchestrationInstanceFailed", ...base, failure: failure ?? failureOfEnd(status, instanceId) };
  return [{ kind: "deliver", to: { hub, instanceId: parent.instanceId }, message, executionId: parent.executionId }];
}

function failureOfEnd(status: TerminalStatus, instanceId: string): Failure {
  return { type: `Orchestration${status}`, message: `The child orchestration ${JSON.stringify(instanceId)} ended as ${status}.` };
}

/** What can be carried over: an inbox takes messages only. */
function isMessage(event: HistoryEvent): event is Message {
  return (
    event.kind === "EventRaised" ||
    event.kind === "ExecutionSuspended" ||
    event.kind === "ExecutionResumed" ||
    event.kind === "ExecutionTerminated"
  );
}
