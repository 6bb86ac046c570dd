// A work item as one worker takes it.

import { hash } from "node:crypto";
import type { TurnItem, WorkItem } from "../../model/work-item.ts";
import { type Past, type TurnSpan, turnToBytes } from "../../wire/turns.ts";
import { activityItemToBytes, entityItemToBytes } from "../../wire/work-items.ts";
import type { HistoryCache } from "./history-cache.ts";

/** What a worker said of itself when it opened its stream. */
export interface WorkerDialect {
  /** Our own worker: takes delta turns, and is told options and attempts of activities. */
  readonly isOurs: boolean;
  readonly entityRequestVersion: 1 | 2;
  /** Reads large histories by StreamInstanceHistory. */
  readonly streamsHistory: boolean;
}

export function encodeItem(item: WorkItem, dialect: WorkerDialect, cache: HistoryCache, streamedHistoryBytes: number): Uint8Array {
  switch (item.sort) {
    case "orchestration": {
      const isStreamed = dialect.streamsHistory && item.row.historyBytes >= streamedHistoryBytes;
      return turnToBytes(item, pastOf(item, isStreamed, cache), spanOf(item));
    }
    case "activity":
      return activityItemToBytes(item, dialect.isOurs);
    case "entity":
      return entityItemToBytes(item, dialect.entityRequestVersion);
    default:
      return item satisfies never;
  }
}

function pastOf({ history, row, executionId }: TurnItem, isStreamed: boolean, cache: HistoryCache): Past {
  if (history === undefined) return { kind: "held" };
  if (isStreamed && history.length > 0) return { kind: "streamed" };
  return { kind: "bytes", bytes: cache.past(row.ref, executionId, history) };
}

/** One span for all turns of an execution and another for the next execution, without anything to remember: made of its id. */
function spanOf({ executionId, history, newEvents, row }: TurnItem): TurnSpan {
  const startedAt = (history?.[0] ?? (history === undefined ? undefined : newEvents[0]))?.timestamp ?? row.createdAt;
  return { spanId: hash("sha256", executionId, "hex").slice(0, 16), startedAt };
}
