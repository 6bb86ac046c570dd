import type { InstanceState } from "../engine/state.ts";
import type { Waiting } from "../engine/triage.ts";
import type { HistoryEvent } from "../model/events.ts";
import type { ExecutionId } from "../model/ids.ts";
import type { InboxKey, InboxRow, InstanceRef } from "../model/parts.ts";
import type { CompletionToken } from "../model/work-item.ts";
import type { LiveOrchestration } from "../runtime/live-orchestration.ts";
import type { OpenStream } from "./workers/open-stream.ts";

/** What a worker gets at once. Its token names exactly this (E5). */
export interface RemoteBatch {
  readonly token: CompletionToken;
  readonly taken: readonly Waiting[];
  readonly dropped: readonly Waiting[];
  /** The turn's time, which its worker has seen. */
  readonly time: number;
  /** An answer is expected; else it has come back, and may be sent again. */
  isOut: boolean;
  /** How much of the queue has been looked at since it went out. */
  seen: number;
  /** Sent without history: its worker may ask for that. */
  isDelta: boolean;
}

export interface WarmHolder {
  readonly open: OpenStream;
  readonly executionId: ExecutionId;
  readonly historyLength: number;
}

/** An instance in memory. Absent from memory it costs nothing; what the store has is all there is to know. */
export interface Entry {
  readonly ref: InstanceRef;
  /** Undefined while it is being read. */
  state: InstanceState | undefined;
  live: LiveOrchestration | undefined;
  /** What a cold one has to be led through; after that only kept for workers out of process and in test mode. */
  history: HistoryEvent[];
  /** In order of arrival. */
  queue: Waiting[];
  /** What a worker out of process has of it, or had. */
  batch: RemoteBatch | undefined;
  /** The stream whose worker holds it warm. */
  holder: WarmHolder | undefined;
  /** Arrived while it was being read; the reading may have them too. */
  early: InboxRow[];
  /** What the outstanding turn takes from the inbox: until it has landed a reading may show it. */
  consuming: readonly InboxKey[];
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
    batch: undefined,
    holder: undefined,
    early: [],
    consuming: [],
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

export const isOut = ({ batch }: Entry): boolean => batch?.isOut ?? false;

export const isDirect = ({ source }: Waiting): boolean => source.kind !== "inbox";
