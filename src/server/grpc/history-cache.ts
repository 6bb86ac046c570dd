// Encoded histories of instances that were dispatched lately (E12): a history only grows, so that a turn costs the encoding of its
// new events alone. The least recently used go when the bound is reached.
//
// A kept history belongs to the list of events that it was made of: the last event that it holds must stand at its place, as
// the same object, in the list at hand. Else (rewound, read again from the store, continued as new) it is made anew.

import type { HistoryEvent } from "../../model/events.ts";
import type { ExecutionId } from "../../model/ids.ts";
import type { InstanceRef } from "../../model/parts.ts";
import { pastToBytes } from "../../wire/turns.ts";

interface Kept {
  readonly executionId: ExecutionId;
  buffer: Uint8Array;
  /** Of `buffer` that is used. */
  length: number;
  /** Events that are in it, and the last of them. */
  count: number;
  last: HistoryEvent | undefined;
}

export class HistoryCache {
  readonly #maxBytes: number;
  readonly #kept = new Map<InstanceRef, Kept>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The history as the past of a turn. The answer is valid until the next call. */
  past(ref: InstanceRef, executionId: ExecutionId, history: readonly HistoryEvent[]): Uint8Array {
    const kept = this.#take(ref, executionId, history);
    const added = pastToBytes(kept.count === 0 ? history : history.slice(kept.count));
    this.#append(kept, added);
    kept.count = history.length;
    kept.last = history.at(-1);
    this.#put(ref, kept);
    return kept.buffer.subarray(0, kept.length);
  }

  #take(ref: InstanceRef, executionId: ExecutionId, history: readonly HistoryEvent[]): Kept {
    const kept = this.#kept.get(ref);
    if (kept !== undefined) {
      this.#kept.delete(ref);
      this.#bytes -= kept.buffer.length;
      const isSame = kept.executionId === executionId && kept.count > 0 && history[kept.count - 1] === kept.last;
      if (isSame) return kept;
    }
    return { executionId, buffer: NOTHING, length: 0, count: 0, last: undefined };
  }

  #append(kept: Kept, bytes: Uint8Array): void {
    const length = kept.length + bytes.length;
    if (kept.length === 0) kept.buffer = bytes;
    else {
      if (length > kept.buffer.length) {
        // A quarter more than is needed now: what is copied as it grows is a few times its size in all.
        const grown = new Uint8Array(length + (length >> 2));
        grown.set(kept.buffer.subarray(0, kept.length));
        kept.buffer = grown;
      }
      kept.buffer.set(bytes, kept.length);
    }
    kept.length = length;
  }

  #put(ref: InstanceRef, kept: Kept): void {
    // One that does not fit by itself would drive all others out.
    if (kept.buffer.length > this.#maxBytes) return;
    this.#kept.set(ref, kept);
    this.#bytes += kept.buffer.length;
    for (const [oldest, { buffer }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= buffer.length;
    }
  }
}

const NOTHING = new Uint8Array();
