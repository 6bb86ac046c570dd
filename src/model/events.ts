// History events, in the vocabulary of the Durable Task protocol. `eventId` is the id of the action that an echo event
// (TaskScheduled, TimerCreated, ...) records, and -1 for everything else; resolutions name their action in a field.

import type { ActivityOptions } from "./activity-options.ts";
import type { Failure } from "./failure.ts";
import type { ActionId, ExecutionId, InstanceId } from "./ids.ts";
import type { Payload } from "./payload.ts";
import type { TerminalStatus } from "./status.ts";

export type Tags = { readonly [name: string]: string };

/** W3C trace context, carried through unchanged. */
export interface TraceContext {
  readonly traceParent: string;
  readonly traceState?: string;
}

/** Who waits for an instance's end: the parent's execution, and the action there that started it. */
export interface ParentInfo {
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly name: string;
  readonly version?: string;
  readonly actionId: ActionId;
}

interface Event {
  readonly eventId: number;
  /** Milliseconds since the epoch, by the turn's clock. */
  readonly timestamp: number;
}

export interface OrchestratorStarted extends Event {
  readonly kind: "OrchestratorStarted";
}
export interface ExecutionStarted extends Event {
  readonly kind: "ExecutionStarted";
  readonly name: string;
  readonly version?: string;
  readonly input?: Payload;
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly parent?: ParentInfo;
  /** Milliseconds since the epoch; the first turn is not before this. */
  readonly scheduledStartAt?: number;
  readonly tags?: Tags;
  readonly traceContext?: TraceContext;
}
export interface ExecutionCompleted extends Event {
  readonly kind: "ExecutionCompleted";
  readonly status: TerminalStatus | "ContinuedAsNew";
  readonly result?: Payload;
  readonly failure?: Failure;
}
export interface ExecutionTerminated extends Event {
  readonly kind: "ExecutionTerminated";
  readonly input?: Payload;
  readonly recurse: boolean;
}
export interface ExecutionSuspended extends Event {
  readonly kind: "ExecutionSuspended";
  readonly reason?: string;
}
export interface ExecutionResumed extends Event {
  readonly kind: "ExecutionResumed";
  readonly reason?: string;
}
export interface TaskScheduled extends Event {
  readonly kind: "TaskScheduled";
  readonly name: string;
  readonly version?: string;
  readonly input?: Payload;
  readonly tags?: Tags;
  readonly options?: ActivityOptions;
  readonly traceContext?: TraceContext;
}
export interface TaskCompleted extends Event {
  readonly kind: "TaskCompleted";
  readonly taskScheduledId: ActionId;
  readonly result?: Payload;
}
export interface TaskFailed extends Event {
  readonly kind: "TaskFailed";
  readonly taskScheduledId: ActionId;
  readonly failure: Failure;
}
export interface SubOrchestrationInstanceCreated extends Event {
  readonly kind: "SubOrchestrationInstanceCreated";
  readonly instanceId: InstanceId;
  readonly name: string;
  readonly version?: string;
  readonly input?: Payload;
  readonly tags?: Tags;
  readonly traceContext?: TraceContext;
}
export interface SubOrchestrationInstanceCompleted extends Event {
  readonly kind: "SubOrchestrationInstanceCompleted";
  readonly taskScheduledId: ActionId;
  readonly result?: Payload;
}
export interface SubOrchestrationInstanceFailed extends Event {
  readonly kind: "SubOrchestrationInstanceFailed";
  readonly taskScheduledId: ActionId;
  readonly failure: Failure;
}
export interface TimerCreated extends Event {
  readonly kind: "TimerCreated";
  readonly fireAt: number;
}
export interface TimerFired extends Event {
  readonly kind: "TimerFired";
  readonly timerId: ActionId;
  readonly fireAt: number;
}
export interface EventSent extends Event {
  readonly kind: "EventSent";
  readonly instanceId: InstanceId;
  readonly name: string;
  readonly input?: Payload;
}
export interface EventRaised extends Event {
  readonly kind: "EventRaised";
  readonly name: string;
  readonly input?: Payload;
}
/** Engine-defined data with a purpose of its own, such as the marker of a taken `patched(id)`. */
export interface GenericEvent extends Event {
  readonly kind: "GenericEvent";
  readonly data?: Payload;
}
/** Says that a failed instance runs again from before its failure; what was redelivered follows it. */
export interface ExecutionRewound extends Event {
  readonly kind: "ExecutionRewound";
  readonly reason?: string;
}

