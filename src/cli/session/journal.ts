// The run's event stream on disk: append-only, one JSON record a line, one write for all that one commit told. A record
// carries the events and, with them, how far into the histories they go; so whoever takes up the run after a crash continues
// from exactly there, and a record that was cut short was never told to anybody (it is told before it is heard, E3).
//
// `seq` is a position in the whole stream: a process that resumes goes on counting where the file ends. Log lines stand
// here by place and length only; their text is in the log.

import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import { type RunEvent, SCHEMA_VERSION, type StreamedEvent } from "../../model/run-view.ts";
import { fileError } from "./file-errors.ts";
import { JournalReading } from "./journal-reading.ts";
import type { JournalRecord, KeptEvent, Positions } from "./journal-record.ts";

type LogEvent = Extract<RunEvent, { type: "step.log" }>;

/** An event to be told; a line of a log comes with both, the text for listeners and the place for the file. */
export type ToldEvent = RunEvent | { readonly log: LogEvent; readonly file: string; readonly length: number };

export class Journal implements Disposable {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #listeners = new Set<(event: StreamedEvent) => void>();
  readonly #positions: Map<string, readonly [string, number]>;
  /** Events that nobody has heard yet: the first listener gets the head of the stream. */
  #head: StreamedEvent[] | undefined = [];
  #seq: number;
  #size: number;

  private constructor(file: string, descriptor: number, { seq, end, positions }: JournalReading) {
    this.#file = file;
    this.#descriptor = descriptor;
    this.#seq = seq;
    this.#size = end;
    this.#positions = positions;
  }

  /** For the process that owns the run: a last record that was cut short is cut off. `reading` is of this file. */
  static open(file: string, reading: JournalReading = new JournalReading(file)): Journal {
    try {
      const descriptor = openSync(file, "a+", 0o600);
      const size = reading.goOn(descriptor);
      if (reading.end < size) ftruncateSync(descriptor, reading.end);
      return new Journal(file, descriptor, reading);
    } catch (error) {
      throw fileError(`The run's event stream ${file} cannot be opened`, error, "The run cannot go on without it.");
    }
  }

  /** The next event's. */
  get seq(): number {
    return this.#seq;
  }

  positionOf(instanceId: string): readonly [executionId: string, length: number] | undefined {
    return this.#positions.get(instanceId);
  }

  /** Writes, then tells. Throws STORE_IO and tells nothing if the write fails. */
  append(at: string, told: readonly ToldEvent[], positions?: Positions): void {
    if (told.length === 0 && positions === undefined) return;
    const record: JournalRecord = { seq: this.#seq, at, events: told.map(kept), ...(positions && { positions }) };
    this.#write(Buffer.from(`${JSON.stringify(record)}\n`));
    for (const [instance, position] of Object.entries(positions ?? {})) this.#positions.set(instance, position);
    const first = this.#seq;
    this.#seq += told.length;
    told.forEach((event, index) => this.#tell(streamed("log" in event ? event.log : event, first + index, at)));
  }

  /** Every event from now on; the first who listens gets the head of the stream too. */
  listen(listener: (event: StreamedEvent) => void): () => void {
    const head = this.#head ?? [];
    this.#head = undefined;
    for (const event of head) listener(event);
    return this.join(listener);
  }

  /** Every event from now on. */
  join(listener: (event: StreamedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #tell(event: StreamedEvent): void {
    this.#head?.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  #write(bytes: Buffer): void {
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written);
      this.#size += bytes.length;
    } catch (error) {
      // Half a record must not stand before the next one.
      try {
        ftruncateSync(this.#descriptor, this.#size);
      } catch {
        // The next opening cuts it off.
      }
      throw fileError(`The run's event stream ${this.#file} cannot be written`, error, "What was recorded is safe: resume the run.");
    }
  }
}

function kept(event: ToldEvent): KeptEvent {
  if (!("log" in event)) return event;
  const { text: _, ...rest } = event.log;
  return { ...rest, file: event.file, length: event.length };
}

export function streamed(event: RunEvent, seq: number, at: string): StreamedEvent {
  const { type, ...rest } = event;
  // The fields of the union's member are all there: only the order of the keys is chosen, for readers of raw lines.
  return { schemaVersion: SCHEMA_VERSION, seq, at, type, ...rest } as StreamedEvent;
}

/** Gives kept events their text back, from the run's logs. */
export class LogTexts implements Disposable {
  readonly #directory: string;
  #open: { readonly file: string; readonly descriptor: number } | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  restore(event: KeptEvent): RunEvent {
    if (!("file" in event && "length" in event)) return event;
    const { file, length, ...rest } = event;
    return { ...rest, text: this.#read(file, event.offset, length) };
  }

  [Symbol.dispose](): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }

  #read(file: string, offset: number, length: number): string {
    try {
      if (this.#open?.file !== file) {
        this[Symbol.dispose]();
        this.#open = { file, descriptor: openSync(join(this.#directory, file), "r") };
      }
      const bytes = Buffer.alloc(length);
      return bytes.toString("utf8", 0, readSync(this.#open.descriptor, bytes, 0, length, offset));
    } catch (cause) {
      throw new SignalboxError("STORE_CORRUPT", `The log ${join(this.#directory, file)} cannot be read.`, { cause });
    }
  }
}
