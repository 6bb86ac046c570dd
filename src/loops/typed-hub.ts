// The calls of one hub with values for payloads: they are encoded and decoded here, the rules stand behind the hub, in this
// process or in a remote server.

import { isSignalboxError } from "../model/errors.ts";
import type { HistoryEvent } from "../model/events.ts";
import type { InstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import { present } from "../model/present.ts";
import type { Orchestrator, Value } from "../runtime/context.ts";
import { type EntityId, entityIdOf } from "../runtime/entity-id.ts";
import { encodeValue } from "../runtime/values.ts";
import type { EntityState, HubClient, InstanceState, StartOptions } from "./engine.ts";
import type { Ids } from "./environment.ts";
import type { Hub } from "./hub.ts";
import { entityState, instanceState, type ShownEntity, type ShownRow } from "./instance-state.ts";

const DEFAULT_PAGE = 100;

/** Of a hub, what can be told without its store. */
export type PayloadCalls = Pick<
  Hub,
  | "start"
  | "raiseEvent"
  | "suspend"
  | "resume"
  | "terminate"
  | "rewind"
  | "restart"
  | "purge"
  | "purgeAll"
  | "history"
  | "signalEntity"
  | "cleanEntities"
> & {
  get(instanceId: string, withPayloads: boolean): Promise<ShownRow | undefined>;
  waitFor(instanceId: string, until: "start" | "end", signal: AbortSignal | undefined): Promise<ShownRow>;
  query(...parameters: Parameters<Hub["query"]>): Promise<{ readonly rows: readonly ShownRow[]; readonly next?: string }>;
  getEntity(entityId: string, withState: boolean): Promise<ShownEntity | undefined>;
  queryEntities(
    ...parameters: Parameters<Hub["queryEntities"]>
  ): Promise<{ readonly rows: readonly ShownEntity[]; readonly next?: string }>;
};

export class TypedHub implements HubClient {
  readonly #hub: PayloadCalls;
  readonly #ids: Ids;
  readonly #maxPayloadLength: number;

  constructor(hub: PayloadCalls, ids: Ids, maxPayloadLength: number) {
    this.#hub = hub;
    this.#ids = ids;
    this.#maxPayloadLength = maxPayloadLength;
  }

  async start<Input>(orchestrator: Orchestrator<Input, unknown> | string, input: Input, options: StartOptions = {}): Promise<InstanceId> {
    const isName = typeof orchestrator === "string";
    const { instanceId, tags, replaceable, scheduledStartAt } = options;
    return await this.#hub.start({
      name: isName ? orchestrator : orchestrator.name,
      ...present({
        instanceId,
        version: options.version ?? (isName ? undefined : orchestrator.version),
        input: this.#encode(input, "The input"),
        tags,
        replaceable,
        scheduledStartAt: scheduledStartAt?.getTime(),
      }),
    });
  }

  async get(instanceId: string): Promise<InstanceState | undefined> {
    const row = await this.#hub.get(instanceId, true);
    return row === undefined ? undefined : instanceState(row);
  }

  async waitForCompletion(instanceId: string, options: { readonly signal?: AbortSignal } = {}): Promise<InstanceState> {
    return instanceState(await this.#hub.waitFor(instanceId, "end", options.signal));
  }

  async waitForStart(instanceId: string, options: { readonly signal?: AbortSignal } = {}): Promise<InstanceState> {
    return instanceState(await this.#hub.waitFor(instanceId, "start", options.signal));
  }

  async raiseEvent(...[instanceId, name, data, options]: Parameters<HubClient["raiseEvent"]>): Promise<void> {
    const input = this.#encode(data, `The data of event ${JSON.stringify(name)}`);
    await this.#hub.raiseEvent(instanceId, name, input, options?.idempotencyKey);
  }

  async suspend(instanceId: string, reason?: string): Promise<void> {
    await this.#hub.suspend(instanceId, reason);
  }

  async resume(instanceId: string, reason?: string): Promise<void> {
    await this.#hub.resume(instanceId, reason);
  }

  async terminate(instanceId: string, options: { readonly output?: Value; readonly recurse?: boolean } = {}): Promise<void> {
    await this.#hub.terminate(instanceId, this.#encode(options.output, "The output"), options.recurse ?? true);
  }

  async rewind(instanceId: string, reason?: string): Promise<void> {
    await this.#hub.rewind(instanceId, reason);
  }

  async restart(instanceId: string, options: { readonly withNewId?: boolean } = {}): Promise<InstanceId> {
    return await this.#hub.restart(instanceId, options.withNewId ?? false);
  }

  async purge(...[target, options]: Parameters<HubClient["purge"]>): Promise<number> {
    const recurse = options?.recurse ?? false;
    if (typeof target === "string") return await this.#hub.purge(target, recurse);
    const { status, createdTo } = target;
    const { deleted } = await this.#hub.purgeAll(present({ status, createdTo: createdTo?.getTime() }), recurse);
    return deleted;
  }

  async query(...[filter = {}]: Parameters<HubClient["query"]>): ReturnType<HubClient["query"]> {
    const { limit = DEFAULT_PAGE, after, withPayloads = false, createdFrom, createdTo, status, idPrefix, name, tags } = filter;
    const wanted = present({ status, idPrefix, name, tags, createdFrom: createdFrom?.getTime(), createdTo: createdTo?.getTime() });
    const { rows, next } = await this.#hub.query(wanted, { limit, withPayloads, ...present({ after }) });
    return { instances: rows.map(instanceState), ...present({ next }) };
  }

  async signalEntity(...[entity, operation, input, options = {}]: Parameters<HubClient["signalEntity"]>): Promise<void> {
    const { at, requestId = this.#ids.uuid() } = options;
    const payload = this.#encode(input, `The input of operation ${JSON.stringify(operation)}`);
    const entityId = entityIdOf(entity);
    await this.#hub.signalEntity({ entityId, operation, requestId, ...present({ input: payload, scheduledAt: at?.getTime() }) });
  }

  async getEntity(entity: EntityId): Promise<EntityState | undefined> {
    const row = await this.#hub.getEntity(entityIdOf(entity), true);
    return row?.entityState === undefined ? undefined : entityState(row);
  }

  async queryEntities(...[filter = {}]: Parameters<HubClient["queryEntities"]>): ReturnType<HubClient["queryEntities"]> {
    const { limit = DEFAULT_PAGE, after, withStates = false, withTransient = false, modifiedFrom, modifiedTo, idPrefix } = filter;
    const wanted = {
      withStateOnly: !withTransient,
      ...present({ idPrefix, updatedFrom: modifiedFrom?.getTime(), updatedTo: modifiedTo?.getTime() }),
    };
    const { rows, next } = await this.#hub.queryEntities(wanted, { limit, withPayloads: withStates, ...present({ after }) });
    return { entities: rows.map(entityState), ...present({ next }) };
  }

  async cleanEntities(...[options = {}]: Parameters<HubClient["cleanEntities"]>): ReturnType<HubClient["cleanEntities"]> {
    const { removeEmpty = true, releaseOrphanedLocks = true } = options;
    const total = { removed: 0, released: 0 };
    for (let after: string | undefined; ; ) {
      const { removed, released, next } = await this.#hub.cleanEntities({ removeEmpty, releaseOrphanedLocks, ...present({ after }) });
      total.removed += removed;
      total.released += released;
      if (next === undefined) return total;
      after = next;
    }
  }

  async history(instanceId: string): Promise<readonly HistoryEvent[]> {
    for (;;) {
      const events: HistoryEvent[] = [];
      try {
        for await (const piece of this.#hub.history(instanceId)) events.push(...piece);
        return events;
      } catch (error) {
        // Continued as new between two pieces: from the beginning of what is there now.
        if (events.length === 0 || !isSignalboxError(error, "FAILED_PRECONDITION")) throw error;
      }
    }
  }

  #encode(value: unknown, what: string): Payload | undefined {
    return encodeValue(value, what, this.#maxPayloadLength);
  }
}
