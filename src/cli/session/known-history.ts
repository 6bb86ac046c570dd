// The committed history of an instance, and the messages that are on their way into it: the completion of a step that was
// acknowledged just before a crash stands in the inbox until the next turn, and has ended the step all the same.

import type { HistoryEvent } from "../../model/events.ts";
import { asInstanceId, DEFAULT_HUB } from "../../model/ids.ts";
import type { Store } from "../../store/store.ts";

export async function knownHistory(store: Store, instanceId: string): Promise<readonly HistoryEvent[]> {
  const row = await store.instance({ hub: DEFAULT_HUB, instanceId: asInstanceId(instanceId) }, false);
  const stored = row && (await store.load(row.ref));
  return stored === undefined ? [] : [...stored.history, ...stored.inbox.map(({ message }) => message)];
}
