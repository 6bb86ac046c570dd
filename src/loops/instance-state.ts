import { entityName } from "../model/entity.ts";
import type { InstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import type { Payload } from "../model/payload.ts";
import { present } from "../model/present.ts";
import type { Value } from "../runtime/context.ts";
import { decodeValue } from "../runtime/values.ts";
import type { EntityState, InstanceState } from "./engine.ts";

/** Of a row, what callers are shown. */
export type ShownRow = Pick<
  InstanceRow,
  | "instanceId"
  | "executionId"
  | "name"
  | "version"
  | "status"
  | "stalled"
  | "failure"
  | "tags"
  | "input"
  | "output"
  | "customStatus"
  | "createdAt"
  | "updatedAt"
  | "completedAt"
> & { readonly parent?: { readonly instanceId: InstanceId }; readonly historyLength?: number };

/** A row as callers see it. */
export function instanceState(row: ShownRow): InstanceState {
  const { instanceId, executionId, name, version, status, stalled, failure, parent, tags, historyLength } = row;
  return {
    instanceId,
    executionId,
    name,
    status,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    tags: tags ?? {},
    ...present({
      historyLength,
      version,
      stalled,
      failure,
      input: shown(row.input),
      output: shown(row.output),
      customStatus: shown(row.customStatus),
      completedAt: row.completedAt === undefined ? undefined : new Date(row.completedAt),
      parentInstanceId: parent?.instanceId,
    }),
  };
}

/** Of an entity's row, what callers are shown. */
export type ShownEntity = Pick<InstanceRow, "instanceId" | "updatedAt" | "entityState" | "inboxLength"> & {
  readonly entityLock?: { readonly instanceId: InstanceId };
};

export function entityState({ instanceId, updatedAt, entityState, inboxLength = 0, entityLock }: ShownEntity): EntityState {
  const name = entityName(instanceId) ?? "";
  return {
    id: instanceId,
    name,
    key: instanceId.slice(name.length + 2),
    updatedAt: new Date(updatedAt),
    waiting: inboxLength,
    ...present({ state: shown(entityState), lockedBy: entityLock?.instanceId }),
  };
}

/** What another program wrote need not be JSON: it is shown as it is. */
function shown(payload: Payload | undefined): Value {
  try {
    return decodeValue(payload);
  } catch {
    return payload;
  }
}
