// The calls of one hub, with payloads as their senders serialised them. Servers translate to this; the typed engine encodes
// values over it. Every answer follows its commit (E3); every refusal is a SignalboxError.

import type { HistoryEvent, Tags, TraceContext } from "../model/events.ts";
import type { ExecutionId, HubName, InstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import type { Payload } from "../model/payload.ts";
import type { OrchestrationStatus } from "../model/status.ts";
import type { InstanceFilter, InstancePage, Page } from "../store/store.ts";

export interface StartRequest {
  /** Absent: a new UUID. Ids that begin with "@" name entities and are refused. */
  readonly instanceId?: string;
  readonly name: string;
  readonly version?: string;
  readonly input?: Payload;
  /** Milliseconds since the epoch. */
  readonly scheduledStartAt?: number;
  /**
   * Statuses in which an instance of the same id is replaced; by default every terminal one. With an active status among
   * them an active instance is terminated and replaced in one commit; "Terminated" must then be among them too, else
   * INVALID_ARGUMENT "Invalid reusable statuses: ...".
   */
  readonly replaceable?: readonly OrchestrationStatus[];
  readonly tags?: Tags;
  readonly traceContext?: TraceContext;
  /** Absent: minted. A caller that mints it itself can recognise its own instance in a repeated call. */
  readonly executionId?: ExecutionId;
}

export interface PurgeTarget {
  readonly status?: readonly OrchestrationStatus[];
  readonly createdFrom?: number;
  readonly createdTo?: number;
}

export interface SignalRequest {
  readonly entityId: InstanceId;
  readonly operation: string;
  readonly input?: Payload;
  /** A repeated signal with the same id within ten minutes has no effect. */
  readonly requestId: string;
  readonly scheduledAt?: number;
  readonly traceContext?: TraceContext;
}

export interface Hub {
  readonly name: HubName;
  /** ALREADY_EXISTS for an active instance of that id, or one in a status that is not replaceable. */
  start(request: StartRequest): Promise<InstanceId>;
  /** The row, or undefined. Ids of entities find nothing. */
  get(instanceId: string, withPayloads: boolean): Promise<InstanceRow | undefined>;
  /** Resolves with the row when the instance has left Pending, or is terminal. NOT_FOUND; the signal's reason if it aborts. */
  waitFor(instanceId: string, until: "start" | "end", signal: AbortSignal | undefined): Promise<InstanceRow>;
  /** NOT_FOUND, FAILED_PRECONDITION for an ended one, LIMIT_EXCEEDED for a full inbox. The same key within ten minutes: no effect. */
  raiseEvent(instanceId: string, name: string, input: Payload | undefined, idempotencyKey?: string): Promise<void>;
  suspend(instanceId: string, reason: string | undefined): Promise<void>;
  resume(instanceId: string, reason: string | undefined): Promise<void>;
  /** No error for one that has ended. */
  terminate(instanceId: string, output: Payload | undefined, recurse: boolean): Promise<void>;
  /** Terminates each of them and none of their children; answers those that are not there or have ended already. */
  skipGracefulTerminations(instanceIds: readonly string[], reason: string | undefined): Promise<readonly string[]>;
  /** Runs a failed instance again from before its failure. FAILED_PRECONDITION unless it has failed. */
  rewind(instanceId: string, reason: string | undefined): Promise<void>;
  /** Starts an ended instance anew with its input, under its own id or a new one; answers the id. FAILED_PRECONDITION for an active one. */
  restart(instanceId: string, withNewId: boolean): Promise<InstanceId>;
  /** NOT_FOUND, FAILED_PRECONDITION for an active one. Answers how many went, children included. */
  purge(instanceId: string, recurse: boolean): Promise<number>;
  /** Ended ones that the filter means. With a time limit in ms `isComplete` may be false: ask again. */
  purgeAll(target: PurgeTarget, recurse: boolean, timeoutMs?: number): Promise<{ readonly deleted: number; readonly isComplete: boolean }>;
  query(filter: Omit<InstanceFilter, "hub" | "sort">, page: Page): Promise<InstancePage>;
  /** The current execution's history in pieces bounded by bytes. NOT_FOUND; FAILED_PRECONDITION if it is not of the execution asked for. */
  history(instanceId: string, executionId?: string): AsyncIterable<readonly HistoryEvent[]>;

  signalEntity(request: SignalRequest): Promise<void>;
  /** The row of an entity, whether or not it has a state. */
  getEntity(entityId: string, withState: boolean): Promise<InstanceRow | undefined>;
  queryEntities(filter: Omit<InstanceFilter, "hub" | "sort">, page: Page): Promise<InstancePage>;
  cleanEntities(options: {
    readonly removeEmpty: boolean;
    readonly releaseOrphanedLocks: boolean;
    readonly after?: string;
  }): Promise<{ readonly removed: number; readonly released: number; readonly next?: string }>;

  /** Removes everything in the hub, running instances included. */
  clear(): Promise<void>;
}
