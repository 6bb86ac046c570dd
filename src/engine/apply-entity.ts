// What an entity's turn commits (E16): the state, the answers, the messages and the operations that are settled, together.
// Locks move in commits of their own, without a worker.

import { canonicalEntityId, entityName, isEntityId } from "../model/entity.ts";
import type { EntityOperationSignaled, ExecutionStarted, Message } from "../model/events.ts";
import { asInstanceId } from "../model/ids.ts";
import type { DeliverPart, InstanceRow, Part, RowChange, StartPart, TurnPart } from "../model/parts.ts";
import { present } from "../model/present.ts";
import type { EntityResult, OperationAction, OperationResult } from "../model/work-item.ts";
import type { Committing } from "./apply-turn.ts";
import { deliveryOf, type EntityPorts, unlockOf } from "./entity-message.ts";
import type { EntitySystemWork, LockStep, WaitingOperation } from "./entity-triage.ts";
import { TERMINAL_STATUSES } from "./start-child.ts";
import type { InstanceState } from "./state.ts";
import type { Waiting } from "./triage.ts";

/** Locks that are granted, passed on and taken back, and messages that are for nobody. */
export function applyEntitySystem(state: InstanceState, work: EntitySystemWork, now: number, ports: EntityPorts): Committing {
  const { row } = state;
  const time = Math.max(now, state.lastTurnAt);
  const sends = work.steps.flatMap((step) => sendsOf(row, step, time, ports));
  return committing(state, work.settled, { entityLock: work.lock, updatedAt: time }, sends);
}

/** Of the operations that a worker was given, those which its result settles: fewer results leave the rest queued. */
export const settledBy = (taken: readonly WaitingOperation[], { results, failure }: EntityResult): readonly WaitingOperation[] =>
  failure === undefined ? taken.slice(0, results.length) : taken;

/** What a worker made of a batch. Whoever calls has asked `checkEntityResult`. */
export function applyEntityBatch(
  state: InstanceState,
  taken: readonly WaitingOperation[],
  result: EntityResult,
  now: number,
  ports: EntityPorts,
): Committing {
  const { row } = state;
  const time = Math.max(now, state.lastTurnAt);
  const settled = settledBy(taken, result);
  const { failure } = result;
  const answers = settled.flatMap(({ message }, index) => {
    const outcome: OperationResult | undefined = failure === undefined ? result.results[index] : { kind: "failed", failure };
    return message.kind === "EntityOperationSignaled" || outcome === undefined ? [] : [answerOf(row, message, outcome, time)];
  });
  const actions = failure === undefined ? result.actions.map((action) => sendOf(row, action, time, ports)) : [];
  const change: EntityChange = {
    ...(row.stalled !== undefined && { stalled: undefined }),
    ...(failure === undefined && { entityState: result.state }),
    updatedAt: time,
  };
  return committing(state, settled, change, [...answers, ...actions]);
}

/** Why a result makes no sense for a batch of so many operations, or undefined. */
export function checkEntityResult(operations: number, { results, actions, failure }: EntityResult): string | undefined {
  if (failure !== undefined) return undefined;
  if (results.length > operations) return `The batch has ${operations} operations, its result ${results.length} results.`;
  if (results.length === 0) return "The result settles no operation of the batch.";
  for (const action of actions) {
    const id = JSON.stringify(action.instanceId);
    if (action.kind === "SendSignal" && entityName(action.instanceId) === undefined) {
      return `A signal goes to ${id}, which is not the id of an entity: "@name@key" is expected.`;
    }
    if (action.kind === "StartNewOrchestration" && isEntityId(action.instanceId)) {
      return `An orchestration cannot be started as ${id}: ids that begin with "@" name entities.`;
    }
    const { scheduledAt } = action;
    if (scheduledAt !== undefined && !Number.isFinite(scheduledAt)) return `An action for ${id} is scheduled for no moment.`;
  }
  return undefined;
}

