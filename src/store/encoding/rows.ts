// What a store's synchronous core answers: rows whose nested values are plain JSON (blobs put back), and how they are read.

import type { EntityLock } from "../../model/entity.ts";
import type { HistoryEvent, Message, ParentInfo, Tags, TraceContext } from "../../model/events.ts";
import type { Failure } from "../../model/failure.ts";
import { asExecutionId, asHubName, asInstanceId } from "../../model/ids.ts";
import { ORCHESTRATION_STATUSES, type OrchestrationStatus } from "../../model/status.ts";
import type { ActivityRow, HistorySlice, InboxRow, InstanceRow, NewActivity, StoredInstance } from "../store.ts";
import type { NewInstance } from "./parts.ts";

/** An instance's row; every nested value is JSON, `stalled` included. */
export interface EncodedInstance extends Omit<NewInstance, "parentRef" | "status"> {
  readonly ref: number;
  readonly status: string;
  readonly stalled: string | null;
  readonly output: string | null;
  readonly failure: string | null;
  readonly customStatus: string | null;
  readonly updatedAt: number;
  readonly completedAt: number | null;
  readonly historyLength: number;
  readonly historyBytes: number;
  readonly turnAttempt: number;
  readonly entityState: string | null;
  /** Also where payloads were not asked for. */
  readonly hasEntityState: boolean;
  readonly entityLock: string | null;
  /** Of entities only. */
  readonly inboxLength: number | null;
}

export interface EncodedInboxRow {
  readonly key: number;
  readonly message: string;
  readonly executionId: string | null;
}

export interface EncodedStored {
  readonly row: EncodedInstance;
  /** JSON arrays of events, one for each turn. */
  readonly history: readonly string[];
  readonly inbox: readonly EncodedInboxRow[];
}

export interface EncodedActivityRow {
  readonly order: number;
  readonly ref: number;
  readonly hub: string;
  readonly instanceId: string;
  readonly executionId: string;
  readonly actionId: number;
  readonly attempt: number;
  readonly inFlight: boolean;
  readonly dueAt: number | null;
  readonly work: string;
}

export interface EncodedSlice {
  readonly executionId: string;
  /** Position of the first event of `turns`; may lie before the one asked for. */
  readonly first: number;
  readonly turns: readonly string[];
  readonly isLast: boolean;
}

/** JSON that we wrote ourselves from a value of that type: the store's boundary. */
function parse<Value>(json: string): Value {
  return JSON.parse(json) as Value;
}

export function decodeInstance(row: EncodedInstance): InstanceRow {
  return {
    ref: row.ref,
    hub: asHubName(row.hub),
    instanceId: asInstanceId(row.instanceId),
    executionId: asExecutionId(row.executionId),
    name: row.name,
    status: decodeStatus(row.status),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    historyLength: row.historyLength,
    historyBytes: row.historyBytes,
    turnAttempt: row.turnAttempt,
    ...(row.version !== null && { version: row.version }),
    ...(row.stalled !== null && { stalled: parse<string>(row.stalled) }),
    ...(row.input !== null && { input: parse<string>(row.input) }),
    ...(row.output !== null && { output: parse<string>(row.output) }),
    ...(row.failure !== null && { failure: parse<Failure>(row.failure) }),
    ...(row.customStatus !== null && { customStatus: parse<string>(row.customStatus) }),
    ...(row.completedAt !== null && { completedAt: row.completedAt }),
    ...(row.scheduledStartAt !== null && { scheduledStartAt: row.scheduledStartAt }),
    ...(row.parent !== null && { parent: parse<ParentInfo>(row.parent) }),
    ...(row.tags !== null && { tags: parse<Tags>(row.tags) }),
    ...(row.traceContext !== null && { traceContext: parse<TraceContext>(row.traceContext) }),
    ...(row.entityState !== null && { entityState: parse<string>(row.entityState) }),
    ...(row.entityLock !== null && { entityLock: parse<EntityLock>(row.entityLock) }),
    ...(row.inboxLength !== null && { inboxLength: row.inboxLength }),
  };
}

export function decodeStatus(text: string): OrchestrationStatus {
  const status = ORCHESTRATION_STATUSES.find((each) => each === text);
  if (status === undefined) throw new TypeError(`unknown status "${text}" in a row`);
  return status;
}

export function decodeStored(stored: EncodedStored): StoredInstance {
  return {
    row: decodeInstance(stored.row),
    history: stored.history.flatMap((turn) => parse<HistoryEvent[]>(turn)),
    inbox: stored.inbox.map(decodeInboxRow),
  };
}

export function decodeInboxRow(row: EncodedInboxRow): InboxRow {
  const message = parse<Message>(row.message);
  return { key: row.key, message, ...(row.executionId !== null && { executionId: asExecutionId(row.executionId) }) };
}

export function decodeActivity(row: EncodedActivityRow): ActivityRow {
  return {
    ...parse<Omit<NewActivity, "actionId" | "inFlight">>(row.work),
    ref: row.ref,
    hub: asHubName(row.hub),
    instanceId: asInstanceId(row.instanceId),
    executionId: asExecutionId(row.executionId),
    actionId: row.actionId,
    attempt: row.attempt,
    inFlight: row.inFlight,
    order: row.order,
    ...(row.dueAt !== null && { dueAt: row.dueAt }),
  };
}

export function decodeSlice(slice: EncodedSlice, from: number): HistorySlice {
  const all = slice.turns.flatMap((turn) => parse<HistoryEvent[]>(turn));
  const events = all.slice(Math.max(0, from - slice.first));
  const end = slice.first + all.length;
  return { executionId: asExecutionId(slice.executionId), events, ...(!slice.isLast && { next: end }) };
}
