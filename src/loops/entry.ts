import type { InstanceState } from "../engine/state.ts";
import type { Waiting } from "../engine/triage.ts";
import type { HistoryEvent } from "../model/events.ts";
import type { InboxRow, InstanceRef } from "../model/parts.ts";
import type { LiveOrchestration } from "../runtime/live-orchestration.ts";

/** An instance in memory. Absent from memory it costs nothing; what the store has is all there is to know. */
export interface Entry {
  readonly ref: InstanceRef;
  /** Undefined while it is being read. */
  state: InstanceState | undefined;
  live: LiveOrchestration | undefined;
  /** What a cold one has to be led through; after that only kept in test mode. */
  history: readonly HistoryEvent[];
  /** In order of arrival. */
  queue: Waiting[];
  /** Arrived while it was being read; the reading may have them too. */
  early: InboxRow[];
  /** A turn or another change of it is not committed yet (E1). */
  isOutstanding: boolean;
  /** It has left memory with its outstanding change; `missed` says that it has to be read again after that. */
  isLeaving: boolean;
  missed: boolean;
  /** Tried again although stalled. */
  retryStalled: boolean;
  usedAt: number;
}

export function newEntry(ref: InstanceRef): Entry {
  return {
    ref,
    state: undefined,
    live: undefined,
    history: [],
    queue: [],
    early: [],
    isOutstanding: false,
    isLeaving: false,
    missed: false,
    retryStalled: false,
    usedAt: 0,
  };
}

export function fromInbox({ key, message, executionId }: InboxRow): Waiting {
  return { message, ...(executionId !== undefined && { executionId }), source: { kind: "inbox", key } };
}

export const isDirect = ({ source }: Waiting): boolean => source.kind !== "inbox";
