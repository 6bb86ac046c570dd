import { describe, expect, test } from "vitest";
import { asHubName } from "../../src/model/ids.ts";
import type { InstanceRef, Store } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import { dumpRows } from "./dump-rows.ts";
import {
  childFailed,
  commit,
  deliverPart,
  endPart,
  eventRaised,
  HUB,
  keyOf,
  newActivity,
  parentInfo,
  signal,
  started,
  toEntityPart,
  turnPart,
} from "./fixtures.ts";

async function clear(store: Store, limit: number): Promise<{ readonly refs: readonly InstanceRef[]; readonly parts: number }> {
  const refs: InstanceRef[] = [];
  for (let parts = 1; ; parts++) {
    const [answer] = await commit(store, { kind: "clearHub", hub: asHubName(HUB), limit });
    if (answer?.kind !== "cleared") throw new Error();
    expect(answer.refs.length).toBeLessThanOrEqual(limit);
    refs.push(...answer.refs);
    if (answer.isLast) return { refs, parts };
  }
}

export function describeClearHub(openBackend: OpenBackend): void {
  describe("clearHub", () => {
    test("takes all of one hub in pieces, whatever it does, and nothing of another", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const large = "x".repeat(50_000);
      const parent = await started(store, "parent", "e1", { input: large });
      const work = { addActivities: [newActivity(1, { inFlight: true })], addTimers: [{ timerId: 2, fireAt: 5 }] };
      await commit(store, turnPart(parent, "e1", 0, { append: [eventRaised("x", large)], ...work }));
      const child = { parent: parentInfo("parent", "e1", 1), child: { parentRef: parent, ifTaken: childFailed(1) } };
      const refs = [parent, await started(store, "child", "c", child), await started(store, "done", "e1")];
      await commit(store, endPart(refs[2] ?? 0, "e1"));
      const once = { key: "k", until: 999 };
      const [delivered] = await commit(store, toEntityPart("@e@k", signal("@e@k", "1"), { dueAt: 9, once }));
      if (delivered?.kind !== "delivered") throw new Error();
      await started(store, "parent", "e1", { hub: "other", input: large });
      const elsewhere = { ...deliverPart("parent", eventRaised("x")), to: keyOf("parent", "other"), once };
      await commit(store, elsewhere);
      const before = await dumpRows(store, ["other"]);

      const cleared = await clear(store, 2);
      expect(new Set(cleared.refs)).toEqual(new Set([...refs, delivered.ref]));
      expect(cleared.refs).toHaveLength(refs.length + 1);
      expect(cleared.parts).toBe(3);
      expect(await dumpRows(store, [HUB])).toEqual([]);
      expect(await dumpRows(store, ["other"])).toEqual(before);
      expect(await store.activities(0, 9)).toEqual([]);
      expect(await store.nextDue()).toBeUndefined();
      expect(await store.children(keyOf("parent"))).toEqual([]);
      expect(await commit(store, elsewhere, { kind: "deliverToChildren", parentRef: parent, message: eventRaised("x") })).toEqual([
        { kind: "repeated" },
        { kind: "deliveredToChildren", deliveries: [] },
      ]);

      const again = await backend.open();
      expect(await started(again, "parent", "e2")).toBeGreaterThan(Math.max(...cleared.refs));
      expect(await commit(again, toEntityPart("@e@k", signal("@e@k", "1"), { once }))).toMatchObject([{ kind: "delivered" }]);
    });

    test("an empty hub is cleared at once", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      expect(await clear(store, 1)).toEqual({ refs: [], parts: 1 });
    });
  });
}
