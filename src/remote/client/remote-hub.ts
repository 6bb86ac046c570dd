// The calls of a hub of a remote server, with payloads as they are.

import { notFound } from "../../loops/engine-hub.ts";
import type { Ids } from "../../loops/environment.ts";
import type { Hub } from "../../loops/hub.ts";
import type { ShownRow } from "../../loops/instance-state.ts";
import { stillActive } from "../../loops/purge.ts";
import type { PayloadCalls } from "../../loops/typed-hub.ts";
import { isSignalboxError } from "../../model/errors.ts";
import type { HistoryEvent } from "../../model/events.ts";
import { asInstanceId, type InstanceId } from "../../model/ids.ts";
import type { Payload } from "../../model/payload.ts";
import { present } from "../../model/present.ts";
import { isTerminal } from "../../model/status.ts";
import type { InstanceFilter } from "../../store/store.ts";
import { eventsFromWire } from "../../wire/event-from-wire.ts";
import { type GetInstanceResponse, type OrchestrationState, TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import { instanceFromWire } from "../../wire/instances.ts";
import { statusToWire } from "../../wire/statuses.ts";
import { tagsToWire } from "../../wire/tags.ts";
import { optionalTimestampToWire } from "../../wire/timestamps.ts";
import { traceToWire } from "../../wire/trace-contexts.ts";
import type { Calls } from "./calls.ts";
import { nextPage } from "./next-page.ts";
import { RemoteEntities } from "./remote-entities.ts";

const { method } = TaskHubSidecarService;
/** How long the server may take for one round of a purge by filter. */
const PURGE_ROUND_SECONDS = 20n;

export class RemoteHub implements PayloadCalls {
  readonly #calls: Calls;
  readonly #ids: Ids;
  readonly #entities: RemoteEntities;

  constructor(calls: Calls, ids: Ids) {
    this.#calls = calls;
    this.#ids = ids;
    this.#entities = new RemoteEntities(calls);
  }

  async start(...[request]: Parameters<Hub["start"]>): Promise<InstanceId> {
    const { name, version, input, scheduledStartAt, replaceable, tags, traceContext, executionId } = request;
    // The id is made here, so that a repeated call asks for the same instance.
    const { instanceId } = await this.#calls.repeatable(method.startInstance, {
      instanceId: request.instanceId ?? this.#ids.uuid(),
      name,
      tags: tagsToWire(tags),
      ...present({
        version,
        input,
        executionId,
        scheduledStartTimestamp: optionalTimestampToWire(scheduledStartAt),
        orchestrationIdReusePolicy: replaceable === undefined ? undefined : { replaceableStatus: replaceable.map(statusToWire) },
        parentTraceContext: traceToWire(traceContext),
      }),
    });
    return asInstanceId(instanceId);
  }

  async get(instanceId: string, withPayloads: boolean): Promise<ShownRow | undefined> {
    try {
      const answer = await this.#calls.repeatable(method.getInstance, { instanceId, getInputsAndOutputs: withPayloads });
      return rowOf(answer);
    } catch (error) {
      if (isSignalboxError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async waitFor(instanceId: string, until: "start" | "end", signal: AbortSignal | undefined): Promise<ShownRow> {
    const wait = until === "start" ? method.waitForInstanceStart : method.waitForInstanceCompletion;
    for (;;) {
      const row = rowOf(await this.#calls.waiting(wait, { instanceId, getInputsAndOutputs: true }, signal));
      if (row === undefined) throw notFound(instanceId);
      // A server may let a call wait for so long only: then it answers with what is there.
      if (until === "start" ? row.status !== "Pending" : isTerminal(row.status)) return row;
    }
  }

  async raiseEvent(instanceId: string, name: string, input: Payload | undefined, idempotencyKey = this.#ids.uuid()): Promise<void> {
    const metadata = { "idempotency-key": idempotencyKey };
    await this.#calls.repeatable(method.raiseEvent, { instanceId, name, ...present({ input }) }, metadata);
  }

  async suspend(instanceId: string, reason: string | undefined): Promise<void> {
    await this.#calls.repeatable(method.suspendInstance, { instanceId, ...present({ reason }) });
  }

  async resume(instanceId: string, reason: string | undefined): Promise<void> {
    await this.#calls.repeatable(method.resumeInstance, { instanceId, ...present({ reason }) });
  }

  async terminate(instanceId: string, output: Payload | undefined, recurse: boolean): Promise<void> {
    await this.#calls.repeatable(method.terminateInstance, { instanceId, recursive: recurse, ...present({ output }) });
  }

  async rewind(instanceId: string, reason: string | undefined): Promise<void> {
    await this.#calls.single(method.rewindInstance, { instanceId, ...present({ reason }) });
  }

  async restart(instanceId: string, withNewId: boolean): Promise<InstanceId> {
    const answer = await this.#calls.single(method.restartInstance, { instanceId, restartWithNewInstanceId: withNewId });
    return asInstanceId(answer.instanceId);
  }

  async purge(instanceId: string, recurse: boolean): Promise<number> {
    const request = { request: { case: "instanceId", value: instanceId }, recursive: recurse, isOrchestration: true } as const;
    const { deletedInstanceCount } = await this.#calls.single(method.purgeInstances, request);
    // The protocol tells neither.
    if (deletedInstanceCount === 0)
      throw (await this.get(instanceId, false)) === undefined ? notFound(instanceId) : stillActive(instanceId);
    return deletedInstanceCount;
  }

  async purgeAll(...[target, recurse]: Parameters<Hub["purgeAll"]>): ReturnType<Hub["purgeAll"]> {
    const { status = [], createdFrom, createdTo } = target;
    const purgeInstanceFilter = {
      runtimeStatus: status.map(statusToWire),
      timeout: { seconds: PURGE_ROUND_SECONDS },
      ...present({ createdTimeFrom: optionalTimestampToWire(createdFrom), createdTimeTo: optionalTimestampToWire(createdTo) }),
    };
    const request = {
      request: { case: "purgeInstanceFilter", value: purgeInstanceFilter },
      recursive: recurse,
      isOrchestration: true,
    } as const;
    let deleted = 0;
    for (;;) {
      const answer = await this.#calls.single(method.purgeInstances, request);
      deleted += answer.deletedInstanceCount;
      if (answer.isComplete !== false) return { deleted, isComplete: true };
    }
  }

  async query(...[filter, page]: Parameters<Hub["query"]>): ReturnType<PayloadCalls["query"]> {
    const { status = [], createdFrom, createdTo, idPrefix } = filter;
    const query = {
      runtimeStatus: status.map(statusToWire),
      maxInstanceCount: page.limit,
      fetchInputsAndOutputs: page.withPayloads,
      ...present({
        instanceIdPrefix: idPrefix,
        createdTimeFrom: optionalTimestampToWire(createdFrom),
        createdTimeTo: optionalTimestampToWire(createdTo),
      }),
    };
    // Names and tags the protocol cannot ask for: pages are sifted here until one has something to show.
    for (let { after } = page; ; ) {
      const answer = await this.#calls.repeatable(method.queryInstances, { query: { ...query, ...present({ continuationToken: after }) } });
      const rows = answer.orchestrationState.map(shown).filter((row) => isMeant(row, filter));
      const { next } = nextPage(answer.continuationToken);
      if (rows.length > 0 || next === undefined) return { rows, ...present({ next }) };
      after = next;
    }
  }

  readonly signalEntity: PayloadCalls["signalEntity"] = (request) => this.#entities.signalEntity(request);
  readonly getEntity: PayloadCalls["getEntity"] = (...of) => this.#entities.getEntity(...of);
  readonly queryEntities: PayloadCalls["queryEntities"] = (...of) => this.#entities.queryEntities(...of);
  readonly cleanEntities: PayloadCalls["cleanEntities"] = (options) => this.#entities.cleanEntities(options);

  async *history(instanceId: string, executionId?: string): AsyncGenerator<readonly HistoryEvent[]> {
    const request = { instanceId, forWorkItemProcessing: false, ...present({ executionId }) };
    for (const { events } of await this.#calls.collected(method.streamInstanceHistory, request)) yield eventsFromWire(events);
  }
}

type NameAndTags = Pick<InstanceFilter, "name" | "tags">;

function isMeant(row: ShownRow, { name, tags = {} }: NameAndTags): boolean {
  return (name === undefined || row.name === name) && Object.entries(tags).every(([tag, value]) => row.tags?.[tag] === value);
}

function rowOf({ exists, orchestrationState }: GetInstanceResponse): ShownRow | undefined {
  return exists && orchestrationState !== undefined ? shown(orchestrationState) : undefined;
}

function shown(state: OrchestrationState): ShownRow {
  const { parentInstanceId, ...row } = instanceFromWire(state);
  return parentInstanceId === undefined ? row : { ...row, parent: { instanceId: parentInstanceId } };
}
