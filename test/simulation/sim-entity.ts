// What the entities of a simulation do. The same code serves those of the engine's process and those of workers.

import { defineEntity } from "../../src/runtime/define-entity.ts";
import type { AnyEntity } from "../../src/runtime/entity.ts";
import { PRIVATE_ENTITIES } from "./interpreter.ts";
import type { Place } from "./program.ts";

export interface OperationInput {
  /** Who sends. */
  readonly from: string;
  /** Grows with each operation that it sends to this entity; absent where the order is free. */
  readonly sequence?: number;
  readonly amount: number;
}

interface State {
  readonly total: number;
  /** What is read and written under a lock. */
  readonly guarded: number;
}

/** Shared ones, and those that programs keep for themselves. */
export const ENTITY_NAMES: { readonly [Where in Place]: readonly string[] } = {
  here: ["desk", PRIVATE_ENTITIES.here],
  elsewhere: ["stock", PRIVATE_ENTITIES.elsewhere],
};

export function simulatedEntities(where: Place): readonly AnyEntity[] {
  return ENTITY_NAMES[where].map((name) =>
    defineEntity<State>(name, {
      add: (context, { amount }: OperationInput) => {
        const state = context.getState() ?? NOTHING;
        context.setState({ ...state, total: state.total + amount });
        return amount * 2;
      },
      total: (context, { amount }: OperationInput) => {
        const state = context.getState() ?? NOTHING;
        context.setState({ ...state, total: state.total + amount });
        return state.total + amount;
      },
      read: (context) => (context.getState() ?? NOTHING).guarded,
      write: (context, { amount }: OperationInput) => {
        const state = context.getState() ?? NOTHING;
        if (state.guarded !== amount - 1) return `somebody else has written ${state.guarded}`;
        context.setState({ ...state, guarded: amount });
        return "written";
      },
      relay: (context, input: OperationInput) => {
        context.signalEntity("@desk@shared", "add", { from: "relayed", amount: input.amount });
        return null;
      },
    }),
  );
}

const NOTHING: State = { total: 0, guarded: 0 };
