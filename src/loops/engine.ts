// The embedded engine, as others see it.

import type { SignalboxError } from "../model/errors.ts";
import type { HistoryEvent, Tags, TraceContext } from "../model/events.ts";
import type { Failure } from "../model/failure.ts";
import type { ExecutionId, HubName, InstanceId } from "../model/ids.ts";
import type { OrchestrationStatus } from "../model/status.ts";
import type { Activity, Orchestrator, SignalOptions, Value } from "../runtime/context.ts";
import type { AnyEntity } from "../runtime/entity.ts";
import type { EntityId } from "../runtime/entity-id.ts";
import type { Store } from "../store/store.ts";

export interface StartOptions {
  /** Absent: a new UUID. */
  readonly instanceId?: string;
  readonly version?: string;
  readonly tags?: Tags;
  readonly scheduledStartAt?: Date;
  /** Statuses in which an instance of the same id is replaced; by default every terminal one. */
  readonly replaceable?: readonly OrchestrationStatus[];
}

export interface InstanceState {
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly name: string;
  readonly version?: string;
  readonly status: OrchestrationStatus;
  readonly stalled?: string;
  readonly input?: Value;
  readonly output?: Value;
  readonly failure?: Failure;
  readonly customStatus?: Value;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly completedAt?: Date;
  readonly parentInstanceId?: InstanceId;
  readonly tags: Tags;
  /** Absent where a remote server does not tell. */
  readonly historyLength?: number;
}

export interface EntityState {
  /** `@name@key` */
  readonly id: string;
  readonly name: string;
  readonly key: string;
  /** Absent: the entity has none, or it was not asked for. */
  readonly state?: Value;
  readonly updatedAt: Date;
  /** Messages that wait for it. */
  readonly waiting: number;
  /** The instance that holds it. */
  readonly lockedBy?: InstanceId;
}

/** What changed for an instance, told after the commit that made it so (E3). */
export interface CommittedEvents {
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  /** Position in that execution's history of the first event below. */
  readonly from: number;
  readonly events: readonly HistoryEvent[];
}

/** The same with what observers of all hubs want to know. */
export interface CommittedTurn extends CommittedEvents {
  readonly hub: HubName;
  /** The orchestration's. */
  readonly name: string;
  /** Of who started the instance. */
  readonly traceContext?: TraceContext;
}

/** An instance that stands still, told after the commit that made it so (E13). */
export interface StalledInstance {
  readonly hub: HubName;
  readonly instanceId: InstanceId;
  readonly name: string;
  readonly reason: string;
}

export interface EngineOptions {
  readonly store: Store;
  readonly hub?: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a registry holds definitions of every input and output type
  readonly orchestrators: readonly Orchestrator<any, any>[];
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly activities: readonly Activity<any, any>[];
  readonly entities?: readonly AnyEntity[];
  /** Called after each commit, in order of commits. */
  readonly onCommitted?: (committed: readonly CommittedEvents[]) => void;
}

/** The calls of one hub: an embedded engine and a remote server answer them alike. */
export interface HubClient {
  start<Input>(orchestrator: Orchestrator<Input, unknown> | string, input: Input, options?: StartOptions): Promise<InstanceId>;
  /** The state, or undefined if there is no such instance. */
  get(instanceId: string): Promise<InstanceState | undefined>;
  /** Resolves when the instance is terminal; rejects if it does not exist or the signal aborts. */
  waitForCompletion(instanceId: string, options?: { readonly signal?: AbortSignal }): Promise<InstanceState>;
  waitForStart(instanceId: string, options?: { readonly signal?: AbortSignal }): Promise<InstanceState>;
  /** The same key again within ten minutes has no effect. */
  raiseEvent(instanceId: string, name: string, data?: Value, options?: { readonly idempotencyKey?: string }): Promise<void>;
  suspend(instanceId: string, reason?: string): Promise<void>;
  resume(instanceId: string, reason?: string): Promise<void>;
  terminate(instanceId: string, options?: { readonly output?: Value; readonly recurse?: boolean }): Promise<void>;
  /** Runs a failed instance again from before its failure. */
  rewind(instanceId: string, reason?: string): Promise<void>;
  /** Starts an ended instance anew with its input, under its own id or a new one; answers the id. */
  restart(instanceId: string, options?: { readonly withNewId?: boolean }): Promise<InstanceId>;
  /** Removes ended instances; answers how many. */
  purge(
    target: string | { readonly status?: readonly OrchestrationStatus[]; readonly createdTo?: Date },
    options?: { readonly recurse?: boolean },
  ): Promise<number>;
  query(filter?: {
    readonly status?: readonly OrchestrationStatus[];
    readonly createdFrom?: Date;
    readonly createdTo?: Date;
    readonly idPrefix?: string;
    readonly name?: string;
    readonly tags?: Tags;
    readonly limit?: number;
    readonly after?: string;
    readonly withPayloads?: boolean;
  }): Promise<{ readonly instances: readonly InstanceState[]; readonly next?: string }>;
  /** One way: the entity is made by its first message. The same request id again within ten minutes has no effect. */
  signalEntity(
    entity: EntityId,
    operation: string,
    input?: Value,
    options?: SignalOptions & { readonly requestId?: string },
  ): Promise<void>;
  /** The entity, or undefined if it has no state. */
  getEntity(entity: EntityId): Promise<EntityState | undefined>;
  queryEntities(filter?: {
    /** Of ids, such as "@counter@". */
    readonly idPrefix?: string;
    readonly modifiedFrom?: Date;
    readonly modifiedTo?: Date;
    /** True: those without a state too, which only have messages or a lock. */
    readonly withTransient?: boolean;
    readonly limit?: number;
    readonly after?: string;
    readonly withStates?: boolean;
  }): Promise<{ readonly entities: readonly EntityState[]; readonly next?: string }>;
  /** Removes entities of which nothing is left, and releases locks whose holder has ended; both by default. */
  cleanEntities(options?: { readonly removeEmpty?: boolean; readonly releaseOrphanedLocks?: boolean }): Promise<{
    readonly removed: number;
    readonly released: number;
  }>;
  /** The whole history of the current execution. */
  history(instanceId: string): Promise<readonly HistoryEvent[]>;
}

export interface Engine extends HubClient, AsyncDisposable {
  /** Resolves when the engine has stopped: with the error that ended it, or with undefined after `close`. */
  readonly stopped: Promise<SignalboxError | undefined>;
  /** E14: stops accepting and dispatching, drains to the deadline, makes the last commit, releases the store. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}
