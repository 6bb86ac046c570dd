// Sorts what waits for an entity: what the engine does about locks itself, which operations a worker gets next, what waits.

import type { EntityLock, EntityOperation } from "../model/entity.ts";
import type { EntityLockRequested, EntityUnlockSent } from "../model/events.ts";
import { classifyForEntity, ENTITY_RULES, type EntityPhase } from "./entity-rules.ts";
import type { InstanceState } from "./state.ts";
import type { Waiting } from "./triage.ts";

/** An operation as it waits. */
export interface WaitingOperation extends Waiting {
  readonly message: EntityOperation;
}

/** What a lock's way through an entity makes it send. */
export type LockStep =
  /** The next entity of the lock set is asked, or, behind the last one, the execution that asked is told. */
  | { readonly kind: "locked"; readonly request: EntityLockRequested }
  /** The unlock goes on to the next entity of the lock set: a request may be under way to it. */
  | { readonly kind: "unlocked"; readonly lock: EntityLock };

/** What the engine does itself, in one commit and before the batch: `applyEntitySystem`. */
export interface EntitySystemWork {
  /** Messages that it consumes. */
  readonly settled: readonly Waiting[];
  readonly steps: readonly LockStep[];
  /** Who holds the entity afterwards. */
  readonly lock: EntityLock | undefined;
}

export interface EntityTriage {
  /** Absent if there is nothing to do. */
  readonly system: EntitySystemWork | undefined;
  /** For a worker, in order, once the system work is committed. Empty for a stalled entity. */
  readonly batch: readonly WaitingOperation[];
  /** What stays behind the batch, in order. */
  readonly waiting: readonly Waiting[];
  /** The earliest moment at which an operation that waits for its time may be served. */
  readonly wakeAt: number | undefined;
}

export function triageEntity(state: InstanceState, queue: readonly Waiting[], now: number, maxBatch: number): EntityTriage {
  const { entityLock, stalled } = state.row;
  return new EntitySorting(entityLock, now, stalled === undefined ? maxBatch : 0).walk(queue);
}

class EntitySorting {
  readonly #now: number;
  readonly #maxBatch: number;
  readonly #settled: Waiting[] = [];
  readonly #steps: LockStep[] = [];
  readonly #batch: WaitingOperation[] = [];
  #waiting: Waiting[] = [];
  #lock: EntityLock | undefined;
  #phase: EntityPhase = "Free";
  #wakeAt: number | undefined;

  constructor(lock: EntityLock | undefined, now: number, maxBatch: number) {
    this.#lock = lock;
    this.#now = now;
    this.#maxBatch = maxBatch;
  }

  walk(queue: readonly Waiting[]): EntityTriage {
    let rest = this.#withoutCancelled(queue);
    for (let next = this.#pass(rest); next !== undefined; next = this.#pass(rest)) rest = next;
    const system = this.#settled.length === 0 ? undefined : { settled: this.#settled, steps: this.#steps, lock: this.#lock };
    return { system, batch: this.#batch, waiting: this.#waiting, wakeAt: this.#wakeAt };
  }

  /** An unlock takes back a request of its section that still waits here; both are settled by that. */
  #withoutCancelled(queue: readonly Waiting[]): readonly Waiting[] {
    const gone = new Set<Waiting>();
    const requests: Waiting[] = [];
    for (const waiting of queue) {
      const { message } = waiting;
      if (message.kind === "EntityLockRequested") requests.push(waiting);
      if (message.kind !== "EntityUnlockSent") continue;
      const request = requests.find((each) => !gone.has(each) && isTakenBack(each, message));
      if (request !== undefined) gone.add(request).add(waiting);
    }
    if (gone.size === 0) return queue;
    this.#settled.push(...gone);
    return queue.filter((waiting) => !gone.has(waiting));
  }

  /** One walk over the queue. Answers what is left of it if the entity has been unlocked: then it is walked again. */
  #pass(queue: readonly Waiting[]): readonly Waiting[] | undefined {
    this.#phase = this.#lock === undefined ? "Free" : "Held";
    this.#waiting = [];
    this.#wakeAt = undefined;
    for (const [index, waiting] of queue.entries()) {
      const lock = this.#lock;
      if (!this.#admit(waiting)) this.#waiting.push(waiting);
      if (lock !== undefined && this.#lock === undefined) return [...this.#waiting, ...queue.slice(index + 1)];
    }
    return undefined;
  }

  /** False if the message has to wait. */
  #admit(waiting: Waiting): boolean {
    const { message } = waiting;
    const kind = classifyForEntity(message, this.#lock, this.#now);
    const verdict = ENTITY_RULES[this.#phase][kind];
    switch (verdict) {
      case "serve":
        if (!isOperation(waiting)) throw new TypeError(`a ${message.kind} is no operation`);
        if (this.#batch.length >= this.#maxBatch) return this.#close();
        this.#batch.push(waiting);
        return true;
      case "lock":
        if (message.kind !== "EntityLockRequested") throw new TypeError(`a ${message.kind} asks for no lock`);
        if (this.#batch.length > 0) return this.#close();
        this.#lock = lockOf(message);
        this.#phase = "Held";
        this.#steps.push({ kind: "locked", request: message });
        break;
      case "unlock":
        if (this.#lock === undefined) throw new TypeError("nobody holds the entity");
        if (this.#batch.length > 0) return this.#close();
        this.#steps.push({ kind: "unlocked", lock: this.#lock });
        this.#lock = undefined;
        break;
      case "wait":
        if (kind === "early" && isOperation(waiting)) this.#wakeAt = Math.min(this.#wakeAt ?? Infinity, waiting.message.scheduledAt ?? 0);
        return false;
      case "drop":
        break;
      default:
        verdict satisfies never;
    }
    this.#settled.push(waiting);
    return true;
  }

  #close(): false {
    this.#phase = "Closed";
    return false;
  }
}

function isTakenBack({ message }: Waiting, unlock: EntityUnlockSent): boolean {
  if (message.kind !== "EntityLockRequested") return false;
  return message.criticalSectionId === unlock.criticalSectionId && message.parentInstanceId === unlock.parentInstanceId;
}

function isOperation(waiting: Waiting): waiting is WaitingOperation {
  const { kind } = waiting.message;
  return kind === "EntityOperationCalled" || kind === "EntityOperationSignaled";
}

function lockOf({ criticalSectionId, parentInstanceId, parentExecutionId, lockSet, position }: EntityLockRequested): EntityLock {
  return { criticalSectionId, instanceId: parentInstanceId, executionId: parentExecutionId, lockSet, position };
}