function sendsOf({ hub }: InstanceRow, step: LockStep, timestamp: number, ports: EntityPorts): Part[] {
  if (step.kind === "unlocked") {
    const { criticalSectionId, instanceId, lockSet, position } = step.lock;
    const next = lockSet[position + 1];
    return next === undefined ? [] : [deliveryOf(hub, unlockOf(criticalSectionId, instanceId, next, timestamp), timestamp, ports)];
  }
  const { request } = step;
  const { criticalSectionId, parentInstanceId, parentExecutionId, lockSet } = request;
  const position = request.position + 1;
  if (position < lockSet.length) return [deliveryOf(hub, { ...request, timestamp, position }, timestamp, ports)];
  const message: Message = { kind: "EntityLockGranted", eventId: -1, timestamp, criticalSectionId };
  return [{ kind: "deliver", to: { hub, instanceId: parentInstanceId }, message, executionId: parentExecutionId }];
}

function answerOf(
  { hub }: InstanceRow,
  { requestId, parentInstanceId, parentExecutionId }: Extract<WaitingOperation["message"], { kind: "EntityOperationCalled" }>,
  outcome: OperationResult,
  timestamp: number,
): DeliverPart {
  const base = { eventId: -1, timestamp, requestId };
  const message: Message =
    outcome.kind === "completed"
      ? { kind: "EntityOperationCompleted", ...base, ...present({ output: outcome.result }) }
      : { kind: "EntityOperationFailed", ...base, failure: outcome.failure };
  return { kind: "deliver", to: { hub, instanceId: parentInstanceId }, message, executionId: parentExecutionId };
}

function sendOf({ hub }: InstanceRow, action: OperationAction, timestamp: number, ports: EntityPorts): Part {
  const { input, traceContext, scheduledAt } = action;
  if (action.kind === "SendSignal") {
    const signal: EntityOperationSignaled = {
      kind: "EntityOperationSignaled",
      eventId: -1,
      timestamp,
      requestId: ports.mintExecutionId(),
      operation: action.operation,
      targetInstanceId: canonicalEntityId(action.instanceId),
      ...present({ input, traceContext, scheduledAt }),
    };
    return deliveryOf(hub, signal, timestamp, ports);
  }
  const executionId = ports.mintExecutionId();
  const instanceId = asInstanceId(action.instanceId === "" ? ports.mintExecutionId() : action.instanceId);
  const started: ExecutionStarted = {
    kind: "ExecutionStarted",
    eventId: -1,
    timestamp,
    name: action.name,
    instanceId,
    executionId,
    ...present({ version: action.version, input, traceContext, scheduledStartAt: scheduledAt }),
  };
  return { kind: "start", key: { hub, instanceId }, started, createdAt: timestamp, replaceable: TERMINAL_STATUSES } satisfies StartPart;
}

type EntityChange = Pick<RowChange, "stalled" | "entityState" | "entityLock"> & { readonly updatedAt: number };

function committing(state: InstanceState, settled: readonly Waiting[], change: EntityChange, sends: readonly Part[]): Committing {
  const { row, open } = state;
  const turn: TurnPart = {
    kind: "turn",
    ref: row.ref,
    executionId: row.executionId,
    historyLength: row.historyLength,
    consumed: settled.flatMap(({ source }) => (source.kind === "inbox" ? [source.key] : [])),
    append: [],
    row: change,
    addActivities: [],
    addTimers: [],
    removeActivities: [],
    removeTimers: settled.flatMap(timersOf),
  };
  const { stalled, entityState, entityLock, ...rest } = { ...row, ...change, turnAttempt: 0 };
  return { state: { row: { ...rest, ...present({ stalled, entityState, entityLock }) }, lastTurnAt: change.updatedAt, open }, turn, sends };
}

/** The timer that wakes the entity for an operation with a time of its own is named by the operation's place in the inbox. */
function timersOf({ source, message }: Waiting): number[] {
  if (source.kind === "timer") return [source.timerId];
  return source.kind === "inbox" && "scheduledAt" in message && message.scheduledAt !== undefined ? [source.key] : [];
}
