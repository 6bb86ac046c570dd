import { present } from "../engine/present.ts";
import { TERMINAL_STATUSES } from "../engine/start-child.ts";
import { SignalboxError } from "../model/errors.ts";
import { asInstanceId, type HubName, type InstanceKey } from "../model/ids.ts";
import type { Part, PartAnswer } from "../model/parts.ts";
import { isTerminal } from "../model/status.ts";
import type { Store } from "../store/store.ts";
import type { Engine } from "./engine.ts";

const PAGE = 500;

interface PurgePorts {
  readonly store: Store;
  readonly hub: HubName;
  readonly ask: (part: Part) => Promise<PartAnswer>;
}

/** Removes ended instances; with `recurse` also their ended children. Living ones stay. */
export async function purgeInstances(ports: PurgePorts, target: Parameters<Engine["purge"]>[0], recurse: boolean): Promise<number> {
  if (typeof target === "string") return await purgeOne(ports, { hub: ports.hub, instanceId: asInstanceId(target) }, recurse, true);
  const status = (target.status ?? TERMINAL_STATUSES).filter(isTerminal);
  const filter = { hub: ports.hub, status, ...present({ createdTo: target.createdTo?.getTime() }) };
  let purged = 0;
  if (status.length === 0) return 0;
  for (let after: string | undefined, isLast = false; !isLast; ) {
    const page = await ports.store.instances(filter, { limit: PAGE, withPayloads: false, ...present({ after }) });
    const counts = await Promise.all(page.rows.map((row) => purgeOne(ports, row, recurse, false)));
    purged += counts.reduce((sum, count) => sum + count, 0);
    after = page.next;
    isLast = after === undefined;
  }
  return purged;
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
  throw new SignalboxError("FAILED_PRECONDITION", `Instance ${JSON.stringify(instanceId)} is active: terminate it before it is purged.`);
}
