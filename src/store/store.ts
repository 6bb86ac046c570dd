// The Store port. Stores keep rows and decide the conditional parts; the rules of orchestrations are in `engine`.
//
// A batch is one transaction (E2): its parts are applied in order, all or none, and the answers come back in the same
// order. Every batch is fenced by the epoch that opening the store raised (E4). What a pure engine cannot know is decided
// here, inside the transaction: `start` (is the id free?) and `deliver` (does the target run, and in which execution?).

import type { ActivityOptions } from "../model/actions.ts";
import type { ExecutionStarted, HistoryEvent, Message, ParentInfo, Tags, TraceContext } from "../model/events.ts";
import type { Failure } from "../model/failure.ts";
import type { ActionId, ExecutionId, HubName, InstanceId, InstanceKey } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import type { OrchestrationStatus, TerminalStatus } from "../model/status.ts";

/** The store's own number for an instance's row; never reused for another instance. */
export type InstanceRef = number;
/**
 * The store's own number for an inbox row, unique within its instance's inbox. Grows with the order of arrival; carry-over
 * messages of a continue-as-new have negative ones, before everything that waits.
 */
export type InboxKey = number;

/** Everything about an instance but its history. `input` is the current execution's. */
export interface InstanceRow extends InstanceKey {
  readonly ref: InstanceRef;
  readonly executionId: ExecutionId;
  readonly name: string;
  readonly version?: string;
  /** `Suspended` is a status of its own; a stalled instance keeps its status and has `stalled`. */
  readonly status: OrchestrationStatus;
  /** Why the instance stands still although it has messages (E13). */
  readonly stalled?: string;
  readonly input?: Payload;
  readonly output?: Payload;
  readonly failure?: Failure;
  readonly customStatus?: Payload;
  readonly createdAt: number;
  /** Never goes back, whatever a change says. */
  readonly updatedAt: number;
  readonly completedAt?: number;
  readonly scheduledStartAt?: number;
  readonly parent?: ParentInfo;
  readonly tags?: Tags;
  readonly traceContext?: TraceContext;
  /** How many events the current execution's history has. */
  readonly historyLength: number;
  /** Bytes of the current execution's encoded history. */
  readonly historyBytes: number;
  /** How often a turn of this instance was in flight when the process died, since its last commit (E5). */
  readonly turnAttempt: number;
}

export interface InboxRow {
  readonly key: InboxKey;
  readonly message: Message;
  /** For resolutions: the execution they are meant for; others of the instance ignore them (E6). */
  readonly executionId?: ExecutionId;
}

export interface StoredInstance {
  readonly row: InstanceRow;
  readonly history: readonly HistoryEvent[];
  /** In order of arrival. */
  readonly inbox: readonly InboxRow[];
}

export interface ActivityKey {
  readonly ref: InstanceRef;
  readonly executionId: ExecutionId;
  readonly actionId: ActionId;
}

export interface NewActivity {
  readonly actionId: ActionId;
  readonly name: string;
  readonly version?: string;
  readonly input?: Payload;
  readonly tags?: Tags;
  readonly options?: ActivityOptions;
  readonly traceContext?: TraceContext;
  readonly scheduledAt: number;
  /** True if it is dispatched as soon as the batch is committed: a crash then counts as an attempt. */
  readonly inFlight: boolean;
}

export interface ActivityRow extends NewActivity, ActivityKey, InstanceKey {
  /** 1 at first; durable before the attempt begins (E5). */
  readonly attempt: number;
  /** Not to be dispatched before this; absent: at once. */
  readonly dueAt?: number;
  /** Grows with the order of scheduling; pages of `readyActivities` follow it. */
  readonly order: number;
}

export interface DueTimer extends InstanceKey {
  readonly ref: InstanceRef;
  readonly executionId: ExecutionId;
  /** 0 is the scheduled start of the execution. */
  readonly timerId: ActionId;
  readonly fireAt: number;
}

/** Changes to an instance's row. `undefined` in a field that is present clears it. */
export interface RowChange {
  readonly status?: OrchestrationStatus;
  readonly stalled?: string | undefined;
  readonly output?: Payload | undefined;
  readonly failure?: Failure | undefined;
  readonly customStatus?: Payload | undefined;
  readonly updatedAt?: number;
  readonly completedAt?: number | undefined;
}

/**
 * Creates an instance, if its id is free or its status is in `replaceable`; a replaced one goes with all it had.
 * The started event becomes the first message of its inbox; with `scheduledStartAt` also timer 0.
 */
export interface StartPart {
  readonly kind: "start";
  readonly key: InstanceKey;
  readonly started: ExecutionStarted;
  readonly createdAt: number;
  readonly replaceable: readonly OrchestrationStatus[];
  /**
   * A child's start: links it to its parent (by a row that outlives executions, E9), and if the id is taken by an active
   * instance the parent's current execution, if it is still the one in `started.parent`, gets this message instead.
   */
  readonly child?: { readonly parentRef: InstanceRef; readonly ifTaken: Message };
}

/** Puts a message into the inbox of a living instance; dropped if there is none, or if it has another execution than asked. */
export interface DeliverPart {
  readonly kind: "deliver";
  readonly to: InstanceKey;
  readonly message: Message;
  /** Only to this execution: resolutions, a child's end. */
  readonly executionId?: ExecutionId;
}