/** A message to an entity that wants no answer. With `scheduledAt` not served before that moment, in ms since the epoch. */
export interface EntityOperationSignaled extends Event {
  readonly kind: "EntityOperationSignaled";
  readonly requestId: string;
  readonly operation: string;
  readonly scheduledAt?: number;
  readonly input?: Payload;
  readonly targetInstanceId: InstanceId;
  readonly traceContext?: TraceContext;
}
/** A message to an entity whose answer goes to the execution that asks. */
export interface EntityOperationCalled extends Event {
  readonly kind: "EntityOperationCalled";
  readonly requestId: string;
  readonly operation: string;
  readonly scheduledAt?: number;
  readonly input?: Payload;
  readonly parentInstanceId: InstanceId;
  readonly parentExecutionId: ExecutionId;
  readonly targetInstanceId: InstanceId;
}
/** Travels from entity to entity of a lock set, which is sorted and without duplicates (E16). */
export interface EntityLockRequested extends Event {
  readonly kind: "EntityLockRequested";
  readonly criticalSectionId: string;
  readonly lockSet: readonly InstanceId[];
  /** Index in `lockSet` of the entity that has to grant it next. */
  readonly position: number;
  readonly parentInstanceId: InstanceId;
  readonly parentExecutionId: ExecutionId;
}
export interface EntityUnlockSent extends Event {
  readonly kind: "EntityUnlockSent";
  readonly criticalSectionId: string;
  readonly parentInstanceId: InstanceId;
  readonly targetInstanceId: InstanceId;
}
export interface EntityOperationCompleted extends Event {
  readonly kind: "EntityOperationCompleted";
  readonly requestId: string;
  readonly output?: Payload;
}
export interface EntityOperationFailed extends Event {
  readonly kind: "EntityOperationFailed";
  readonly requestId: string;
  readonly failure: Failure;
}
export interface EntityLockGranted extends Event {
  readonly kind: "EntityLockGranted";
  readonly criticalSectionId: string;
}

/** What an orchestration sends to entities: an echo in its own history, a message in the entity's inbox. */
export type EntityMessage = EntityOperationSignaled | EntityOperationCalled | EntityLockRequested | EntityUnlockSent;
/** What an entity answers. */
export type EntityAnswer = EntityOperationCompleted | EntityOperationFailed | EntityLockGranted;

export type HistoryEvent =
  | OrchestratorStarted
  | ExecutionStarted
  | ExecutionCompleted
  | ExecutionTerminated
  | ExecutionSuspended
  | ExecutionResumed
  | TaskScheduled
  | TaskCompleted
  | TaskFailed
  | SubOrchestrationInstanceCreated
  | SubOrchestrationInstanceCompleted
  | SubOrchestrationInstanceFailed
  | TimerCreated
  | TimerFired
  | EventSent
  | EventRaised
  | GenericEvent
  | ExecutionRewound
  | EntityMessage
  | EntityAnswer;

/** The events that can stand in an inbox: what others tell an instance. */
export type Message =
  | ExecutionStarted
  | ExecutionTerminated
  | ExecutionSuspended
  | ExecutionResumed
  | TaskCompleted
  | TaskFailed
  | SubOrchestrationInstanceCompleted
  | SubOrchestrationInstanceFailed
  | TimerFired
  | EventRaised
  | ExecutionRewound
  | EntityMessage
  | EntityAnswer;
