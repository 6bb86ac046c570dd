import type { HubClient } from "../../loops/engine.ts";
import { notFound } from "../../loops/engine-hub.ts";
import { instanceState } from "../../loops/instance-state.ts";
import { streamHistory } from "../../loops/read-history.ts";
import { isEntityId } from "../../model/entity.ts";
import type { HistoryEvent } from "../../model/events.ts";
import { asHubName, asInstanceId } from "../../model/ids.ts";
import { present } from "../../model/present.ts";
import type { ReadStore } from "../../store/store.ts";

/** Of the calls of a hub those that change nothing. */
export type InstanceReader = Pick<HubClient, "get" | "query" | "history">;

const PAGE = 100;

/** Those calls over a store that somebody else may own. */
export function readerOf(store: ReadStore, name: string): InstanceReader {
  const hub = asHubName(name);
  const keyOf = (instanceId: string) => ({ hub, instanceId: asInstanceId(instanceId) });
  return {
    get: async (instanceId) => {
      const row = isEntityId(instanceId) ? undefined : await store.instance(keyOf(instanceId), true);
      return row === undefined ? undefined : instanceState(row);
    },
    query: async ({ createdFrom, createdTo, limit = PAGE, after, withPayloads = false, ...filter } = {}) => {
      const times = present({ createdFrom: createdFrom?.getTime(), createdTo: createdTo?.getTime() });
      const { rows, next } = await store.instances(
        { ...filter, ...times, hub, sort: "orchestrations" },
        { limit, withPayloads, ...present({ after }) },
      );
      return { instances: rows.map(instanceState), ...present({ next }) };
    },
    history: async (instanceId) => {
      if (isEntityId(instanceId)) throw notFound(instanceId);
      const events: HistoryEvent[] = [];
      for await (const piece of streamHistory(store, keyOf(instanceId), undefined)) events.push(...piece);
      return events;
    },
  };
}
