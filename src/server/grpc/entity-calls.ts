// The calls by which clients speak to entities.

import { randomUUID } from "node:crypto";
import { canonicalEntityId } from "../../model/entity.ts";
import { asInstanceId } from "../../model/ids.ts";
import { present } from "../../model/present.ts";
import { entityToWire } from "../../wire/instances.ts";
import { notBeforeFromWire, optionalTimestampFromWire } from "../../wire/timestamps.ts";
import { traceFromWire } from "../../wire/trace-contexts.ts";
import { pageOf } from "./pages.ts";
import type { UnaryHandlers } from "./service.ts";

type EntityCalls = Pick<UnaryHandlers, "signalEntity" | "getEntity" | "queryEntities" | "cleanEntityStorage">;

export function entityCalls(maxPageSize: number): EntityCalls {
  return {
    signalEntity: async ({ instanceId, name, input, requestId, scheduledTime, parentTraceContext }, { hub }) => {
      await hub.signalEntity({
        entityId: asInstanceId(instanceId),
        operation: name,
        // Without an id of its own a signal cannot be recognised when it is repeated.
        requestId: requestId === "" ? randomUUID() : requestId,
        ...present({ input, scheduledAt: notBeforeFromWire(scheduledTime), traceContext: traceFromWire(parentTraceContext) }),
      });
      return { $typeName: "SignalEntityResponse" };
    },

    // An entity exists if it has a state, so that is read even if it is not told.
    getEntity: async ({ instanceId, includeState }, { hub }) => {
      const row = await hub.getEntity(instanceId, true);
      if (row?.entityState === undefined) return { $typeName: "GetEntityResponse", exists: false };
      return { $typeName: "GetEntityResponse", exists: true, entity: entityToWire(row, includeState) };
    },

    queryEntities: async ({ query }, { hub }) => {
      const withState = query?.includeState ?? false;
      const filter = present({
        idPrefix: query?.instanceIdStartsWith === undefined ? undefined : prefixOf(query.instanceIdStartsWith),
        updatedFrom: optionalTimestampFromWire(query?.lastModifiedFrom),
        updatedTo: optionalTimestampFromWire(query?.lastModifiedTo),
        withStateOnly: query?.includeTransient ? undefined : true,
      });
      const { rows, next } = await hub.queryEntities(filter, pageOf(query?.pageSize, query?.continuationToken, withState, maxPageSize));
      return {
        $typeName: "QueryEntitiesResponse",
        entities: rows.map((row) => entityToWire(row, withState)),
        continuationToken: next,
      };
    },

    cleanEntityStorage: async ({ removeEmptyEntities, releaseOrphanedLocks, continuationToken }, { hub }) => {
      const { removed, released, next } = await hub.cleanEntities({
        removeEmpty: removeEmptyEntities,
        releaseOrphanedLocks,
        ...present({ after: continuationToken || undefined }),
      });
      return {
        $typeName: "CleanEntityStorageResponse",
        emptyEntitiesRemoved: removed,
        orphanedLocksReleased: released,
        continuationToken: next,
      };
    },
  };
}

/** Names of entities are in lower case, keys are as they are; a prefix may leave the first "@" out. */
function prefixOf(text: string): string {
  const prefix = text.startsWith("@") ? text : `@${text}`;
  return prefix.indexOf("@", 1) === -1 ? prefix.toLowerCase() : canonicalEntityId(asInstanceId(prefix));
}
