// Lists of instances, their removal, and the hub as a whole.

import type { Hub } from "../../loops/hub.ts";
import { SignalboxError } from "../../model/errors.ts";
import { present } from "../../model/present.ts";
import type { PurgeInstanceFilter, PurgeInstancesRequest, PurgeInstancesResponse } from "../../wire/generated/durable_task_pb.ts";
import { instanceToWire } from "../../wire/instances.ts";
import { statusFromWire } from "../../wire/statuses.ts";
import { optionalTimestampFromWire } from "../../wire/timestamps.ts";
import { pageOf } from "./pages.ts";
import type { UnaryHandlers } from "./service.ts";

type QueryCalls = Pick<
  UnaryHandlers,
  "queryInstances" | "listInstanceIds" | "purgeInstances" | "skipGracefulOrchestrationTerminations" | "createTaskHub" | "deleteTaskHub"
>;

export function queryCalls(maxPageSize: number): QueryCalls {
  return {
    queryInstances: async ({ query }, { hub }) => {
      const names = query?.taskHubNames ?? [];
      if (names.length > 0 && !names.some(({ value }) => value === hub.name)) {
        return { $typeName: "QueryInstancesResponse", orchestrationState: [] };
      }
      const withPayloads = query?.fetchInputsAndOutputs ?? false;
      const filter = present({
        status: statuses(query?.runtimeStatus),
        createdFrom: optionalTimestampFromWire(query?.createdTimeFrom),
        createdTo: optionalTimestampFromWire(query?.createdTimeTo),
        idPrefix: query?.instanceIdPrefix || undefined,
      });
      const page = pageOf(query?.maxInstanceCount, query?.continuationToken, withPayloads, maxPageSize);
      const { rows, next } = await hub.query(filter, page);
      return {
        $typeName: "QueryInstancesResponse",
        orchestrationState: rows.map((row) => instanceToWire(row, withPayloads)),
        continuationToken: next,
      };
    },

    listInstanceIds: async ({ runtimeStatus, completedTimeFrom, completedTimeTo, pageSize, lastInstanceKey }, { hub }) => {
      const filter = present({
        status: statuses(runtimeStatus),
        completedFrom: optionalTimestampFromWire(completedTimeFrom),
        completedTo: optionalTimestampFromWire(completedTimeTo),
      });
      const { rows, next } = await hub.query(filter, pageOf(pageSize, lastInstanceKey, false, maxPageSize));
      return {
        $typeName: "ListInstanceIdsResponse",
        instanceIds: rows.map(({ instanceId }) => instanceId),
        lastInstanceKey: next,
      };
    },

    purgeInstances: (request, { hub }) => purge(request, hub),

    skipGracefulOrchestrationTerminations: async ({ instanceBatch, reason }, { hub }) => {
      const output = reason === undefined ? undefined : JSON.stringify(reason);
      const unterminatedInstanceIds: string[] = [];
      for (const instanceId of instanceBatch?.instanceIds ?? []) {
        const isThere = await unlessMissing(hub.terminate(instanceId, output, false).then(() => true));
        if (isThere === undefined) unterminatedInstanceIds.push(instanceId);
      }
      return { $typeName: "SkipGracefulOrchestrationTerminationsResponse", unterminatedInstanceIds };
    },

    // A hub is there as soon as it is named.
    createTaskHub: async ({ recreateIfExists }, { hub }) => {
      if (recreateIfExists) await hub.clear();
      return { $typeName: "CreateTaskHubResponse" };
    },
    deleteTaskHub: async (_, { hub }) => {
      await hub.clear();
      return { $typeName: "DeleteTaskHubResponse" };
    },
  };
}

/** Of instances that are not there or have not ended none is removed; that is no error. */
async function purge({ request, recursive }: PurgeInstancesRequest, hub: Hub): Promise<PurgeInstancesResponse> {
  const purged = (deletedInstanceCount: number, isComplete = true): PurgeInstancesResponse => ({
    $typeName: "PurgeInstancesResponse",
    deletedInstanceCount,
    isComplete,
  });
  switch (request.case) {
    case "instanceId":
      return purged((await unlessMissing(hub.purge(request.value, recursive))) ?? 0);
    case "instanceBatch": {
      let deleted = 0;
      for (const instanceId of request.value.instanceIds) deleted += (await unlessMissing(hub.purge(instanceId, recursive))) ?? 0;
      return purged(deleted);
    }
    case "purgeInstanceFilter": {
      const { deleted, isComplete } = await hub.purgeAll(targetOf(request.value), recursive, timeoutOf(request.value));
      return purged(deleted, isComplete);
    }
    case undefined:
      throw new SignalboxError("INVALID_ARGUMENT", "The purge names neither an instance, nor a batch, nor a filter.");
    default:
      return request satisfies never;
  }
}

function targetOf({ runtimeStatus, createdTimeFrom, createdTimeTo }: PurgeInstanceFilter) {
  return present({
    status: statuses(runtimeStatus),
    createdFrom: optionalTimestampFromWire(createdTimeFrom),
    createdTo: optionalTimestampFromWire(createdTimeTo),
  });
}

function timeoutOf({ timeout }: PurgeInstanceFilter): number | undefined {
  const ms = timeout === undefined ? 0 : Number(timeout.seconds) * 1000 + timeout.nanos / 1e6;
  return ms > 0 ? ms : undefined;
}

/** No status means any. */
function statuses(wire: readonly Parameters<typeof statusFromWire>[0][] | undefined) {
  return wire === undefined || wire.length === 0 ? undefined : wire.map(statusFromWire);
}

async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof SignalboxError && (error.code === "NOT_FOUND" || error.code === "FAILED_PRECONDITION")) return undefined;
    throw error;
  }
}
