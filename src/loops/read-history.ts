import { SignalboxError } from "../model/errors.ts";
import type { HistoryEvent } from "../model/events.ts";
import type { InstanceKey } from "../model/ids.ts";
import type { ReadStore } from "../store/store.ts";

/** A history in pieces, of one execution: the one asked for, or the one that is there at the first piece. */
export async function* streamHistory(
  store: ReadStore,
  key: InstanceKey,
  wanted: string | undefined,
): AsyncGenerator<readonly HistoryEvent[]> {
  let executionId = wanted;
  for (let from: number | undefined = 0; from !== undefined; ) {
    const slice = await store.history(key, from);
    if (slice === undefined) throw new SignalboxError("NOT_FOUND", `There is no instance ${JSON.stringify(key.instanceId)}.`);
    if (executionId !== undefined && executionId !== slice.executionId) throw anotherExecution(key, executionId, slice.executionId);
    executionId = slice.executionId;
    if (slice.events.length > 0) yield slice.events;
    from = slice.next;
  }
}

function anotherExecution({ instanceId }: InstanceKey, asked: string, found: string): SignalboxError {
  const message = `Instance ${JSON.stringify(instanceId)} is in execution ${JSON.stringify(found)}; the history of ${JSON.stringify(asked)} is gone. Ask for the present one.`;
  return new SignalboxError("FAILED_PRECONDITION", message);
}
