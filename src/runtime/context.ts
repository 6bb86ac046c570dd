// What an orchestrator sees. Everything that the outside can influence comes through here, so that a replay of the
// history gives the same decisions.

import type { RetryPolicy } from "../model/activity-options.ts";
import type { ParentInfo, Tags } from "../model/events.ts";
import type { ExecutionId, InstanceId } from "../model/ids.ts";
import type { JsonValue } from "../model/payload.ts";
import type { EntityId } from "./entity-id.ts";

/** What can be an input or output: JSON, or absent. */
export type Value = JsonValue | undefined;

export interface ActivityContext {
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly actionId: number;
  readonly name: string;
  /** 1 for the first attempt; durable before the attempt begins. */
  readonly attempt: number;
  /** The same for every attempt of this activity. */
  readonly idempotencyKey: string;
  /** Aborts at a timeout, terminate, purge, lost ownership and shutdown; `reason` says which. */
  readonly signal: AbortSignal;
}

/** An activity: one unit of work that touches the world. Its failure is what it throws. */
export interface Activity<Input, Output> {
  readonly kind: "activity";
  readonly name: string;
  /** How many may run at once in this process; absent: bounded only by the engine's own limit. */
  readonly maxConcurrent?: number;
  readonly run: (context: ActivityContext, input: Input) => Promise<Output> | Output;
}

export interface Orchestrator<Input, Output> {
  readonly kind: "orchestrator";
  readonly name: string;
  readonly version?: string;
  readonly run: (context: OrchestrationContext, input: Input) => Promise<Output>;
}

export interface CallOptions {
  readonly retry?: RetryPolicy;
  /** Bounds one attempt, in milliseconds. */
  readonly startToCloseMs?: number;
  /**
   * Bounds all attempts together, in milliseconds from the call. One that still waits in the store, behind more activities
   * than memory holds or while no process runs, is told when its turn to be read comes; it is not begun then.
   */
  readonly scheduleToCloseMs?: number;
  readonly tags?: Tags;
}

export interface ChildOptions {
  /** Absent: made from this execution's id and the action's. */
  readonly instanceId?: string;
  readonly version?: string;
  readonly retry?: RetryPolicy;
  readonly tags?: Tags;
}

/** A durable timer: awaits like a promise. An abandoned one needs no cancelling. */
export interface Timer extends PromiseLike<void> {
  /**
   * From now on its promise never settles. The protocol has no action that removes a timer: it still fires into the history,
   * where nobody waits for it, and goes when its execution ends.
   */
  cancel(): void;
}

export interface SignalOptions {
  /** Not served before that moment. */
  readonly at?: Date;
}

/**
 * Entities that serve this execution alone until it releases them; an end of any kind releases them too. With `using` they
 * are released where the block ends.
 */
export interface CriticalSection extends Disposable {
  /** In the order in which they were locked. */
  readonly entities: readonly string[];
  release(): void;
}

export interface OrchestrationContext {
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly name: string;
  readonly version?: string;
  readonly parent?: ParentInfo;
  readonly tags: Tags;
  /** True while the function is led through history that it has been through before. */
  readonly isReplaying: boolean;
  /** The turn's time in milliseconds since the epoch; never goes back. */
  now(): number;
  /** A UUID that is the same in every replay. */
  newGuid(): string;
  /** Runs an activity. Rejects with an `ActivityError` that carries its failure. */
  // By name first: where none fits, the compiler explains the last one, which is the typed one.
  callActivity(name: string, input?: Value, options?: CallOptions): Promise<Value>;
  callActivity<Input, Output>(activity: Activity<Input, Output>, input: Input, options?: CallOptions): Promise<Output>;
  /** Runs a child orchestration. Rejects with a `ChildError` that carries its failure. */
  callSubOrchestration(name: string, input?: Value, options?: ChildOptions): Promise<Value>;
  callSubOrchestration<Input, Output>(orchestrator: Orchestrator<Input, Output>, input: Input, options?: ChildOptions): Promise<Output>;
  /** Fires after `delayMs` milliseconds, or at a moment. */
  createTimer(due: number | Date): Timer;
  /** The next event of that name (names compare without case); events that came earlier are kept and given in order. */
  waitForEvent(name: string): Promise<Value>;
  /** One way: dropped if the target is not there, has ended, or has too many messages waiting. */
  sendEvent(instanceId: string, name: string, data?: Value): void;
  /** Asks another instance to end. */
  terminate(instanceId: string, options?: { readonly reason?: Value; readonly recurse?: boolean }): void;
  /** One way: the entity is made by its first message. Not within a critical section that has locked it. */
  signalEntity(entity: EntityId, operation: string, input?: Value, options?: SignalOptions): void;
  /** Has an entity serve an operation. Rejects with an `EntityError` that carries its failure. */
  callEntity(entity: EntityId, operation: string, input?: Value): Promise<Value>;
  /**
   * Waits until all of them are locked for this execution, in an order that lets no two executions wait for each other. One
   * critical section at a time; within it only what it has locked is called.
   */
  lockEntities(...entities: readonly EntityId[]): Promise<CriticalSection>;
  /** True between the grant of locks and their release. */
  readonly isInCriticalSection: boolean;
  setCustomStatus(status: Value): void;
  /** Ends this execution and starts the next with a new input; nothing after it runs. */
  continueAsNew(input: Value, options?: { readonly keepEvents?: boolean; readonly version?: string }): never;
  /** True for executions that reach this place for the first time, false for those which passed it before the change. */
  patched(id: string): boolean;
}
