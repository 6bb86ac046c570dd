// What a store's tables can do, below the rules: single rows found, written and removed inside an open transaction. The
// rules that decide the conditional parts stand once, in apply-part.ts, over every implementation of this.

import type { EncodedActivity, EncodedChange, EncodedEvents, NewExecution, NewInstance } from "./encoding/parts.ts";
import type { Text } from "./encoding/text.ts";

/** What the rules look at before they write. */
export interface Head {
  readonly ref: number;
  readonly hub: string;
  readonly instanceId: string;
  readonly executionId: string;
  readonly status: string;
  readonly historyLength: number;
  readonly parentRef: number | null;
  /** Another node owns it. */
  readonly isElsewhere?: boolean;
}

export interface Tables {
  headByKey(hub: string, instanceId: string): Head | undefined;
  headByRef(ref: number): Head | undefined;
  /** In order of creation. */
  children(parentRef: number): readonly Head[];
  /** Of what is in a hub, entities too, in no order and at most so many. */
  refsOfHub(hub: string, limit: number): readonly number[];
  insertInstance(row: NewInstance): number;
  /** With history, inbox, timers, activities and the blobs that nobody else refers to. */
  removeInstance(ref: number): void;
  change(ref: number, change: EncodedChange): void;
  /** Appends a turn's events to the current execution. No event, no row. */
  appendHistory(ref: number, events: EncodedEvents, updatedAt: number | null): void;
  /** Puts a new execution in place of the current one: its history and timers go. */
  replaceExecution(ref: number, next: NewExecution): void;
  /** A turn is committed: crashes are counted from here. */
  clearTurnAttempt(ref: number): void;
  /** True if an entity has no state, no lock and no message. */
  isBareEntity(ref: number): boolean;
  /** How many messages wait. */
  inboxLength(ref: number): number;
  /** Behind all that waits. */
  appendInbox(ref: number, message: Text, executionId: string | null): number;
  /** Before all that waits, in this order. */
  prependInbox(ref: number, messages: readonly Text[]): readonly number[];
  removeInbox(ref: number, key: number): void;
  clearInbox(ref: number): void;
  /** Has no effect if it is there. */
  insertActivity(ref: number, executionId: string, activity: EncodedActivity): void;
  /** True if it was there. */
  removeActivity(ref: number, executionId: string, actionId: number): boolean;
  removeQueuedActivities(ref: number): void;
  /** False if it is not there, or another node has it. */
  setAttempt(ref: number, executionId: string, actionId: number, attempt: number, inFlight: boolean, dueAt: number | null): boolean;
  insertTimer(ref: number, timerId: number, fireAt: number): void;
  removeTimer(ref: number, timerId: number): void;
  clearTimers(ref: number): void;
  /** See RaiseAttemptsPart. */
  raiseAttempts(): void;
  /** See ReleasePart and TakeOverPart; without other nodes both have no effect. */
  release(ref: number): void;
  takeOver(): void;
  /** True if a delivery with this key is remembered beyond `at`. */
  isRemembered(hub: string, key: string, at: number): boolean;
  remember(hub: string, key: string, until: number): void;
  /** Forgets deliveries of any hub that are remembered until `at` or less, at most so many. */
  forgetExpired(at: number, limit: number): void;
  /** Forgets deliveries of a hub, at most so many; answers how many. */
  forgetDeliveries(hub: string, limit: number): number;
}
