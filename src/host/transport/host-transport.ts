// Frames of text between two ends, in order. In one process they are handed over at once; over a stream each has its
// length in front.

import type { Duplex } from "node:stream";
import { SignalboxError } from "../../model/errors.ts";

export interface HostTransport {
  send(frame: string): void;
  onFrame(listener: (frame: string) => void): void;
  /** The other end is gone; called once. */
  onClose(listener: () => void): void;
  close(): void;
}

/** The two ends of a channel within this process. */
export function memoryTransports(): readonly [HostTransport, HostTransport] {
  const a = new MemoryEnd();
  const b = new MemoryEnd();
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class MemoryEnd implements HostTransport {
  peer: MemoryEnd | undefined;
  #onFrame: ((frame: string) => void) | undefined;
  #onClose: (() => void) | undefined;

  send(frame: string): void {
    this.peer?.receive(frame);
  }

  receive(frame: string): void {
    this.#onFrame?.(frame);
  }

  onFrame(listener: (frame: string) => void): void {
    this.#onFrame = listener;
  }

  onClose(listener: () => void): void {
    this.#onClose = listener;
  }

  close(): void {
    const { peer } = this;
    this.peer = undefined;
    if (peer === undefined) return;
    peer.close();
    this.#onClose?.();
  }
}

const LENGTH_BYTES = 4;
/** A frame that claims more is no frame of ours. */
const FRAME_LIMIT = 256 * 1024 * 1024;

/** Over a socket or pipe. */
export function streamTransport(stream: Duplex): HostTransport {
  let onFrame: ((frame: string) => void) | undefined;
  let chunks: Buffer[] = [];
  let size = 0;
  /** What must be there before anything can be read. */
  let needed = LENGTH_BYTES;
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < needed) return;
    let bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (needed = LENGTH_BYTES; bytes.length >= LENGTH_BYTES; needed = LENGTH_BYTES) {
      const length = bytes.readUInt32BE(0);
      if (length > FRAME_LIMIT) {
        stream.destroy(new SignalboxError("HOST_FAILED", `A frame of ${length} bytes is over the limit of ${FRAME_LIMIT}.`));
        return;
      }
      needed = LENGTH_BYTES + length;
      if (bytes.length < needed) break;
      const frame = bytes.toString("utf8", LENGTH_BYTES, needed);
      bytes = bytes.subarray(needed);
      onFrame?.(frame);
    }
    chunks = bytes.length === 0 ? [] : [bytes];
    size = bytes.length;
  });
  // The close that follows says all that the engine needs to know.
  stream.on("error", () => undefined);
  return {
    send(frame) {
      const length = Buffer.byteLength(frame);
      if (length > FRAME_LIMIT) throw new SignalboxError("LIMIT_EXCEEDED", `A message of ${length} bytes is over ${FRAME_LIMIT}.`);
      const bytes = Buffer.allocUnsafe(LENGTH_BYTES + length);
      bytes.writeUInt32BE(length, 0);
      bytes.write(frame, LENGTH_BYTES);
      stream.write(bytes);
    },
    onFrame: (listener) => {
      onFrame = listener;
    },
    onClose: (listener) => stream.once("close", listener),
    close: () => stream.end(),
  };
}
