// What waits for one worker. Items wait as they are and are encoded only when there is room on the way, so that a slow stream costs
// references and a bounded number of bytes; how many items wait is bounded by the stream's credits.

import type { CompletionToken, WorkItem } from "../../model/work-item.ts";

export interface OutboxPorts {
  /** Encodes an item for this worker; throws for one that cannot be encoded. */
  readonly encode: (item: WorkItem) => Uint8Array;
  /** Hands bytes to the connection; calls back when they have left this process. */
  readonly write: (bytes: Uint8Array, left: () => void) => void;
  /** The item is at fault, not the stream. */
  readonly unsendable: (token: CompletionToken, error: unknown) => void;
  readonly now: () => number;
}

export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #maxBytes: number;
  #waiting: WorkItem[] = [];
  #next = 0;
  #bytes = 0;
  #movedAt: number;
  #isClosed = false;

  constructor(maxBytes: number, ports: OutboxPorts) {
    this.#maxBytes = maxBytes;
    this.#ports = ports;
    this.#movedAt = ports.now();
  }

  /** When anything was sent or taken last. */
  get movedAt(): number {
    return this.#movedAt;
  }

  /** Something waits for the worker to take it. */
  get isBusy(): boolean {
    return this.#bytes > 0 || this.#next < this.#waiting.length;
  }

  push(item: WorkItem): void {
    if (this.#isClosed) return;
    this.#waiting.push(item);
    this.#pump();
  }

  /** Sends bytes that are no item. */
  send(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#write(bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#next = 0;
  }

  #pump(): void {
    while (this.#bytes < this.#maxBytes && !this.#isClosed) {
      const item = this.#waiting[this.#next];
      if (item === undefined) break;
      this.#next += 1;
      this.#post(item);
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
  }

  #post(item: WorkItem): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#ports.encode(item);
    } catch (error) {
      return this.#ports.unsendable(item.token, error);
    }
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    if (this.#bytes === 0) this.#movedAt = this.#ports.now();
    this.#bytes += bytes.length;
    this.#ports.write(bytes, () => {
      this.#bytes -= bytes.length;
      this.#movedAt = this.#ports.now();
      this.#pump();
    });
  }
}
