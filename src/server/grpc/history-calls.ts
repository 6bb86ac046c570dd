// Histories, for clients that look at them and for workers that read the past of a turn: in chunks, sent no faster than they are
// taken. Of an instance with a turn outstanding the history does not change (E1), so that a worker reads what the turn was made of.

import { once } from "node:events";
import { historyChunks } from "../../wire/history-chunks.ts";
import type { HubDirectory } from "./hub-directory.ts";
import type { RawStream, StreamHandlers } from "./service.ts";

export function historyCalls(hubs: HubDirectory, chunkBytes: number): Pick<StreamHandlers, "streamInstanceHistory"> {
  return {
    streamInstanceHistory: async ({ instanceId, executionId }, stream) => {
      const gone = new AbortController();
      stream.once("cancelled", () => gone.abort());
      for await (const events of hubs.of(stream.metadata).history(instanceId, executionId || undefined)) {
        for (const chunk of historyChunks(events, chunkBytes)) await send(stream, chunk, gone.signal);
      }
      stream.end();
    },
  };
}

/** Resolves when the stream takes more; rejects when its reader has gone. */
async function send(stream: RawStream, bytes: Uint8Array, gone: AbortSignal): Promise<void> {
  gone.throwIfAborted();
  if (!stream.write(bytes)) await once(stream, "drain", { signal: gone });
}
