// How an orchestration speaks with entities: signals, calls, and one critical section at a time (E16).

import { sortedLockSet } from "../engine/entity-message.ts";
import { SignalboxError } from "../model/errors.ts";
import type { EntityMessage } from "../model/events.ts";
import type { ExecutionId, InstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import type { CriticalSection, SignalOptions, Value } from "./context.ts";
import { type EntityId, entityIdOf } from "./entity-id.ts";
import { EntityError } from "./errors.ts";
import { guidOf } from "./guid.ts";
import type { TurnFace } from "./turn-face.ts";

/** What a context lends to it. */
export interface EntityCallsPorts {
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  /** Undefined if the call must do nothing. */
  readonly enter: (call: string) => TurnFace | undefined;
  readonly encode: (live: TurnFace, value: unknown, what: string) => Payload | undefined;
}

interface Section {
  readonly id: string;
  readonly lockSet: readonly InstanceId[];
  /** Undefined before the locks are granted. */
  available: Set<InstanceId> | undefined;
}

export class EntityCalls {
  readonly #ports: EntityCallsPorts;
  #section: Section | undefined;

  constructor(ports: EntityCallsPorts) {
    this.#ports = ports;
  }

  get isInCriticalSection(): boolean {
    return this.#section?.available !== undefined;
  }

  signal(entity: EntityId, operation: string, input: unknown, { at }: SignalOptions): void {
    const live = this.#ports.enter("signalEntity");
    if (live === undefined) return;
    const targetInstanceId = entityIdOf(entity);
    if (this.#section?.lockSet.includes(targetInstanceId) === true) {
      throw misuse(
        `${quoted(targetInstanceId)} is locked by this critical section and would take no signal before its end: call it instead`,
      );
    }
    const scheduledAt = at === undefined ? undefined : at.valueOf();
    if (scheduledAt !== undefined && !Number.isFinite(scheduledAt)) throw misuse(`${String(at)} is no moment; give a valid Date`);
    const payload = this.#ports.encode(live, input, `The input of operation ${quoted(operation)}`);
    this.#send(live, (requestId) => ({
      kind: "EntityOperationSignaled",
      ...UNRECORDED,
      requestId,
      operation,
      targetInstanceId,
      ...(scheduledAt !== undefined && { scheduledAt }),
      ...(payload !== undefined && { input: payload }),
    }));
  }

  call(entity: EntityId, operation: string, input: unknown): Promise<Value> {
    const live = this.#ports.enter("callEntity");
    return new Promise((resolve, reject) => {
      if (live === undefined) return;
      const targetInstanceId = entityIdOf(entity);
      const available = this.#reserve(targetInstanceId);
      const payload = this.#ports.encode(live, input, `The input of operation ${quoted(operation)}`);
      const requestId = this.#send(live, (id) => ({
        kind: "EntityOperationCalled",
        ...UNRECORDED,
        ...this.#parent,
        requestId: id,
        operation,
        targetInstanceId,
        ...(payload !== undefined && { input: payload }),
      }));
      live.expect(requestId, {
        resolve: (value) => {
          available?.add(targetInstanceId);
          resolve(value);
        },
        reject: (failure) => {
          available?.add(targetInstanceId);
          reject(new EntityError(targetInstanceId, operation, failure));
        },
      });
    });
  }

  lock(entities: readonly EntityId[]): Promise<CriticalSection> {
    const live = this.#ports.enter("lockEntities");
    return new Promise((resolve, reject) => {
      if (live === undefined) return;
      if (this.#section !== undefined) throw misuse("a critical section is open or asked for already: release it before the next one");
      if (entities.length === 0) throw misuse("ctx.lockEntities needs at least one entity");
      const lockSet = sortedLockSet(entities.map(entityIdOf));
      const id = this.#send(live, (criticalSectionId) => ({
        kind: "EntityLockRequested",
        ...UNRECORDED,
        ...this.#parent,
        criticalSectionId,
        lockSet,
        position: 0,
      }));
      const section: Section = { id, lockSet, available: undefined };
      this.#section = section;
      const granted = (): void => {
        section.available = new Set(lockSet);
        const release = (): void => this.#release(section);
        resolve({ entities: lockSet, release, [Symbol.dispose]: release });
      };
      live.expect(id, { resolve: granted, reject });
    });
  }

  /** In a critical section only what it has locked is called, one call at a time; another order could wait for itself. */
  #reserve(entity: InstanceId): Set<InstanceId> | undefined {
    const section = this.#section;
    if (section === undefined) return undefined;
    const { available, lockSet } = section;
    if (available === undefined) throw misuse("locks are asked for: await ctx.lockEntities before the next call of an entity");
    if (!lockSet.includes(entity))
      throw misuse(`${quoted(entity)} is not locked by this critical section: lock it too, or call it outside`);
    if (!available.delete(entity)) throw misuse(`${quoted(entity)} has a call of this critical section that is not answered yet: await it`);
    return available;
  }

  #release(section: Section): void {
    if (this.#section !== section) return;
    const live = this.#ports.enter("release");
    if (live === undefined) return;
    this.#section = undefined;
    for (const targetInstanceId of section.lockSet) {
      const { parentInstanceId } = this.#parent;
      const criticalSectionId = section.id;
      this.#send(live, () => ({ kind: "EntityUnlockSent", ...UNRECORDED, criticalSectionId, parentInstanceId, targetInstanceId }));
    }
  }

  get #parent(): { readonly parentInstanceId: InstanceId; readonly parentExecutionId: ExecutionId } {
    return { parentInstanceId: this.#ports.instanceId, parentExecutionId: this.#ports.executionId };
  }

  /** Answers the id of the request, which is the same in every replay. */
  #send(live: TurnFace, make: (requestId: string) => EntityMessage): string {
    const id = live.nextActionId();
    const requestId = guidOf(`entity ${id} ${this.#ports.executionId}`);
    live.ask({ kind: "SendEntityMessage", id, message: make(requestId) });
    return requestId;
  }
}

/** The engine says when a message is recorded, and under which id. */
const UNRECORDED = { eventId: -1, timestamp: 0 };

const quoted = (text: string): string => JSON.stringify(text);
const misuse = (problem: string): SignalboxError => new SignalboxError("FAILED_PRECONDITION", `An entity was not reached: ${problem}.`);