/** The same to every living child that any execution of the parent ever started (E9). */
export interface DeliverToChildrenPart {
  readonly kind: "deliverToChildren";
  readonly parentRef: InstanceRef;
  readonly message: Message;
}

/** One turn of an instance: inbox consumed, history appended, work added and removed, row changed. */
export interface TurnPart {
  readonly kind: "turn";
  readonly ref: InstanceRef;
  /** The execution and history length that the turn was computed on; anything else refuses the batch. */
  readonly executionId: ExecutionId;
  readonly historyLength: number;
  readonly consumed: readonly InboxKey[];
  readonly append: readonly HistoryEvent[];
  /**
   * Continue-as-new: after `append` history, timers and input are those of the new execution, whose history is then
   * `history`; version, input and tags are those given here, absent ones included; what is queued as activities stays (E9). `inbox` are carry-over messages, put before what waits there.
   */
  readonly next?: {
    readonly executionId: ExecutionId;
    readonly version?: string;
    readonly input?: Payload;
    readonly tags?: Tags;
    readonly history: readonly HistoryEvent[];
    readonly inbox: readonly Message[];
  };
  readonly row: RowChange;
  readonly addActivities: readonly NewActivity[];
  readonly addTimers: readonly { readonly timerId: ActionId; readonly fireAt: number }[];
  /** Of the execution named above. */
  readonly removeActivities: readonly ActionId[];
  readonly removeTimers: readonly ActionId[];
  /** The instance has ended: its timers and what is left of its inbox go; with `dropQueued` also activities nobody started. */
  readonly ended?: { readonly status: TerminalStatus; readonly dropQueued: boolean };
}

/**
 * Settles an activity whose instance cannot take a turn now: the row goes, the message comes; the first one wins (E5).
 * Without the row, or if its execution is gone or has ended, there is no message: `unsettled` (E6).
 */
export interface SettlePart {
  readonly kind: "settle";
  readonly activity: ActivityKey;
  readonly message: Message;
}

/** Removes the row of an activity whose execution is gone; its result goes nowhere (E6). */
export interface ForgetActivityPart {
  readonly kind: "forgetActivity";
  readonly activity: ActivityKey;
}

/** Marks a queued activity as in flight, before it is dispatched; or sets its next attempt. No such row: no effect. */
export interface AttemptPart {
  readonly kind: "attempt";
  readonly activity: ActivityKey;
  readonly attempt: number;
  readonly inFlight: boolean;
  readonly dueAt?: number;
}

/** The first part of the first batch after opening: attempts of all that was in flight, and of turns with a full inbox, grow by one. */
export interface RaiseAttemptsPart {
  readonly kind: "raiseAttempts";
}

/** Changes the row alone: stalled, status. */
export interface RowPart {
  readonly kind: "row";
  readonly ref: InstanceRef;
  readonly row: RowChange;
}

/** Removes a terminal instance with all it had. */
export interface PurgePart {
  readonly kind: "purge";
  readonly key: InstanceKey;
}

export type Part =
  | StartPart
  | DeliverPart
  | DeliverToChildrenPart
  | TurnPart
  | SettlePart
  | ForgetActivityPart
  | AttemptPart
  | RaiseAttemptsPart
  | RowPart
  | PurgePart;

export interface Delivered {
  readonly key: InstanceKey;
  readonly ref: InstanceRef;
  readonly executionId: ExecutionId;
  readonly inboxKey: InboxKey;
}

/** What became of a part; parts without a choice answer `done`. */
export type PartAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "started"; readonly ref: InstanceRef; readonly inboxKey: InboxKey }
  /** A start refused; `notified` says that the parent's inbox got `ifTaken`. */
  | { readonly kind: "taken"; readonly status: OrchestrationStatus; readonly notified?: Delivered }
  | ({ readonly kind: "delivered" } & Delivered)
  | { readonly kind: "dropped"; readonly why: "absent" | "terminal" | "execution" }
  | { readonly kind: "deliveredToChildren"; readonly deliveries: readonly Delivered[] }
  /** A turn with carry-over messages answers their keys, in order. */
  | { readonly kind: "turned"; readonly inboxKeys: readonly InboxKey[] }
  | { readonly kind: "settled"; readonly inboxKey: InboxKey }
  | { readonly kind: "unsettled" }
  | { readonly kind: "purged" }
  | { readonly kind: "notPurged"; readonly why: "absent" | "active" };

export interface Batch {
  readonly epoch: number;
  readonly parts: readonly Part[];
}

export interface InstanceFilter {
  readonly hub: HubName;
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
  commit(batch: Batch): Promise<readonly PartAnswer[]>;
  /** Row, whole history and inbox, for a cold instance that has work. */
  load(ref: InstanceRef): Promise<StoredInstance | undefined>;
  /** Instances that have messages and are not stalled, by ref; the work of a start after a crash. */
  awake(after: InstanceRef, limit: number): Promise<readonly InstanceRef[]>;
  /** Activities in order of scheduling after `order`, those of stalled and suspended instances included. */
  activities(after: number, limit: number): Promise<readonly ActivityRow[]>;
  /** Timers with fireAt <= until, earliest first. */
  dueTimers(until: number, limit: number): Promise<readonly DueTimer[]>;
  /** The earliest fireAt of all timers and the earliest dueAt of all activities, for the one alarm. */
  nextDue(): Promise<number | undefined>;
}
