// The state machine of an entity's queue: what becomes of each message while the queue is walked. docs/spec/entity.md shows
// the same table; a test compares them.

import type { EntityLock } from "../model/entity.ts";
import type { EntityOperationCalled, EntityUnlockSent, Message } from "../model/events.ts";

export const ENTITY_PHASES = ["Free", "Held", "Closed"] as const;
/** `Closed`: something stands before that has to be settled first, or the batch is full. */
export type EntityPhase = (typeof ENTITY_PHASES)[number];

export const ENTITY_MESSAGE_CLASSES = ["early", "own", "operation", "request", "release", "astray"] as const;
/**
 * `early` is an operation before its time, `own` a call of the execution that holds the entity, `request` asks for the lock,
 * `release` is the unlock of the section that holds it. Whatever else comes is `astray`.
 */
export type EntityMessageClass = (typeof ENTITY_MESSAGE_CLASSES)[number];

/**
 * `serve`: the batch gets it. `wait`: it stays where it is. `lock`, `unlock`: the entity is held or free from here on; behind
 * operations of the batch it waits for them instead, and closes the walk. `drop`: consumed without effect.
 */
export type EntityVerdict = "serve" | "wait" | "lock" | "unlock" | "drop";

export const ENTITY_RULES: { readonly [P in EntityPhase]: { readonly [M in EntityMessageClass]: EntityVerdict } } = {
  Free: { early: "wait", own: "serve", operation: "serve", request: "lock", release: "drop", astray: "drop" },
  Held: { early: "wait", own: "serve", operation: "wait", request: "wait", release: "unlock", astray: "drop" },
  Closed: { early: "wait", own: "wait", operation: "wait", request: "wait", release: "wait", astray: "drop" },
};

export function classifyForEntity(message: Message, lock: EntityLock | undefined, now: number): EntityMessageClass {
  switch (message.kind) {
    case "EntityOperationSignaled":
      return isEarly(message, now) ? "early" : "operation";
    case "EntityOperationCalled":
      if (isEarly(message, now)) return "early";
      return lock !== undefined && isOwn(message, lock) ? "own" : "operation";
    case "EntityLockRequested":
      return "request";
    case "EntityUnlockSent":
      return lock !== undefined && releases(message, lock) ? "release" : "astray";
    default:
      return "astray";
  }
}

export const isEarly = ({ scheduledAt }: { readonly scheduledAt?: number }, now: number): boolean =>
  scheduledAt !== undefined && scheduledAt > now;

const isOwn = (call: EntityOperationCalled, lock: EntityLock): boolean =>
  call.parentInstanceId === lock.instanceId && call.parentExecutionId === lock.executionId;

const releases = (unlock: EntityUnlockSent, lock: EntityLock): boolean =>
  unlock.criticalSectionId === lock.criticalSectionId && unlock.parentInstanceId === lock.instanceId;
