// What an entity defined in TypeScript is, and what its operations see.

import type { Orchestrator, SignalOptions, Value } from "./context.ts";
import type { EntityId } from "./entity-id.ts";

export interface StartOptions {
  /** Absent: made from the operation's request, so that a repeated batch starts the same instance. */
  readonly instanceId?: string;
  readonly version?: string;
  /** Not started before that moment. */
  readonly at?: Date;
}

/**
 * One operation's view of its entity. What it changes and sends counts only if it succeeds: one that throws fails alone, and
 * is as if it had never been (but for its failure, which a caller gets). After the operation has ended calls do nothing.
 */
export interface EntityContext<State> {
  /** `@name@key`, the name in lower case. */
  readonly id: string;
  readonly name: string;
  readonly key: string;
  readonly operation: string;
  /** Undefined: the entity has no state. Changes to the value count when it is set again. */
  getState(): State | undefined;
  setState(state: State): void;
  /** An entity without state does not exist, until an operation sets one. */
  deleteState(): void;
  signalEntity(entity: EntityId, operation: string, input?: Value, options?: SignalOptions): void;
  /** Answers the id. Nothing happens if an active instance has it already. */
  startOrchestration(name: string, input?: Value, options?: StartOptions): string;
  startOrchestration<Input>(orchestrator: Orchestrator<Input, unknown>, input: Input, options?: StartOptions): string;
}

/** An operation: its result goes to a caller, its failure is what it throws. */
export type EntityOperationHandler<State> = (context: EntityContext<State>, input: never) => unknown;

export interface Entity<State> {
  readonly kind: "entity";
  /** In lower case. */
  readonly name: string;
  readonly run: (context: EntityContext<State>, input: Value) => unknown;
}

/** Whatever its state. */
export type AnyEntity = Entity<never>;
