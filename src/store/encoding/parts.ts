// The parts of a batch as stores apply them: nested values are texts already, absent is null, and nothing is left that a
// thread's mailbox or an SQL statement would have to take apart. Encoding happens on the caller's side, so that a store's
// thread does nothing but statements.

import type { ClearHubPart, RaiseAttemptsPart, ReleasePart, TakeOverPart } from "../store.ts";
import type { Text } from "./text.ts";

export interface EncodedStart {
  readonly kind: "start";
  readonly row: NewInstance;
  readonly message: Text;
  readonly replaceable: readonly string[];
  /** The parent's execution that waits, and what it is told if the id is taken. */
  readonly ifTaken: { readonly executionId: string; readonly message: Text } | null;
}

export interface NewInstance {
  readonly status: "Pending" | "Running";
  readonly hub: string;
  readonly instanceId: string;
  readonly executionId: string;
  readonly name: string;
  readonly version: string | null;
  readonly input: Text | null;
  readonly parent: Text | null;
  readonly parentRef: number | null;
  readonly tags: Text | null;
  readonly traceContext: Text | null;
  readonly createdAt: number;
  readonly scheduledStartAt: number | null;
}

export interface EncodedDeliver {
  readonly kind: "deliver";
  readonly hub: string;
  readonly instanceId: string;
  readonly executionId: string | null;
  readonly message: Text;
  readonly limit: number | null;
  readonly once: EncodedOnce | null;
}

/** A key under which a delivery counts once, and the moments that it is for: now, and how long. */
export interface EncodedOnce {
  readonly key: string;
  readonly at: number;
  readonly until: number;
}

export interface EncodedDeliverToEntity {
  readonly kind: "deliverToEntity";
  /** The row of an entity that is not there yet. */
  readonly row: NewInstance;
  readonly message: Text;
  readonly dueAt: number | null;
  readonly limit: number | null;
  readonly once: EncodedOnce | null;
}

export interface EncodedRewind {
  readonly kind: "rewind";
  readonly hub: string;
  readonly instanceId: string;
  readonly message: Text;
  /** The parent's execution that waits, and what it is told if there is nothing to rewind. */
  readonly ifGone: { readonly parentRef: number; readonly executionId: string; readonly message: Text } | null;
}

export interface EncodedRemoveEntity {
  readonly kind: "removeEntity";
  readonly hub: string;
  readonly instanceId: string;
}

export interface EncodedDeliverToChildren {
  readonly kind: "deliverToChildren";
  readonly parentRef: number;
  readonly message: Text;
}

/** Events of one turn: one row. */
export interface EncodedEvents {
  readonly text: Text;
  readonly count: number;
  /** Of the events' JSON in UTF-8, blobs counted by their references. */
  readonly bytes: number;
}

export interface EncodedChange {
  readonly status: string | null;
  readonly updatedAt: number | null;
  /** The other columns that change, with their new values. */
  readonly columns: readonly (readonly [column: ChangeColumn, value: string | number | null])[];
}
export const CHANGE_COLUMNS = ["stalled", "output", "failure", "customStatus", "completedAt", "entityState", "entityLock"] as const;
export type ChangeColumn = (typeof CHANGE_COLUMNS)[number];

export interface NewExecution {
  readonly executionId: string;
  readonly version: string | null;
  readonly input: Text | null;
  readonly tags: Text | null;
  readonly history: EncodedEvents;
  readonly inbox: readonly Text[];
}

export interface EncodedActivity {
  readonly actionId: number;
  readonly inFlight: boolean;
  /** All the rest: nothing that the store would have to look into. */
  readonly work: Text;
}

export interface EncodedTurn {
  readonly kind: "turn";
  readonly ref: number;
  readonly executionId: string;
  readonly historyLength: number;
  readonly consumed: readonly number[];
  readonly append: EncodedEvents;
  readonly next: NewExecution | null;
  readonly change: EncodedChange;
  readonly addActivities: readonly EncodedActivity[];
  readonly addTimers: readonly { readonly timerId: number; readonly fireAt: number }[];
  readonly removeActivities: readonly number[];
  readonly removeTimers: readonly number[];
  readonly ended: { readonly status: string; readonly dropQueued: boolean } | null;
}

export interface EncodedSettle {
  readonly kind: "settle";
  readonly ref: number;
  readonly executionId: string;
  readonly actionId: number;
  readonly message: Text;
}

export interface EncodedForget {
  readonly kind: "forgetActivity";
  readonly ref: number;
  readonly executionId: string;
  readonly actionId: number;
}

export interface EncodedAttempt {
  readonly kind: "attempt";
  readonly ref: number;
  readonly executionId: string;
  readonly actionId: number;
  readonly attempt: number;
  readonly inFlight: boolean;
  readonly dueAt: number | null;
}

export interface EncodedRow {
  readonly kind: "row";
  readonly ref: number;
  readonly change: EncodedChange;
}

export interface EncodedPurge {
  readonly kind: "purge";
  readonly hub: string;
  readonly instanceId: string;
}

export type EncodedPart =
  | EncodedStart
  | EncodedDeliver
  | EncodedDeliverToEntity
  | EncodedRewind
  | EncodedRemoveEntity
  | EncodedDeliverToChildren
  | EncodedTurn
  | EncodedSettle
  | EncodedForget
  | EncodedAttempt
  | RaiseAttemptsPart
  | ReleasePart
  | TakeOverPart
  | EncodedRow
  | EncodedPurge
  | ClearHubPart;

export interface EncodedBatch {
  readonly epoch: number;
  readonly parts: readonly EncodedPart[];
  /** Hash and JSON of what the texts refer to, one after the other. */
  readonly blobs: readonly (readonly [hash: string, json: string])[];
}
