// Bytes of one of a step's streams -> lines. As the runner reads them, CR, LF and CRLF each end a line, so that a
// progress bar becomes lines. A line over 1 MiB is split; a secret across the split is still masked. How the stream is
// cut into pieces changes nothing.

import type { MaskStream } from "./mask-stream.ts";
import type { Masker } from "./masker.ts";

export const LINE_LIMIT = 1024 * 1024;
/** A line that begins as a command is not text yet: it waits for its end this long. */
export const COMMAND_LIMIT = 8 * 1024 * 1024;

const LF = 10;
const CR = 13;
const COLON = 58;

export interface LineConsumer {
  readonly masker: Masker;
  /** Masked bytes of whole lines. */
  write(lines: Buffer): void;
  /** Whether each line must be looked at, even one that cannot be a command. */
  readsEveryLine(): boolean;
  /** A line that may be a command or a problem, without its end. False: it is plain text. */
  readLine(line: string): boolean;
  /** A command was longer than COMMAND_LIMIT; nothing of it was written. */
  commandTooLong(): void;
}

type LineState =
  | { readonly kind: "whole" }
  /** Over the limit: written in parts, masked across them. */
  | { readonly kind: "split"; readonly stream: MaskStream }
  /** A command that is too long: dropped to its end, for it may be an add-mask. */
  | { readonly kind: "dropped" };

const WHOLE: LineState = { kind: "whole" };

export class OutputChannel {
  readonly #consumer: LineConsumer;
  #parts: Buffer[] = [];
  #length = 0;
  #state: LineState = WHOLE;
  #afterCr = false;

  constructor(consumer: LineConsumer) {
    this.#consumer = consumer;
  }

  push(piece: Buffer): void {
    const bytes = this.#withLineFeeds(piece);
    const end = bytes.lastIndexOf(LF) + 1;
    let at = 0;
    if (end > 0 && (this.#length > 0 || this.#state.kind !== "whole")) {
      const first = bytes.indexOf(LF);
      this.#append(bytes.subarray(0, first));
      this.#endLine();
      at = first + 1;
    }
    if (at < end) this.#readLines(bytes.subarray(at, end));
    if (end < bytes.length) this.#append(bytes.subarray(end));
  }

  /** The stream has ended: a last line without an end counts as a line. */
  end(): void {
    if (this.#length > 0 || this.#state.kind !== "whole") this.#endLine();
    this.#afterCr = false;
  }

  #withLineFeeds(piece: Buffer): Buffer {
    if (!this.#afterCr && !piece.includes(CR)) return piece;
    const bytes = Buffer.allocUnsafe(piece.length);
    let length = 0;
    for (const byte of piece) {
      const isSecondHalf = this.#afterCr && byte === LF;
      this.#afterCr = byte === CR;
      if (!isSecondHalf) bytes[length++] = byte === CR ? LF : byte;
    }
    return bytes.subarray(0, length);
  }

  /** Whole lines. Runs of plain ones are masked in one search. */
  #readLines(block: Buffer): void {
    const consumer = this.#consumer;
    const mayHoldCommand = block.includes("::") || block.includes("##[");
    if (block.length <= LINE_LIMIT && !mayHoldCommand && !consumer.readsEveryLine()) {
      consumer.write(consumer.masker.maskBytes(block));
      return;
    }
    let plainFrom = 0;
    let at = 0;
    const flush = () => {
      if (plainFrom < at) consumer.write(consumer.masker.maskBytes(block.subarray(plainFrom, at)));
    };
    while (at < block.length) {
      const end = block.indexOf(LF, at);
      const line = block.subarray(at, end);
      if (line.length > LINE_LIMIT || consumer.readsEveryLine() || mayBeCommand(line)) {
        flush();
        this.#append(line);
        this.#endLine();
        plainFrom = end + 1;
      }
      at = end + 1;
    }
    flush();
  }

  #append(bytes: Buffer): void {
    if (this.#state.kind === "dropped" || bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length <= LINE_LIMIT) return;
    const line = this.#take();
    if (this.#state.kind === "whole" && beginsAsCommand(line)) {
      if (line.length > COMMAND_LIMIT) {
        this.#state = { kind: "dropped" };
        this.#consumer.commandTooLong();
      } else this.#keep(line);
    } else this.#split(line);
  }

  #split(line: Buffer): void {
    const stream = this.#state.kind === "split" ? this.#state.stream : this.#consumer.masker.stream();
    this.#state = { kind: "split", stream };
    let rest = line;
    while (rest.length > LINE_LIMIT) {
      const cut = characterBoundary(rest, LINE_LIMIT);
      this.#writeLine(stream.push(rest.subarray(0, cut)));
      rest = rest.subarray(cut);
    }
    this.#keep(rest);
  }

  #endLine(): void {
    const state = this.#state;
    const line = this.#take();
    this.#state = WHOLE;
    switch (state.kind) {
      case "dropped":
        return;
      case "split":
        this.#writeLine(Buffer.concat([state.stream.push(line), state.stream.end()]));
        return;
      case "whole":
        this.#endWholeLine(line);
        return;
      default:
        state satisfies never;
    }
  }

  #endWholeLine(line: Buffer): void {
    const isCandidate = mayBeCommand(line) || (line.length <= LINE_LIMIT && this.#consumer.readsEveryLine());
    if (isCandidate && this.#consumer.readLine(line.toString())) return;
    if (line.length > LINE_LIMIT) {
      this.#split(line);
      this.#endLine();
    } else this.#writeLine(this.#consumer.masker.maskBytes(line));
  }

  #writeLine(masked: Buffer): void {
    this.#consumer.write(Buffer.concat([masked, Buffer.of(LF)]));
  }

  #take(): Buffer {
    const line = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return line;
  }

  #keep(line: Buffer): void {
    this.#parts = line.length === 0 ? [] : [line];
    this.#length = line.length;
  }
}

function mayBeCommand(line: Buffer): boolean {
  return beginsAsCommand(line) || line.includes("##[");
}

function beginsAsCommand(line: Buffer): boolean {
  let at = 0;
  while (line[at] === 32 || (line[at] ?? 0) === 9 || line[at] === 11 || line[at] === 12) at++;
  return line[at] === COLON && line[at + 1] === COLON;
}

/** The last index up to `limit` that does not lie within a UTF-8 character. */
function characterBoundary(bytes: Buffer, limit: number): number {
  for (let cut = limit; cut > limit - 4; cut--) if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut;
  return limit;
}
