// Parts as the engine makes them, with only what a test is about left to say.

import { type EntityLock, entityName } from "../../src/model/entity.ts";
import type {
  EntityMessage,
  EntityOperationSignaled,
  ExecutionStarted,
  HistoryEvent,
  Message,
  ParentInfo,
} from "../../src/model/events.ts";
import { asExecutionId, asHubName, asInstanceId, type InstanceKey } from "../../src/model/ids.ts";
import type { OrchestrationStatus } from "../../src/model/status.ts";
import type { DeliverPart, DeliverToEntityPart, NewActivity, Part, PartAnswer, StartPart, Store, TurnPart } from "../../src/store/store.ts";

export const HUB = "hub";
const FAILURE = { type: "AlreadyExists", message: "the id is taken" };

export function keyOf(id: string, hub: string = HUB): InstanceKey {
  return { hub: asHubName(hub), instanceId: asInstanceId(id) };
}

export function startedEvent(id: string, execution: string, more: Partial<ExecutionStarted> = {}): ExecutionStarted {
  const ids = { instanceId: asInstanceId(id), executionId: asExecutionId(execution) };
  return { kind: "ExecutionStarted", eventId: -1, timestamp: 1, name: "flow", ...ids, ...more };
}

interface StartOptions extends Partial<ExecutionStarted> {
  readonly hub?: string;
  readonly createdAt?: number;
  readonly replaceable?: readonly OrchestrationStatus[];
  readonly child?: StartPart["child"];
}

export function startPart(id: string, execution: string, options: StartOptions = {}): StartPart {
  const { hub, createdAt = 1, replaceable = [], child, ...event } = options;
  const started = startedEvent(id, execution, event);
  return { kind: "start", key: keyOf(id, hub), started, createdAt, replaceable, ...(child !== undefined && { child }) };
}

export function turnPart(ref: number, execution: string, historyLength: number, more: Partial<TurnPart> = {}): TurnPart {
  return {
    kind: "turn",
    ref,
    executionId: asExecutionId(execution),
    historyLength,
    consumed: [],
    append: [],
    row: {},
    addActivities: [],
    addTimers: [],
    removeActivities: [],
    removeTimers: [],
    ...more,
  };
}

export function eventRaised(name: string, input?: string): Message & HistoryEvent {
  return { kind: "EventRaised", eventId: -1, timestamp: 2, name, ...(input !== undefined && { input }) };
}

export function taskCompleted(taskScheduledId: number, result?: string): Message & HistoryEvent {
  return { kind: "TaskCompleted", eventId: -1, timestamp: 2, taskScheduledId, ...(result !== undefined && { result }) };
}

export function childFailed(taskScheduledId: number): Message {
  return { kind: "SubOrchestrationInstanceFailed", eventId: -1, timestamp: 2, taskScheduledId, failure: FAILURE };
}

export function deliverPart(id: string, message: Message, execution?: string): DeliverPart {
  return { kind: "deliver", to: keyOf(id), message, ...(execution !== undefined && { executionId: asExecutionId(execution) }) };
}

/** To the entity of that id, which must have a name. */
export function toEntityPart(id: string, message: EntityMessage, more: Partial<DeliverToEntityPart> = {}): DeliverToEntityPart {
  const name = entityName(id) ?? "";
  return { kind: "deliverToEntity", to: keyOf(id), name, executionId: asExecutionId(`of ${id}`), message, at: message.timestamp, ...more };
}

export function signal(id: string, operation: string, more: Partial<EntityOperationSignaled> = {}): EntityOperationSignaled {
  const targetInstanceId = asInstanceId(id);
  return { kind: "EntityOperationSignaled", eventId: -1, timestamp: 5, requestId: `r-${operation}`, operation, targetInstanceId, ...more };
}

export function lockOf(id: string, lockSet: readonly string[]): EntityLock {
  const holder = { instanceId: asInstanceId(id), executionId: asExecutionId("e1") };
  return { criticalSectionId: "section", ...holder, lockSet: lockSet.map(asInstanceId), position: 0 };
}

/** A failure of an instance that has taken no turn yet. */
export function failPart(ref: number, execution: string): TurnPart {
  return {
    ...endPart(ref, execution),
    row: { completedAt: 9, updatedAt: 9, failure: FAILURE },
    ended: { status: "Failed", dropQueued: false },
  };
}

export function newActivity(actionId: number, more: Partial<NewActivity> = {}): NewActivity {
  return { actionId, name: "work", scheduledAt: 3, inFlight: false, ...more };
}

export function parentInfo(id: string, execution: string, actionId: number): ParentInfo {
  return { instanceId: asInstanceId(id), executionId: asExecutionId(execution), name: "flow", actionId };
}

/** The end of an instance that has taken no turn yet. */
export function endPart(ref: number, execution: string, historyLength = 0): TurnPart {
  return turnPart(ref, execution, historyLength, {
    append: [{ kind: "ExecutionCompleted", eventId: 1, timestamp: 9, status: "Completed" }],
    row: { completedAt: 9, updatedAt: 9 },
    ended: { status: "Completed", dropQueued: false },
  });
}

export function nextExecution(execution: string, inbox: readonly Message[] = []): NonNullable<TurnPart["next"]> {
  return { executionId: asExecutionId(execution), input: `input of ${execution}`, history: [], inbox };
}

export function commit(store: Store, ...parts: readonly Part[]): Promise<readonly PartAnswer[]> {
  return store.commit({ epoch: store.epoch, parts });
}

/** Starts an instance and answers its ref. */
export async function started(store: Store, id: string, execution: string, options: StartOptions = {}): Promise<number> {
  const [answer] = await commit(store, startPart(id, execution, options));
  if (answer?.kind !== "started") throw new Error(`"${id}" was not started: ${JSON.stringify(answer)}`);
  return answer.ref;
}

/** The messages that wait, in order. */
export async function inboxOf(store: Store, ref: number): Promise<readonly Message[]> {
  return ((await store.load(ref))?.inbox ?? []).map((row) => row.message);
}
