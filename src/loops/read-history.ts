import type { HistoryEvent } from "../model/events.ts";
import type { InstanceKey } from "../model/ids.ts";
import type { Store } from "../store/store.ts";

/** The whole history of the current execution, or undefined without such an instance. */
export async function readHistory(store: Store, key: InstanceKey): Promise<readonly HistoryEvent[] | undefined> {
  const events: HistoryEvent[] = [];
  let executionId: string | undefined;
  for (let from: number | undefined = 0; from !== undefined; ) {
    const slice = await store.history(key, from);
    if (slice === undefined) return undefined;
    // Continued as new between two slices: from the beginning of what is there now.
    if (executionId !== undefined && executionId !== slice.executionId) {
      events.length = 0;
      executionId = undefined;
      from = 0;
      continue;
    }
    executionId = slice.executionId;
    events.push(...slice.events);
    from = slice.next;
  }
  return events;
}
