// What goes to workers out of process and what comes back, in the engine's own terms. A server's codec stands between this
// and the wire.

import type { Action } from "./actions.ts";
import type { EntityOperationCalled, EntityOperationSignaled, HistoryEvent, TraceContext } from "./events.ts";
import type { Failure } from "./failure.ts";
import type { ExecutionId, HubName, InstanceId } from "./ids.ts";
import type { InstanceRow, NewActivity } from "./parts.ts";
import type { Payload } from "./payload.ts";

export const WORK_SORTS = ["orchestration", "activity", "entity"] as const;
export type WorkSort = (typeof WORK_SORTS)[number];

/** By what work finds a worker. Entity names are in lower case and have no version. */
export interface WorkKind {
  readonly hub: HubName;
  readonly sort: WorkSort;
  readonly name: string;
  readonly version?: string;
}

/**
 * Names one delivery's subject (E5): opaque to workers, unforgeable only in that a wrong one has no effect. Says sort, node
 * epoch, instance (by its row's ref), execution, and the batch or the action it is about.
 */
export type CompletionToken = string;

export interface TurnItem {
  readonly sort: "orchestration";
  readonly token: CompletionToken;
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly row: InstanceRow;
  /** Of committed events; undefined for a worker that holds the instance warm at exactly this position. */
  readonly history: readonly HistoryEvent[] | undefined;
  readonly historyLength: number;
  /** Begins with OrchestratorStarted; never empty otherwise. */
  readonly newEvents: readonly HistoryEvent[];
}
export interface ActivityItem {
  readonly sort: "activity";
  readonly token: CompletionToken;
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly activity: NewActivity;
  readonly attempt: number;
}
export interface EntityItem {
  readonly sort: "entity";
  readonly token: CompletionToken;
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly state: Payload | undefined;
  readonly operations: readonly (EntityOperationSignaled | EntityOperationCalled)[];
}
export type WorkItem = TurnItem | ActivityItem | EntityItem;

/** A turn's result is a union: completed, abandoned, or lost with its stream. */
export interface TurnResult {
  readonly actions: readonly Action[];
  /** Present: the custom status is set to this, or cleared. */
  readonly customStatus?: { readonly payload: Payload | undefined };
  /** The worker lacks the state for a delta turn: the same batch is sent again with its history. */
  readonly requiresHistory?: boolean;
}

export type ActivityOutcome =
  | { readonly kind: "completed"; readonly result: Payload | undefined }
  | { readonly kind: "failed"; readonly failure: Failure };

export type OperationResult =
  | { readonly kind: "completed"; readonly result?: Payload }
  | { readonly kind: "failed"; readonly failure: Failure };

export type OperationAction =
  | {
      readonly kind: "SendSignal";
      readonly instanceId: InstanceId;
      readonly operation: string;
      readonly input?: Payload;
      readonly scheduledAt?: number;
      readonly traceContext?: TraceContext;
    }
  | {
      readonly kind: "StartNewOrchestration";
      /** Empty: a new UUID. */
      readonly instanceId: string;
      readonly name: string;
      readonly version?: string;
      readonly input?: Payload;
      readonly scheduledAt?: number;
      readonly traceContext?: TraceContext;
    };

/** Fewer results than operations leave the rest queued, in order (E16). */
export interface EntityResult {
  readonly results: readonly OperationResult[];
  readonly actions: readonly OperationAction[];
  readonly state: Payload | undefined;
  /** The worker could not serve the batch at all (an unknown entity): every operation fails with it. */
  readonly failure?: Failure;
}

export type Completion =
  | { readonly sort: "orchestration"; readonly result: TurnResult }
  | {
      readonly sort: "activity";
      readonly outcome: ActivityOutcome;
    }
  | { readonly sort: "entity"; readonly result: EntityResult };

/** No list: everything of that sort. An empty list: nothing. No versions, or an empty list of them: any version. */
export interface WorkFilters {
  readonly orchestrations?: readonly { readonly name: string; readonly versions?: readonly string[] }[];
  readonly activities?: readonly { readonly name: string; readonly versions?: readonly string[] }[];
  /** Compared in lower case. */
  readonly entities?: readonly { readonly name: string }[];
}
