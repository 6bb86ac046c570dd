// What a commit is made of: the rows that the engine reads and the parts that it asks a store to carry out. The rules that
// make parts are in `engine`; the stores that carry them out are in `store`.

import type { ActivityOptions } from "./activity-options.ts";
import type { EntityLock } from "./entity.ts";
import type { EntityMessage, ExecutionRewound, ExecutionStarted, HistoryEvent, Message, ParentInfo, Tags, TraceContext } from "./events.ts";
import type { Failure } from "./failure.ts";
import type { ActionId, ExecutionId, HubName, InstanceKey } from "./ids.ts";
import type { Payload } from "./payload.ts";
import type { OrchestrationStatus, TerminalStatus } from "./status.ts";

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
  /** Of an entity: its state as its worker wrote it. Absent: the entity does not exist (it may still have messages). A payload. */
  readonly entityState?: Payload;
  /** Of an entity: the critical section that holds it. */
  readonly entityLock?: EntityLock;
  /** Of an entity: how many messages waited when the row was read. */
  readonly inboxLength?: number;
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
  readonly entityState?: Payload | undefined;
  readonly entityLock?: EntityLock | undefined;
}

/**
 * Makes a delivery count once: the first with this key that is not dropped is remembered until `until` (ms since the epoch),
 * a later one is answered `repeated` and has no effect. Keys are compared within the hub; the message's timestamp is now.
 */
export interface Once {
  readonly key: string;
  readonly until: number;
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
  /** Dropped if that many messages wait already; absent for what an inbox takes at its bound too (E11). */
  readonly limit?: number;
  readonly once?: Once;
}

/**
 * Puts a message into the inbox of an entity, which is created by the first one. The entity's row has status `Running`, no
 * history, `name` as given, and the given execution id for as long as the row lives. A message with `dueAt` comes with a timer
 * whose id is the message's inbox key, and which goes with the message.
 */
export interface DeliverToEntityPart {
  readonly kind: "deliverToEntity";
  readonly to: InstanceKey;
  /** The entity's name, in lower case. */
  readonly name: string;
  /** For a row that is created. */
  readonly executionId: ExecutionId;
  readonly message: EntityMessage;
  readonly at: number;
  readonly dueAt?: number;
  readonly limit?: number;
  readonly once?: Once;
}

/**
 * Puts a rewind into the inbox of an instance that has failed; dropped for any other. With `child` it goes to a child of that
 * parent which has ended in any way: a failed one runs again, another tells its end again. One that is still under way is
 * left alone. If the id is no child of the parent's, the parent (its execution still being the one named) gets `ifGone`
 * instead, and never hangs.
 */
export interface RewindPart {
  readonly kind: "rewind";
  readonly to: InstanceKey;
  readonly message: ExecutionRewound;
  readonly child?: { readonly parentRef: InstanceRef; readonly parentExecutionId: ExecutionId; readonly ifGone: Message };
}

/** Removes an entity's row, if it has no state, no lock and no message. */
export interface RemoveEntityPart {
  readonly kind: "removeEntity";
  readonly key: InstanceKey;
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
   * A rewind names the same execution again, and the history up to which it goes back.
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
  /** Of the execution named above; one that is there already stays as it is. */
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

/** Marks a queued activity as in flight, before it is dispatched; or sets its next attempt. `unclaimed` if it is not there, or another node has it. */
export interface AttemptPart {
  readonly kind: "attempt";
  readonly activity: ActivityKey;
  readonly attempt: number;
  readonly inFlight: boolean;
  readonly dueAt?: number;
}

/**
 * The first part of the first batch after opening: attempts of all activities that were in flight grow by one, and
 * `turnAttempt` of each instance that has messages, unless it is suspended, stalled, or waits for its timer 0 (E5). An
 * entity counts if it is not locked and one of its messages waits for no timer.
 */
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

/**
 * Removes what a hub has, running instances, entities and remembered deliveries included: at most `limit` of them, so that
 * the hub is gone after as many parts as it takes until one answers `isLast`.
 */
export interface ClearHubPart {
  readonly kind: "clearHub";
  readonly hub: HubName;
  readonly limit: number;
}

/** Instances that this node owns are nobody's from now on; whoever has something to do for them takes them. */
export interface ReleasePart {
  readonly kind: "release";
  readonly refs: readonly InstanceRef[];
}

/**
 * What dead nodes owned and has messages is this node's from now on, the rest nobody's; what was in flight there counts as an
 * attempt (E5). Their activities go back to the queue that all nodes share.
 */
export interface TakeOverPart {
  readonly kind: "takeOver";
}

export type Part =
  | StartPart
  | DeliverPart
  | DeliverToChildrenPart
  | DeliverToEntityPart
  | RewindPart
  | RemoveEntityPart
  | TurnPart
  | SettlePart
  | ForgetActivityPart
  | AttemptPart
  | RaiseAttemptsPart
  | RowPart
  | PurgePart
  | ClearHubPart
  | ReleasePart
  | TakeOverPart;

export interface Delivered {
  readonly key: InstanceKey;
  readonly ref: InstanceRef;
  readonly executionId: ExecutionId;
  readonly inboxKey: InboxKey;
  /** Another node owns the instance, and has been told. */
  readonly isElsewhere?: true;
}

/** What became of a part: `deliverToEntity` answers `delivered`, `dropped` or `repeated`, `removeEntity` `purged` or `notPurged`; parts without a choice answer `done`. */
export type PartAnswer =
  | { readonly kind: "done" }
  /** `replaced` is the ended instance that went for it. */
  | { readonly kind: "started"; readonly ref: InstanceRef; readonly inboxKey: InboxKey; readonly replaced?: InstanceRef }
  /** A start refused; `notified` says that the parent's inbox got `ifTaken`. */
  | { readonly kind: "taken"; readonly status: OrchestrationStatus; readonly notified?: Delivered }
  | ({ readonly kind: "delivered" } & Delivered)
  | { readonly kind: "dropped"; readonly why: "absent" | "terminal" | "execution" | "full" }
  /** A rewind dropped; `notified` says that the parent's inbox got `ifGone`. */
  | { readonly kind: "notRewound"; readonly why: "absent" | "notFailed"; readonly notified?: Delivered }
  /** The same delivery was carried out before (`once`). */
  | { readonly kind: "repeated" }
  | { readonly kind: "deliveredToChildren"; readonly deliveries: readonly Delivered[] }
  /** A turn with carry-over messages answers their keys, in order. */
  | { readonly kind: "turned"; readonly inboxKeys: readonly InboxKey[] }
  | { readonly kind: "settled"; readonly inboxKey: InboxKey; readonly isElsewhere?: true }
  | { readonly kind: "unsettled" }
  /** An attempt that is not to begin: another node has the activity, or has ended it. */
  | { readonly kind: "unclaimed" }
  | { readonly kind: "purged"; readonly ref: InstanceRef }
  | { readonly kind: "notPurged"; readonly why: "absent" | "active" }
  /** `refs` are the instances and entities that went. */
  | { readonly kind: "cleared"; readonly refs: readonly InstanceRef[]; readonly isLast: boolean };
