// B1: a bounded number of background steps executes at once; the others stand in a queue, in the order in which they
// were reached. Foreground steps never ask for a slot.

import type { StepRecord } from "./step-record.ts";

export class Slots {
  readonly #limit: number;
  #taken = 0;
  #queue: StepRecord[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  enqueue(record: StepRecord): void {
    this.#queue.push(record);
  }

  leave(record: StepRecord): void {
    this.#queue = this.#queue.filter((queued) => queued !== record);
  }

  free(): void {
    this.#taken--;
  }

  /** The next step to start, which then holds a slot; undefined while there is none for it. */
  take(): StepRecord | undefined {
    if (this.#taken >= this.#limit) return undefined;
    const record = this.#queue.shift();
    if (record !== undefined) this.#taken++;
    return record;
  }
}
