// Rows of instances and entities as clients see them.

import { asExecutionId, asInstanceId, type InstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import type { Payload } from "../model/payload.ts";
import { present } from "../model/present.ts";
import { failureFromWire, failureToWire } from "./failures.ts";
import type { EntityMetadata, OrchestrationState } from "./generated/durable_task_pb.ts";
import { statusFromWire, statusToWire } from "./statuses.ts";
import { instanceTagsFromWire, instanceTagsToWire } from "./tags.ts";
import { optionalTimestampFromWire, optionalTimestampToWire, timestampToWire } from "./timestamps.ts";

/** What a row tells to clients. */
export interface SeenInstance
  extends Pick<
    InstanceRow,
    | "instanceId"
    | "executionId"
    | "name"
    | "version"
    | "status"
    | "stalled"
    | "input"
    | "output"
    | "failure"
    | "customStatus"
    | "createdAt"
    | "updatedAt"
    | "completedAt"
    | "scheduledStartAt"
    | "tags"
  > {
  readonly parentInstanceId?: InstanceId;
}

export interface SeenEntity {
  readonly instanceId: InstanceId;
  readonly updatedAt: number;
  readonly inboxLength: number;
  /** The instance that holds it. */
  readonly lockedBy?: InstanceId;
  readonly state?: Payload;
}

/** `withPayloads`: input, output and custom status too; what is wrong with a failed one is always told. */
export function instanceToWire(row: InstanceRow, withPayloads: boolean): OrchestrationState {
  return {
    $typeName: "OrchestrationState",
    instanceId: row.instanceId,
    name: row.name,
    version: row.version,
    orchestrationStatus: statusToWire(row.status),
    scheduledStartTimestamp: optionalTimestampToWire(row.scheduledStartAt),
    createdTimestamp: timestampToWire(row.createdAt),
    lastUpdatedTimestamp: timestampToWire(row.updatedAt),
    input: withPayloads ? row.input : undefined,
    output: withPayloads ? row.output : undefined,
    customStatus: withPayloads ? row.customStatus : undefined,
    failureDetails: row.failure === undefined ? undefined : failureToWire(row.failure),
    executionId: row.executionId,
    completedTimestamp: optionalTimestampToWire(row.completedAt),
    parentInstanceId: row.parent?.instanceId,
    tags: instanceTagsToWire(row),
  };
}

export function instanceFromWire(state: OrchestrationState): SeenInstance {
  const { failureDetails, parentInstanceId } = state;
  return {
    instanceId: asInstanceId(state.instanceId),
    executionId: asExecutionId(state.executionId ?? ""),
    name: state.name,
    status: statusFromWire(state.orchestrationStatus),
    createdAt: optionalTimestampFromWire(state.createdTimestamp) ?? 0,
    updatedAt: optionalTimestampFromWire(state.lastUpdatedTimestamp) ?? 0,
    ...present({
      version: state.version,
      input: state.input,
      output: state.output,
      failure: failureDetails === undefined ? undefined : failureFromWire(failureDetails),
      customStatus: state.customStatus,
      completedAt: optionalTimestampFromWire(state.completedTimestamp),
      scheduledStartAt: optionalTimestampFromWire(state.scheduledStartTimestamp),
      ...instanceTagsFromWire(state.tags),
      parentInstanceId: parentInstanceId === undefined ? undefined : asInstanceId(parentInstanceId),
    }),
  };
}

export function entityToWire(row: InstanceRow, withState: boolean): EntityMetadata {
  return {
    $typeName: "EntityMetadata",
    instanceId: row.instanceId,
    lastModifiedTime: timestampToWire(row.updatedAt),
    backlogQueueSize: row.inboxLength ?? 0,
    lockedBy: row.entityLock?.instanceId,
    serializedState: withState ? row.entityState : undefined,
  };
}

export function entityFromWire({ instanceId, lastModifiedTime, backlogQueueSize, lockedBy, serializedState }: EntityMetadata): SeenEntity {
  return {
    instanceId: asInstanceId(instanceId),
    updatedAt: optionalTimestampFromWire(lastModifiedTime) ?? 0,
    inboxLength: backlogQueueSize,
    ...present({ lockedBy: lockedBy === undefined ? undefined : asInstanceId(lockedBy), state: serializedState }),
  };
}
