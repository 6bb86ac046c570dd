// What stands in a run's event stream when it is opened. Most of it is read ahead, while its store opens.

import { closeSync, openSync } from "node:fs";
import type { JournalRecord } from "./journal-record.ts";
import { readJournal } from "./read-journal.ts";

export class JournalReading {
  readonly positions = new Map<string, readonly [executionId: string, length: number]>();
  /** Of the next event. */
  seq = 0;
  /** Of the last whole record. */
  end = 0;
  readonly #file: string;
  readonly #onRecord: (record: JournalRecord) => void;

  /** `onRecord` sees each record once. */
  constructor(file: string, onRecord: (record: JournalRecord) => void = () => {}) {
    this.#file = file;
    this.#onRecord = onRecord;
  }

  /** Before the run is ours: another process may still append, but whole records stay what they are. */
  ahead(): void {
    try {
      const descriptor = openSync(this.#file, "r");
      try {
        this.goOn(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      // The opening meets it again, and says what it is.
    }
  }

  /** Reads what has come since; answers the file's size. */
  goOn(descriptor: number): number {
    const note = (record: JournalRecord): void => {
      this.seq = record.seq + record.events.length;
      for (const [instance, position] of Object.entries(record.positions ?? {})) this.positions.set(instance, position);
      this.#onRecord(record);
    };
    const { end, size } = readJournal(descriptor, this.#file, note, this.end);
    this.end = end;
    return size;
  }
}
