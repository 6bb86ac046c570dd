// The Store port. Stores keep rows and decide the conditional parts; the rules of orchestrations are in `engine`.
//
// A batch is one transaction (E2): its parts are applied in order, all or none, and the answers come back in the same
// order. Every batch is fenced by the epoch that opening the store raised (E4). What a pure engine cannot know is decided
// here, inside the transaction: `start` (is the id free?) and `deliver` (does the target run, and in which execution?).

import type { HistoryEvent, Tags } from "../model/events.ts";
import type { ExecutionId, HubName, InstanceKey } from "../model/ids.ts";
import type { ActivityRow, DueTimer, InstanceRef, InstanceRow, Part, PartAnswer, StoredInstance } from "../model/parts.ts";
import type { OrchestrationStatus } from "../model/status.ts";
import type { Sharing } from "./sharing.ts";

export type * from "../model/parts.ts";
export type * from "./sharing.ts";

export interface Batch {
  readonly epoch: number;
  readonly parts: readonly Part[];
}

export interface InstanceFilter {
  readonly hub: HubName;
  /** Orchestrations by default; entities lie beside them (model/entity.ts). */
  readonly sort?: "orchestrations" | "entities";
  readonly updatedFrom?: number;
  readonly updatedTo?: number;
  /** Of entities: only those that have a state. */
  readonly withStateOnly?: boolean;
  readonly status?: readonly OrchestrationStatus[];
  readonly createdFrom?: number;
  readonly createdTo?: number;
  readonly completedFrom?: number;
  readonly completedTo?: number;
  readonly idPrefix?: string;
  readonly name?: string;
  /** Every tag given must be there with this value. */
  readonly tags?: Tags;
}

export interface Page {
  /** At most this many rows; the store may answer fewer, bounded by bytes. */
  readonly limit: number;
  /** The token of the page before; absent: from the first. */
  readonly after?: string;
  /** Inputs, outputs, failures and custom status only if asked for. */
  readonly withPayloads: boolean;
}

export interface InstancePage {
  readonly rows: readonly InstanceRow[];
  /** Absent on the last page. Pages are in order of creation and stable under concurrent change. */
  readonly next?: string;
}

export interface HistorySlice {
  readonly executionId: ExecutionId;
  readonly events: readonly HistoryEvent[];
  /** Position of the first event after this slice; absent at the end. */
  readonly next?: number;
}

export interface ReadStore extends AsyncDisposable {
  /** The row, or undefined. */
  instance(key: InstanceKey, withPayloads: boolean): Promise<InstanceRow | undefined>;
  instances(filter: InstanceFilter, page: Page): Promise<InstancePage>;
  /** Events of the current execution from a position on, bounded by bytes. */
  history(key: InstanceKey, from: number): Promise<HistorySlice | undefined>;
  /** Hubs that have instances or entities, in an order of the store's own, from the one given on (itself left out). */
  hubs(after: HubName | undefined, limit: number): Promise<readonly HubName[]>;
  /** Every living or ended child that the instance's executions started, by the link rows. */
  children(key: InstanceKey): Promise<readonly InstanceKey[]>;
}

/**
 * Says which instance computes a turn on the main thread, so that somebody else can see one that never ends (E13). Both
 * calls cost a few plain stores; the ref is that of an instance whose start is committed or in the batch being filled.
 */
export interface TurnWatch {
  turnStarted(ref: InstanceRef): void;
  turnEnded(): void;
}

/**
 * Reads and commits are carried out in the order of the calls. Errors carry a code: STORE_IO, STORE_CORRUPT,
 * OWNERSHIP_LOST end the store's use; STORE_REFUSED and LIMIT_EXCEEDED name a batch that can be split (E13) and changed nothing.
 */
export interface Store extends ReadStore {
  /** Raised durably by this opening (E5). */
  readonly epoch: number;
  /** Absent where nobody could watch: stores on the caller's own thread. */
  readonly watch?: TurnWatch;
  /** Absent: one process owns all that the store has. */
  readonly sharing?: Sharing;
  commit(batch: Batch): Promise<readonly PartAnswer[]>;
  /** Row, whole history and inbox, for a cold instance that has work. */
  load(ref: InstanceRef): Promise<StoredInstance | undefined>;
  /** Instances that have messages, by ref, stalled ones included, which are tried again: the work of a start after a crash. */
  awake(after: InstanceRef, limit: number): Promise<readonly InstanceRef[]>;
  /** Activities in order of scheduling after `order`, those of stalled and suspended instances included. */
  activities(after: number, limit: number): Promise<readonly ActivityRow[]>;
  /** Timers with fireAt <= until, earliest first. */
  dueTimers(until: number, limit: number): Promise<readonly DueTimer[]>;
  /** The earliest fireAt of all timers and the earliest dueAt of all activities, for the one alarm. */
  nextDue(): Promise<number | undefined>;
}
