// From the port's parts to what stores apply; the one place where limits on keys and payloads are checked.

import type { HistoryEvent } from "../../model/events.ts";
import type { Batch, DeliverPart, DeliverToEntityPart, Part, RowChange, StartPart, TurnPart } from "../store.ts";
import {
  CHANGE_COLUMNS,
  type ChangeColumn,
  type EncodedBatch,
  type EncodedChange,
  type EncodedDeliverToEntity,
  type EncodedEvents,
  type EncodedOnce,
  type EncodedPart,
  type EncodedStart,
  type EncodedTurn,
} from "./parts.ts";
import { type BlobSink, checkKey, encodeText, type Text } from "./text.ts";
import { encodeWork } from "./work.ts";

export function encodeBatch(batch: Batch): EncodedBatch {
  const blobs: BlobSink = new Map();
  const parts = batch.parts.map((part) => encodePart(part, blobs));
  return { epoch: batch.epoch, parts, blobs: [...blobs] };
}

function encodePart(part: Part, blobs: BlobSink): EncodedPart {
  switch (part.kind) {
    case "start":
      return encodeStart(part, blobs);
    case "turn":
      return encodeTurn(part, blobs);
    case "deliver":
      return {
        kind: "deliver",
        hub: part.to.hub,
        instanceId: part.to.instanceId,
        executionId: part.executionId ?? null,
        message: encodeText(part.message, blobs),
        limit: part.limit ?? null,
        once: encodeOnce(part),
      };
    case "deliverToEntity":
      return encodeDeliverToEntity(part, blobs);
    case "rewind":
      return {
        kind: "rewind",
        hub: part.to.hub,
        instanceId: part.to.instanceId,
        message: encodeText(part.message, blobs),
        ifGone:
          part.child === undefined
            ? null
            : {
                parentRef: part.child.parentRef,
                executionId: part.child.parentExecutionId,
                message: encodeText(part.child.ifGone, blobs),
              },
      };
    case "removeEntity":
      return { kind: "removeEntity", hub: part.key.hub, instanceId: part.key.instanceId };
    case "deliverToChildren":
      return { kind: "deliverToChildren", parentRef: part.parentRef, message: encodeText(part.message, blobs) };
    case "settle":
      return { kind: "settle", ...part.activity, message: encodeText(part.message, blobs) };
    case "forgetActivity":
      return { kind: "forgetActivity", ...part.activity };
    case "attempt":
      return { kind: "attempt", ...part.activity, attempt: part.attempt, inFlight: part.inFlight, dueAt: part.dueAt ?? null };
    case "raiseAttempts":
    case "release":
    case "takeOver":
    case "clearHub":
      return part;
    case "row":
      return { kind: "row", ref: part.ref, change: encodeChange(part.row, blobs) };
    case "purge":
      return { kind: "purge", hub: part.key.hub, instanceId: part.key.instanceId };
    default:
      return part satisfies never;
  }
}

function encodeStart(part: StartPart, blobs: BlobSink): EncodedStart {
  const { key, started, child } = part;
  checkKey("The hub", key.hub);
  checkKey("The instance id", key.instanceId);
  checkKey("The execution id", started.executionId);
  checkKey("The orchestration's name", started.name);
  checkKey("The orchestration's version", started.version ?? "");
  return {
    kind: "start",
    row: {
      status: "Pending",
      hub: key.hub,
      instanceId: key.instanceId,
      executionId: started.executionId,
      name: started.name,
      version: started.version ?? null,
      input: optional(started.input, blobs),
      parent: optional(started.parent, blobs),
      parentRef: child?.parentRef ?? null,
      tags: optional(started.tags, blobs),
      traceContext: optional(started.traceContext, blobs),
      createdAt: part.createdAt,
      scheduledStartAt: started.scheduledStartAt ?? null,
    },
    message: encodeText(started, blobs),
    replaceable: part.replaceable,
    ifTaken:
      child === undefined || started.parent === undefined
        ? null
        : { executionId: started.parent.executionId, message: encodeText(child.ifTaken, blobs) },
  };
}

function encodeDeliverToEntity(part: DeliverToEntityPart, blobs: BlobSink): EncodedDeliverToEntity {
  const { to, name, executionId } = part;
  checkKey("The hub", to.hub);
  checkKey("The entity's id", to.instanceId);
  checkKey("The execution id", executionId);
  checkKey("The entity's name", name);
  return {
    kind: "deliverToEntity",
    row: {
      status: "Running",
      hub: to.hub,
      instanceId: to.instanceId,
      executionId,
      name,
      version: null,
      input: null,
      parent: null,
      parentRef: null,
      tags: null,
      traceContext: null,
      createdAt: part.at,
      scheduledStartAt: null,
    },
    message: encodeText(part.message, blobs),
    dueAt: part.dueAt ?? null,
    limit: part.limit ?? null,
    once: encodeOnce(part),
  };
}

function encodeOnce({ once, message }: DeliverPart | DeliverToEntityPart): EncodedOnce | null {
  if (once === undefined) return null;
  checkKey("The key of a delivery", once.key);
  return { key: once.key, at: message.timestamp, until: once.until };
}

function encodeTurn(part: TurnPart, blobs: BlobSink): EncodedTurn {
  const { next } = part;
  if (next !== undefined) checkKey("The execution id", next.executionId);
  return {
    kind: "turn",
    ref: part.ref,
    executionId: part.executionId,
    historyLength: part.historyLength,
    consumed: part.consumed,
    append: encodeEvents(part.append, blobs),
    next:
      next === undefined
        ? null
        : {
            executionId: next.executionId,
            version: next.version ?? null,
            input: optional(next.input, blobs),
            tags: optional(next.tags, blobs),
            history: encodeEvents(next.history, blobs),
            inbox: next.inbox.map((message) => encodeText(message, blobs)),
          },
    change: encodeChange(part.row, blobs),
    addActivities: part.addActivities.map((activity) => ({
      actionId: activity.actionId,
      inFlight: activity.inFlight,
      work: encodeWork(activity, blobs),
    })),
    addTimers: part.addTimers,
    removeActivities: part.removeActivities,
    removeTimers: part.removeTimers,
    ended: part.ended ?? null,
  };
}

function encodeEvents(events: readonly HistoryEvent[], blobs: BlobSink): EncodedEvents {
  if (events.length === 0) return { text: "[]", count: 0, bytes: 0 };
  const text = encodeText(events, blobs);
  return { text, count: events.length, bytes: Buffer.byteLength(text) };
}

function encodeChange(row: RowChange, blobs: BlobSink): EncodedChange {
  const columns: (readonly [ChangeColumn, string | number | null])[] = [];
  for (const column of CHANGE_COLUMNS) {
    if (!(column in row)) continue;
    const value = row[column];
    columns.push([column, value === undefined ? null : typeof value === "number" ? value : encodeText(value, blobs)]);
  }
  return { status: row.status ?? null, updatedAt: row.updatedAt ?? null, columns };
}

function optional(value: unknown, blobs: BlobSink): Text | null {
  return value === undefined ? null : encodeText(value, blobs);
}
