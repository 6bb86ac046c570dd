// A step's log: masked bytes of whole lines, nothing else ever. Lines of one turn of the event loop go to the file in one
// write; `flush` puts everything there, which comes before the step's end is spooled.

import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { SignalboxError } from "../model/errors.ts";
import { cannotWrite } from "./disk-error.ts";

/** What comes after is counted, not kept. */
const LOG_LIMIT = 1024 * 1024 * 1024;
const BATCH_BYTES = 256 * 1024;
const LF = 10;

export interface LogFileOptions {
  /** The file has grown to this many bytes, all of them whole lines. */
  readonly onGrowth?: (bytes: number) => void;
  readonly limit?: number;
}

export interface LogFileEnd {
  readonly bytes: number;
  readonly lines: number;
  /** What the limit has kept out. */
  readonly droppedBytes: number;
  readonly droppedLines: number;
}

export class LogFile implements Disposable {
  readonly path: string;
  #descriptor: number | undefined;
  readonly #limit: number;
  readonly #onGrowth: ((bytes: number) => void) | undefined;
  #batch: Buffer[] = [];
  #batchBytes = 0;
  #flushing: NodeJS.Immediate | undefined;
  #isOpen = true;
  #bytes = 0;
  #lines = 0;
  #droppedBytes = 0;
  #droppedLines = 0;
  #failure: SignalboxError | undefined;

  /** The file is made, or emptied, with the first lines: an attempt's log begins at 0. Its folder must be there. */
  constructor(path: string, options: LogFileOptions = {}) {
    this.path = path;
    this.#limit = options.limit ?? LOG_LIMIT;
    this.#onGrowth = options.onGrowth;
  }

  /** Masked bytes of whole lines. Never throws: what goes wrong is thrown by `flush` and `close`. */
  write(lines: Buffer): void {
    if (!this.#isOpen || lines.length === 0) return;
    let kept = lines;
    const room = this.#limit - this.#bytes - this.#batchBytes;
    if (this.#droppedBytes > 0 || lines.length > room) {
      kept = this.#droppedBytes > 0 ? lines.subarray(0, 0) : lines.subarray(0, room > 0 ? lines.lastIndexOf(LF, room - 1) + 1 : 0);
      const dropped = lines.subarray(kept.length);
      if (this.#droppedBytes === 0) this.#add(limitNote(this.#limit), kept);
      this.#droppedBytes += dropped.length;
      this.#droppedLines += countLines(dropped);
    } else this.#add(kept);
    if (this.#batchBytes >= BATCH_BYTES) this.#writeBatch();
    else if (this.#batchBytes > 0) this.#flushing ??= setImmediate(() => this.#writeBatch());
  }

  /** What waits goes to the file now. Never throws either. */
  hurry(): void {
    this.#writeBatch();
  }

  /** All that was written is in the file when this returns. */
  flush(): void {
    this.#writeBatch();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The end, also of what the limit has kept out; then nothing is written any more. */
  close(): LogFileEnd {
    try {
      if (this.#isOpen && this.#droppedBytes > 0) this.#add(dropNote(this.#droppedLines, this.#droppedBytes));
      this.flush();
    } finally {
      this[Symbol.dispose]();
    }
    return { bytes: this.#bytes, lines: this.#lines, droppedBytes: this.#droppedBytes, droppedLines: this.#droppedLines };
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearImmediate(this.#flushing);
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }

  #add(last: Buffer, before: Buffer = last.subarray(0, 0)): void {
    for (const bytes of [before, last]) {
      if (bytes.length === 0) continue;
      this.#batch.push(bytes);
      this.#batchBytes += bytes.length;
      this.#lines += countLines(bytes);
    }
  }

  #writeBatch(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#batchBytes === 0 || !this.#isOpen) return;
    const bytes = this.#batch.length === 1 ? (this.#batch[0] as Buffer) : Buffer.concat(this.#batch);
    this.#batch = [];
    this.#batchBytes = 0;
    if (this.#failure !== undefined) return;
    try {
      const descriptor = this.#open();
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      this.#bytes += bytes.length;
    } catch (cause) {
      this.#failure = cannotWrite(`The step's log ${this.path}`, cause);
      return;
    }
    this.#onGrowth?.(this.#bytes);
  }

  #open(): number {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND | constants.O_NOFOLLOW;
    this.#descriptor ??= openSync(this.path, flags, 0o600);
    return this.#descriptor;
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}

function limitNote(limit: number): Buffer {
  return Buffer.from(`##[warning]The log of this step is over ${limit} bytes. What follows is counted, not kept.\n`);
}

function dropNote(lines: number, bytes: number): Buffer {
  return Buffer.from(`##[warning]${lines} more lines (${bytes} bytes) were not kept.\n`);
}
