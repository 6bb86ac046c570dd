import { entityName } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import type { Value } from "./context.ts";
import type { Entity, EntityContext, EntityOperationHandler } from "./entity.ts";

/** Operations by name. Names are compared as they are written. */
export interface EntityOperations<State> {
  readonly [operation: string]: EntityOperationHandler<State>;
}

/**
 * Names an entity. Its operations are given by name, or as one function that serves them all by `context.operation`. Where
 * none is named "delete", that operation deletes the state.
 */
export function defineEntity<State>(
  name: string,
  operations: EntityOperations<State> | ((context: EntityContext<State>, input: Value) => unknown),
): Entity<State> {
  const canonical = entityName(`@${name}@`);
  if (canonical === undefined || name.includes("@")) {
    throw new SignalboxError("INVALID_ARGUMENT", `${JSON.stringify(name)} cannot name an entity: a name is not empty and has no "@".`);
  }
  const run = typeof operations === "function" ? operations : byName(canonical, operations);
  return { kind: "entity", name: canonical, run };
}

function byName<State>(name: string, operations: EntityOperations<State>): Entity<State>["run"] {
  return (context, input) => {
    const { operation } = context;
    const handler = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
    if (handler !== undefined) return handler(context, input as never);
    if (operation === "delete") return context.deleteState();
    const known = Object.keys(operations).map((each) => JSON.stringify(each));
    throw new UnknownOperation(`Entity ${JSON.stringify(name)} has no operation ${JSON.stringify(operation)}; it has ${known.join(", ")}.`);
  };
}

class UnknownOperation extends Error {
  override readonly name = "UnknownOperation";
}
