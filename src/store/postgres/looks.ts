// What the rules will look at in a batch, gathered before they run: they run over memory, and the server is asked once.

import type { EncodedPart } from "../encoding/parts.ts";

export interface ActivityName {
  readonly ref: number;
  readonly executionId: string;
  readonly actionId: number;
}

export interface Looks {
  /** Instances by number, and by their id; the wide ones are locked in the order of their numbers. */
  readonly refs: Set<number>;
  readonly keys: (readonly [hub: string, instanceId: string])[];
  /** Those of the keys whose inbox is counted. */
  readonly counted: (readonly [hub: string, instanceId: string])[];
  readonly parents: number[];
  readonly activities: ActivityName[];
  readonly deliveries: (readonly [hub: string, key: string])[];
  readonly clearedHub: { readonly hub: string; readonly limit: number } | undefined;
  /** Numbers that may be needed: of messages, besides one for each child of the parents, and of instances. */
  inboxKeys: number;
  newRefs: number;
}

/** `knows` says that the head of an instance is in memory, and can only be changed by this node. */
export function looksOf(parts: readonly EncodedPart[], knows: (ref: number) => boolean): Looks | undefined {
  const looks: Looks = {
    refs: new Set(),
    keys: [],
    counted: [],
    parents: [],
    activities: [],
    deliveries: [],
    clearedHub: parts.map((part) => (part.kind === "clearHub" ? part : undefined)).find((part) => part !== undefined),
    inboxKeys: 0,
    newRefs: 0,
  };
  let isAsking = looks.clearedHub !== undefined;
  for (const part of parts) isAsking = look(looks, part, knows) || isAsking;
  // Children may be born in the batch itself.
  looks.inboxKeys += looks.parents.length * looks.newRefs;
  return isAsking ? looks : undefined;
}

/** True if the part cannot be decided on what is in memory. */
function look(looks: Looks, part: EncodedPart, knows: (ref: number) => boolean): boolean {
  switch (part.kind) {
    case "turn":
    case "row":
      looks.refs.add(part.ref);
      return !knows(part.ref);
    case "start":
      looks.keys.push([part.row.hub, part.row.instanceId]);
      looks.newRefs += 1;
      if (part.ifTaken !== null && part.row.parentRef !== null) {
        looks.refs.add(part.row.parentRef);
        looks.inboxKeys += 1;
      }
      return true;
    case "deliver":
      looks.keys.push([part.hub, part.instanceId]);
      if (part.limit !== null) looks.counted.push([part.hub, part.instanceId]);
      if (part.once !== null) looks.deliveries.push([part.hub, part.once.key]);
      looks.inboxKeys += 1;
      return true;
    case "deliverToEntity": {
      const { hub, instanceId } = part.row;
      looks.keys.push([hub, instanceId]);
      if (part.limit !== null) looks.counted.push([hub, instanceId]);
      if (part.once !== null) looks.deliveries.push([hub, part.once.key]);
      looks.inboxKeys += 1;
      looks.newRefs += 1;
      return true;
    }
    case "rewind":
      looks.keys.push([part.hub, part.instanceId]);
      if (part.ifGone !== null) looks.refs.add(part.ifGone.parentRef);
      looks.inboxKeys += 1;
      return true;
    case "removeEntity":
      looks.keys.push([part.hub, part.instanceId]);
      looks.counted.push([part.hub, part.instanceId]);
      return true;
    case "purge":
      looks.keys.push([part.hub, part.instanceId]);
      return true;
    case "deliverToChildren":
      looks.parents.push(part.parentRef);
      return true;
    case "settle":
      looks.refs.add(part.ref);
      looks.activities.push(part);
      looks.inboxKeys += 1;
      return true;
    case "attempt":
      looks.activities.push(part);
      return true;
    case "release":
      for (const ref of part.refs) looks.refs.add(ref);
      return !part.refs.every(knows);
    default:
      return false;
  }
}
