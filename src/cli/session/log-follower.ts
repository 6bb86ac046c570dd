// Follows a step's log while the host writes it: reads the masked bytes that are new, splits lines, and names each by its
// first byte. It never reads past what the host has said is there, so a line is always whole.

import { closeSync, openSync, readSync } from "node:fs";
import { fileError } from "./file-errors.ts";

const CHUNK_BYTES = 64 * 1024;
const LF = 10;
const CR = 13;

export interface LogLine {
  readonly offset: number;
  /** Bytes of the text, without the line's end. */
  readonly length: number;
  readonly text: string;
}

export class LogFollower implements Disposable {
  readonly #path: string;
  #descriptor: number | undefined;
  #offset: number;

  /** `offset`: where the first line that has not been told begins. */
  constructor(path: string, offset = 0) {
    this.#path = path;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The whole lines up to `bytes`; at the log's end also a last one without a line end. */
  read(bytes: number, isEnd = false): LogLine[] {
    const lines: LogLine[] = [];
    try {
      if (bytes > this.#offset) this.#descriptor ??= openSync(this.#path, "r");
      while (this.#descriptor !== undefined && this.#offset < bytes && this.#readSome(this.#descriptor, bytes, isEnd, lines));
      return lines;
    } catch (error) {
      throw fileError(`The log ${this.#path} cannot be read`, error, "The step goes on; its log is not shown.");
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #readSome(descriptor: number, bytes: number, isEnd: boolean, lines: LogLine[]): boolean {
    const start = this.#offset;
    let chunk = readAt(descriptor, start, Math.min(CHUNK_BYTES, bytes - start));
    // A line longer than a chunk: take everything that there is.
    if (!chunk.includes(LF) && bytes - start > CHUNK_BYTES) chunk = readAt(descriptor, start, bytes - start);
    let from = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, from)) {
      lines.push(lineOf(chunk, start, from, end));
      from = end + 1;
    }
    if (from < chunk.length && isEnd && start + chunk.length >= bytes) {
      lines.push(lineOf(chunk, start, from, chunk.length));
      from = chunk.length;
    }
    this.#offset = start + from;
    return from > 0;
  }
}

function readAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
}

function lineOf(chunk: Buffer, start: number, from: number, end: number): LogLine {
  const last = end > from && chunk[end - 1] === CR ? end - 1 : end;
  return { offset: start + from, length: last - from, text: chunk.toString("utf8", from, last) };
}
