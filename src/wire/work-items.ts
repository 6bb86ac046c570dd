// Work items as a whole. Turns are encoded by hand (turns.ts).

import { toBinary } from "@bufbuild/protobuf";
import type { ActivityItem, CompletionToken, EntityItem } from "../model/work-item.ts";
import { activityFromWire, activityToWire, type ReceivedActivity } from "./activities.ts";
import { batchFromWire, batchToWire, entityRequestFromWire, entityRequestToWire, type ReceivedBatch } from "./entity-work.ts";
import { type WorkItem as WireWorkItem, WorkItemSchema } from "./generated/durable_task_pb.ts";
import { type ReceivedTurn, turnFromWire } from "./turns.ts";

export type ReceivedWork = ReceivedTurn | ReceivedActivity | ReceivedBatch;

export const HEALTH_PING: Uint8Array = encode({ case: "healthPing", value: { $typeName: "HealthPing" } }, "");

export function activityItemToBytes(item: ActivityItem, toOurs: boolean): Uint8Array {
  return encode({ case: "activityRequest", value: activityToWire(item, toOurs) }, item.token);
}

/** `version` is that of the request: 2 holds the operations as history events. */
export function entityItemToBytes(item: EntityItem, version: 1 | 2): Uint8Array {
  return version === 1
    ? encode({ case: "entityRequest", value: batchToWire(item) }, item.token)
    : encode({ case: "entityRequestV2", value: entityRequestToWire(item) }, item.token);
}

/** Undefined: a health ping, or something that this version does not know. */
export function workItemFromWire({ request, completionToken }: WireWorkItem): ReceivedWork | undefined {
  switch (request.case) {
    case "orchestratorRequest":
      return turnFromWire(completionToken, request.value);
    case "activityRequest":
      return activityFromWire(completionToken, request.value);
    case "entityRequest":
      return batchFromWire(completionToken, request.value);
    case "entityRequestV2":
      return entityRequestFromWire(completionToken, request.value);
    case "healthPing":
    case undefined:
      return undefined;
    default:
      return request satisfies never;
  }
}

function encode(request: WireWorkItem["request"], completionToken: CompletionToken): Uint8Array {
  return toBinary(WorkItemSchema, { $typeName: "WorkItem", request, completionToken });
}
