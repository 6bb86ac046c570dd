// A history on its way to a reader, in messages of bounded size. An event that is larger than the bound is a message of its own.

import { toBinary } from "@bufbuild/protobuf";
import type { HistoryEvent } from "../model/events.ts";
import { eventToWire } from "./event-to-wire.ts";
import { HistoryChunkSchema } from "./generated/durable_task_pb.ts";

export function* historyChunks(events: readonly HistoryEvent[], maxBytes: number): Generator<Uint8Array> {
  let chunk: Uint8Array[] = [];
  let length = 0;
  for (const event of events) {
    // A chunk's bytes are those of the chunks of its events, one after the other.
    const bytes = toBinary(HistoryChunkSchema, { $typeName: "HistoryChunk", events: [eventToWire(event)] });
    if (length > 0 && length + bytes.length > maxBytes) {
      yield Buffer.concat(chunk);
      chunk = [];
      length = 0;
    }
    chunk.push(bytes);
    length += bytes.length;
  }
  if (length > 0) yield Buffer.concat(chunk);
}
