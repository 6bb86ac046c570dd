// The calls of a hub of a remote server that are about its entities.

import type { Hub } from "../../loops/hub.ts";
import type { ShownEntity } from "../../loops/instance-state.ts";
import type { PayloadCalls } from "../../loops/typed-hub.ts";
import { present } from "../../model/present.ts";
import { type EntityMetadata, TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import { entityFromWire } from "../../wire/instances.ts";
import { optionalTimestampToWire } from "../../wire/timestamps.ts";
import { traceToWire } from "../../wire/trace-contexts.ts";
import type { Calls } from "./calls.ts";
import { nextPage } from "./next-page.ts";

const { method } = TaskHubSidecarService;

export class RemoteEntities {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async signalEntity(...[request]: Parameters<Hub["signalEntity"]>): Promise<void> {
    const { entityId, operation, input, requestId, scheduledAt, traceContext } = request;
    await this.#calls.repeatable(method.signalEntity, {
      instanceId: entityId,
      name: operation,
      requestId,
      ...present({
        input,
        scheduledTime: optionalTimestampToWire(scheduledAt),
        parentTraceContext: traceToWire(traceContext),
      }),
    });
  }

  async getEntity(entityId: string, withState: boolean): Promise<ShownEntity | undefined> {
    const { exists, entity } = await this.#calls.repeatable(method.getEntity, { instanceId: entityId, includeState: withState });
    return exists && entity !== undefined ? shownEntity(entity) : undefined;
  }

  async queryEntities(...[filter, page]: Parameters<Hub["queryEntities"]>): ReturnType<PayloadCalls["queryEntities"]> {
    const query = {
      includeState: page.withPayloads,
      includeTransient: filter.withStateOnly !== true,
      pageSize: page.limit,
      ...present({
        instanceIdStartsWith: filter.idPrefix,
        lastModifiedFrom: optionalTimestampToWire(filter.updatedFrom),
        lastModifiedTo: optionalTimestampToWire(filter.updatedTo),
        continuationToken: page.after,
      }),
    };
    const { entities, continuationToken } = await this.#calls.repeatable(method.queryEntities, { query });
    return { rows: entities.map(shownEntity), ...nextPage(continuationToken) };
  }

  async cleanEntities(...[options]: Parameters<Hub["cleanEntities"]>): ReturnType<Hub["cleanEntities"]> {
    const { removeEmpty, releaseOrphanedLocks, after } = options;
    const request = { removeEmptyEntities: removeEmpty, releaseOrphanedLocks, ...present({ continuationToken: after }) };
    const answer = await this.#calls.repeatable(method.cleanEntityStorage, request);
    const { emptyEntitiesRemoved: removed, orphanedLocksReleased: released, continuationToken } = answer;
    return { removed, released, ...nextPage(continuationToken) };
  }
}

function shownEntity(metadata: EntityMetadata): ShownEntity {
  const { instanceId, updatedAt, inboxLength, lockedBy, state } = entityFromWire(metadata);
  const entityLock = lockedBy === undefined ? undefined : { instanceId: lockedBy };
  return { instanceId, updatedAt, inboxLength, ...present({ entityLock, entityState: state }) };
}
