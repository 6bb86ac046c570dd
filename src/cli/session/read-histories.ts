// The histories of a run as its store has them: the root's and those of all below it, merged by time so that what a child
// tells comes after what its parent told before.

import type { CommittedEvents } from "../../loops/engine.ts";
import type { HistoryEvent } from "../../model/events.ts";
import { asInstanceId, DEFAULT_HUB, type InstanceKey } from "../../model/ids.ts";
import type { ReadStore } from "../../store/store.ts";

export async function readHistories(store: ReadStore, root: string): Promise<readonly CommittedEvents[]> {
  const histories: History[] = [];
  const keys: InstanceKey[] = [{ hub: DEFAULT_HUB, instanceId: asInstanceId(root) }];
  for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
    const history = await readHistory(store, key);
    if (history !== undefined) histories.push(history);
    keys.push(...(await store.children(key)));
  }
  return merged(histories);
}

interface History extends Pick<CommittedEvents, "instanceId" | "executionId"> {
  readonly events: readonly HistoryEvent[];
}

async function readHistory(store: ReadStore, key: InstanceKey): Promise<History | undefined> {
  const events: HistoryEvent[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const slice = await store.history(key, from);
    if (slice === undefined) return undefined;
    events.push(...slice.events);
    if (slice.next === undefined) return { instanceId: key.instanceId, executionId: slice.executionId, events };
    from = slice.next;
  }
  return undefined;
}

/** Runs of events that stand together in time; at the same moment parents, which were read first, go first. */
function merged(histories: readonly History[]): readonly CommittedEvents[] {
  const next = histories.map(() => 0);
  const chunks: CommittedEvents[] = [];
  for (;;) {
    const chosen = earliest(histories, next);
    const history = histories[chosen];
    if (history === undefined) return chunks;
    const from = next[chosen] ?? 0;
    let to = from + 1;
    next[chosen] = to;
    while (to < history.events.length && earliest(histories, next) === chosen) {
      to += 1;
      next[chosen] = to;
    }
    chunks.push({ instanceId: history.instanceId, executionId: history.executionId, from, events: history.events.slice(from, to) });
  }
}

function earliest(histories: readonly History[], next: readonly number[]): number {
  let chosen = -1;
  let time = Number.POSITIVE_INFINITY;
  histories.forEach(({ events }, index) => {
    const at = events[next[index] ?? 0]?.timestamp ?? Number.POSITIVE_INFINITY;
    if (at < time) {
      chosen = index;
      time = at;
    }
  });
  return chosen;
}
