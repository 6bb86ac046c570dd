import { canonicalEntityId, entityName } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import { asInstanceId, type InstanceId } from "../model/ids.ts";

/** Which entity is meant: its name (compared without case) and key, or both as the text `@name@key`. */
export type EntityId = string | { readonly name: string; readonly key: string };

export function entityIdOf(id: EntityId): InstanceId {
  const text = typeof id === "string" ? id : `@${id.name}@${id.key}`;
  if (entityName(text) === undefined || (typeof id === "object" && id.name.includes("@"))) {
    const hint = 'Give its name, which is not empty and has no "@", and its key: { name, key } or "@name@key".';
    throw new SignalboxError("INVALID_ARGUMENT", `${JSON.stringify(text)} is not the id of an entity. ${hint}`);
  }
  return canonicalEntityId(asInstanceId(text));
}
