// The calls of one hub that are about its entities.

import { canonicalEntityId, entityName } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import type { EntityMessage } from "../model/events.ts";
import { asExecutionId, asInstanceId, type HubName, type InstanceKey } from "../model/ids.ts";
import type { InstanceRef, InstanceRow, Part, PartAnswer } from "../model/parts.ts";
import { present } from "../model/present.ts";
import { isTerminal } from "../model/status.ts";
import type { InstancePage, Store } from "../store/store.ts";
import { checkName, checkPayload } from "./call-limits.ts";
import type { Calls } from "./calls.ts";
import type { EngineEnvironment, EngineLimits } from "./environment.ts";
import type { Hub } from "./hub.ts";

const CLEANED_AT_ONCE = 500;

export interface EntityCallsPorts {
  readonly hub: HubName;
  readonly store: Store;
  readonly environment: Pick<EngineEnvironment, "clock" | "ids">;
  readonly limits: EngineLimits;
  readonly calls: Calls;
  readonly ask: (part: Part) => Promise<PartAnswer>;
  readonly revive: (ref: InstanceRef) => void;
  /** Until when a call that is made now is recognised if it is repeated. */
  readonly onceUntil: () => number;
}

export class EntityCalls {
  readonly #ports: EntityCallsPorts;

  constructor(ports: EntityCallsPorts) {
    this.#ports = ports;
  }

  async signal(...[request]: Parameters<Hub["signalEntity"]>): Promise<void> {
    const { limits, onceUntil } = this.#ports;
    const { operation, requestId, scheduledAt, input, traceContext } = request;
    const { key, name } = this.#address(request.entityId);
    checkName(operation, "The operation's name", limits);
    checkName(requestId, "The request id", limits);
    checkPayload(input, `The input of operation ${JSON.stringify(operation)}`, limits);
    const now = this.#now();
    const message: EntityMessage = {
      kind: "EntityOperationSignaled",
      eventId: -1,
      timestamp: now,
      requestId,
      operation,
      targetInstanceId: key.instanceId,
      ...present({ scheduledAt, input, traceContext }),
    };
    const dueAt = scheduledAt !== undefined && scheduledAt > now ? scheduledAt : undefined;
    // Without an id there is nothing by which a repeated signal could be told from a second one.
    const once = requestId === "" ? undefined : { key: `signal ${requestId}`, until: onceUntil() };
    const answer = await this.#deliver(key, name, message, { dueAt, limit: limits.maxInboxMessages, once });
    if (answer.kind !== "dropped") return;
    const full = `Cannot signal entity ${JSON.stringify(key.instanceId)}: ${limits.maxInboxMessages} messages wait for it already. Signal it again when it has served some; is a worker for it connected?`;
    throw new SignalboxError("LIMIT_EXCEEDED", full);
  }

  async get(entityId: string, withState: boolean): Promise<InstanceRow | undefined> {
    this.#ports.calls.checkOpen();
    return await this.#ports.store.instance(this.#address(entityId).key, withState);
  }

  /** One that is stalled is tried again; others are as they should be. */
  async resume(entityId: string): Promise<void> {
    const row = await this.get(entityId, false);
    if (row === undefined) throw new SignalboxError("NOT_FOUND", `There is no entity ${JSON.stringify(entityId)}.`);
    if (row.stalled === undefined) return;
    await this.#ports.ask({ kind: "row", ref: row.ref, row: { stalled: undefined } });
    this.#ports.revive(row.ref);
  }

  async query(...[filter, page]: Parameters<Hub["queryEntities"]>): Promise<InstancePage> {
    this.#ports.calls.checkOpen();
    return await this.#ports.store.instances({ ...filter, hub: this.#ports.hub, sort: "entities" }, page);
  }

  /** One page of entities: `next` is where the following call goes on. */
  async clean(...[{ removeEmpty, releaseOrphanedLocks, after }]: Parameters<Hub["cleanEntities"]>): ReturnType<Hub["cleanEntities"]> {
    const wanted = { limit: CLEANED_AT_ONCE, withPayloads: true, ...present({ after }) };
    const { rows, next } = await this.query({}, wanted);
    const answers = await Promise.all(
      rows.map(async (row) => ({
        isReleased: releaseOrphanedLocks && (await this.#releaseOrphaned(row)),
        isRemoved: removeEmpty && (await this.#removeEmpty(row)),
      })),
    );
    return {
      removed: answers.filter(({ isRemoved }) => isRemoved).length,
      released: answers.filter(({ isReleased }) => isReleased).length,
      ...present({ next }),
    };
  }

  async #removeEmpty({ hub, instanceId, entityState, entityLock, inboxLength }: InstanceRow): Promise<boolean> {
    if (entityState !== undefined || entityLock !== undefined || (inboxLength ?? 0) > 0) return false;
    // A message that came meanwhile keeps it: the store decides.
    return (await this.#ports.ask({ kind: "removeEntity", key: { hub, instanceId } })).kind === "purged";
  }

  /** E16: a lock whose holder does not live, or is in another execution, is released as its holder would have done it. */
  async #releaseOrphaned({ hub, instanceId, name, entityLock }: InstanceRow): Promise<boolean> {
    if (entityLock === undefined) return false;
    const holder = await this.#ports.store.instance({ hub, instanceId: entityLock.instanceId }, false);
    if (holder !== undefined && !isTerminal(holder.status) && holder.executionId === entityLock.executionId) return false;
    const unlock: EntityMessage = {
      kind: "EntityUnlockSent",
      eventId: -1,
      timestamp: this.#now(),
      criticalSectionId: entityLock.criticalSectionId,
      parentInstanceId: entityLock.instanceId,
      targetInstanceId: instanceId,
    };
    await this.#deliver({ hub, instanceId }, name, unlock, {});
    return true;
  }

  #deliver(
    to: InstanceKey,
    name: string,
    message: EntityMessage,
    options: { readonly dueAt?: number | undefined; readonly limit?: number; readonly once?: { key: string; until: number } | undefined },
  ): Promise<PartAnswer> {
    const executionId = asExecutionId(this.#ports.environment.ids.uuid());
    return this.#ports.ask({ kind: "deliverToEntity", to, name, executionId, message, at: this.#now(), ...present(options) });
  }

  #address(entityId: string): { readonly key: InstanceKey; readonly name: string } {
    const instanceId = canonicalEntityId(asInstanceId(checkName(entityId, "The entity's id", this.#ports.limits)));
    const name = entityName(instanceId);
    if (name !== undefined) return { key: { hub: this.#ports.hub, instanceId }, name };
    const message = `The entity id ${JSON.stringify(entityId)} is not of the form "@name@key".`;
    throw new SignalboxError("INVALID_ARGUMENT", message);
  }

  #now(): number {
    return this.#ports.environment.clock.now();
  }
}
