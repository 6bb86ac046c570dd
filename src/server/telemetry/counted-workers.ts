// The engine's face towards workers, counted on the way.

import { subjectOf } from "../../loops/workers/tokens.ts";
import type { WorkerHub, WorkerStream } from "../../loops/workers/worker-hub.ts";
import type { Metrics } from "./metrics.ts";

export function countedWorkers(workers: WorkerHub, metrics: Metrics): WorkerHub {
  const counted = new Map<WorkerStream, WorkerStream>();
  return {
    opened: (stream) => {
      const counting: WorkerStream = {
        hub: stream.hub,
        connection: stream.connection,
        ...(stream.filters !== undefined && { filters: stream.filters }),
        credits: stream.credits,
        keepsWarm: stream.keepsWarm,
        send: (item) => {
          metrics.dispatched(item.sort);
          stream.send(item);
        },
      };
      counted.set(stream, counting);
      workers.opened(counting);
    },
    closed: (stream, connectionLives) => {
      const counting = counted.get(stream);
      counted.delete(stream);
      if (counting !== undefined) workers.closed(counting, connectionLives);
    },
    disconnected: (connection) => workers.disconnected(connection),
    complete: async (token, completion, from) => {
      await workers.complete(token, completion, from);
      metrics.completed(completion.sort);
    },
    abandon: async (token, reason, from) => {
      await workers.abandon(token, reason, from);
      const subject = subjectOf(token);
      if (subject !== undefined) metrics.abandoned(subject.sort);
    },
    stats: () => workers.stats(),
  };
}
