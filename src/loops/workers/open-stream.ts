// A stream as the loop knows it, the streams that take the same work, and the items that are with its worker.

import type { InstanceRef } from "../../model/parts.ts";
import type { CompletionToken, WorkSort } from "./work-item.ts";
import type { WorkerStream } from "./worker-hub.ts";

/** A stream from its opening to the last answer that may come from its worker. */
export interface OpenStream {
  readonly stream: WorkerStream;
  /** The streams of its kind, by sort of work; none for work that it does not take. */
  readonly groups: { [Sort in WorkSort]?: StreamGroup };
  /** Items that are with its worker, or for which a place is kept. */
  readonly used: { [Sort in WorkSort]: number };
  readonly deliveries: Set<Delivery>;
  /** Deliveries that were not answered within their limit: until they are, it gets activities only (E10). */
  overdue: number;
  /** `draining`: it has ended, but its worker's connection lives. */
  state: "open" | "draining" | "gone";
  /** Grows with each item that it gets: the least recently used of equals is next. */
  usedAt: number;
}

/** By name: the versions that are taken, or all of them. */
export type StreamFilter = ReadonlyMap<string, ReadonlySet<string> | "any">;

/** Streams of one hub that take the same work of one sort. */
export interface StreamGroup {
  readonly signature: string;
  /** Undefined: everything. */
  readonly filter: StreamFilter | undefined;
  readonly members: Set<OpenStream>;
  /** Those with room, least recently used first. */
  readonly roomy: Set<OpenStream>;
}

/** An item that is with a stream's worker. */
export interface Delivery {
  readonly sort: WorkSort;
  readonly token: CompletionToken;
  readonly ref: InstanceRef;
  readonly to: OpenStream;
  /** On the monotonic clock. */
  readonly sentAt: number;
  /** It was not answered within its limit, and went to others. */
  isOverdue: boolean;
}

export const openStream = (stream: WorkerStream): OpenStream => ({
  stream,
  groups: {},
  used: { orchestration: 0, activity: 0, entity: 0 },
  deliveries: new Set(),
  overdue: 0,
  state: "open",
  usedAt: 0,
});

export function hasRoom(open: OpenStream, sort: WorkSort): boolean {
  if (open.state !== "open" || open.used[sort] >= open.stream.credits[sort]) return false;
  return sort === "activity" || open.overdue === 0;
}
