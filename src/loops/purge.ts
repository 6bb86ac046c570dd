import { TERMINAL_STATUSES } from "../engine/start-child.ts";
import { SignalboxError } from "../model/errors.ts";
import type { HubName, InstanceId, InstanceKey } from "../model/ids.ts";
import type { Part, PartAnswer } from "../model/parts.ts";
import { present } from "../model/present.ts";
import { isTerminal } from "../model/status.ts";
import type { Store } from "../store/store.ts";
import type { PurgeTarget } from "./hub.ts";

const PAGE = 500;

export interface PurgePorts {
  readonly store: Store;
  readonly hub: HubName;
  readonly ask: (part: Part) => Promise<PartAnswer>;
}

/** Removes one ended instance; with `recurse` also its ended children. Living ones stay. Answers how many went. */
export async function purgeInstance(ports: PurgePorts, instanceId: InstanceId, recurse: boolean): Promise<number> {
  return await purgeOne(ports, { hub: ports.hub, instanceId }, recurse, true);
}

/** The ended ones that are meant. `isLate` is asked between pages; what is left then stays. */
export async function purgeInstances(
  ports: PurgePorts,
  target: PurgeTarget,
  recurse: boolean,
  isLate: () => boolean,
): Promise<{ readonly deleted: number; readonly isComplete: boolean }> {
  const status = (target.status ?? TERMINAL_STATUSES).filter(isTerminal);
  const { createdFrom, createdTo } = target;
  const filter = { hub: ports.hub, status, ...present({ createdFrom, createdTo }) };
  let deleted = 0;
  if (status.length === 0) return { deleted, isComplete: true };
  for (let after: string | undefined; ; ) {
    const page = await ports.store.instances(filter, { limit: PAGE, withPayloads: false, ...present({ after }) });
    const counts = await Promise.all(page.rows.map((row) => purgeOne(ports, row, recurse, false)));
    for (const count of counts) deleted += count;
    after = page.next;
    if (after === undefined) return { deleted, isComplete: true };
    if (isLate()) return { deleted, isComplete: false };
  }
}

async function purgeOne(ports: PurgePorts, { hub, instanceId }: InstanceKey, recurse: boolean, isAsked: boolean): Promise<number> {
  const key = { hub, instanceId };
  const row = await ports.store.instance(key, false);
  const children = recurse && row !== undefined && isTerminal(row.status) ? await ports.store.children(key) : [];
  const answer = await ports.ask({ kind: "purge", key });
  if (answer.kind === "purged") {
    const counts = await Promise.all(children.map((child) => purgeOne(ports, child, true, false)));
    return counts.reduce((sum, count) => sum + count, 1);
  }
  if (!isAsked || answer.kind !== "notPurged") return 0;
  if (answer.why === "absent") throw new SignalboxError("NOT_FOUND", `There is no instance ${JSON.stringify(instanceId)}.`);
  throw stillActive(instanceId);
}

export function stillActive(instanceId: string): SignalboxError {
  return new SignalboxError("FAILED_PRECONDITION", `Instance ${JSON.stringify(instanceId)} is active: terminate it before it is purged.`);
}
