// Everything a store holds, as a canonical value: two stores after the same commits answer the same. The store's own
// numbers (refs, inbox keys, orders) are left out, what they order is not.

import { isEntityId } from "../../src/model/entity.ts";
import { asHubName } from "../../src/model/ids.ts";
import type { ActivityRow, DueTimer, InstanceRow, Store, StoredInstance } from "../../src/store/store.ts";

const PAGE = 1000;

export async function dumpRows(store: Store, hubs: readonly string[]): Promise<readonly object[]> {
  const timers = await store.dueTimers(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const activities = await allActivities(store);
  const dump: object[] = [];
  for (const row of await allInstances(store, hubs)) {
    const stored = await store.load(row.ref);
    if (stored === undefined) throw new Error(`a listed instance cannot be loaded: ${row.instanceId}`);
    const { ref, ...fields } = stored.row;
    dump.push({
      ...fields,
      history: stored.history,
      inbox: stored.inbox.map(({ message, executionId }) => ({ message, executionId })),
      timers: timers.filter((timer) => timer.ref === ref).map((timer) => timerFields(timer, stored)),
      activities: activities.filter((activity) => activity.ref === ref).map(activityFields),
      children: await store.children(row),
    });
  }
  return dump;
}

async function allInstances(store: Store, hubs: readonly string[]): Promise<readonly InstanceRow[]> {
  const rows: InstanceRow[] = [];
  for (const name of hubs) {
    const hub = asHubName(name);
    for (const sort of ["orchestrations", "entities"] as const) {
      let after: string | undefined;
      do {
        const page = await store.instances({ hub, sort }, { limit: PAGE, withPayloads: false, ...(after !== undefined && { after }) });
        rows.push(...page.rows);
        after = page.next;
      } while (after !== undefined);
    }
  }
  return rows;
}

async function allActivities(store: Store): Promise<readonly ActivityRow[]> {
  const rows: ActivityRow[] = [];
  for (;;) {
    const page = await store.activities(rows.at(-1)?.order ?? 0, PAGE);
    if (page.length === 0) return rows;
    rows.push(...page);
  }
}

/** The timers of an entity have the keys of its messages: what is said is which message. */
function timerFields({ executionId, instanceId, timerId, fireAt }: DueTimer, { inbox }: StoredInstance): object {
  const shown = isEntityId(instanceId) ? { message: inbox.findIndex(({ key }) => key === timerId) } : { timerId };
  return { executionId, ...shown, fireAt };
}

function activityFields({ ref: _ref, order: _order, ...fields }: ActivityRow): object {
  return fields;
}
