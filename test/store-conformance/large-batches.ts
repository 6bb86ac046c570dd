import { describe, expect, test } from "vitest";
import type { ActivityRow, Store } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import {
  commit,
  deliverPart,
  endPart,
  eventRaised,
  inboxOf,
  keyOf,
  newActivity,
  nextExecution,
  signal,
  started,
  startPart,
  taskCompleted,
  toEntityPart,
  turnPart,
} from "./fixtures.ts";

const WIDE = 20_000;
const MEGABYTE = 1024 * 1024;

async function activityIds(store: Store): Promise<readonly number[]> {
  const rows: ActivityRow[] = [];
  for (let page = await store.activities(0, 999); page.length > 0; page = await store.activities(rows.at(-1)?.order ?? 0, 999)) {
    rows.push(...page);
  }
  return rows.map((row) => row.actionId);
}

export function describeLargeBatches(openBackend: OpenBackend): void {
  describe("large batches", () => {
    test("a fan-out of 20,000 is one turn, and its results another", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const actionIds = Array.from({ length: WIDE }, (_, at) => at + 1);
      const append = actionIds.map((id) => eventRaised(`scheduled ${id}`));
      const addTimers = [{ timerId: WIDE + 1, fireAt: 5 }];
      const addActivities = actionIds.map((id) => newActivity(id, { input: `\0${id}` }));
      await commit(store, turnPart(ref, "e1", 0, { append, addActivities, addTimers }));
      const again = await backend.open();
      expect(await activityIds(again)).toEqual(actionIds);
      expect((await again.load(ref))?.row.historyLength).toBe(WIDE);
      const consumed = ((await again.load(ref))?.inbox ?? []).map(({ key }) => key);
      await commit(
        again,
        turnPart(ref, "e1", WIDE, { consumed, append: actionIds.map((id) => taskCompleted(id)), removeActivities: actionIds }),
      );
      expect(await activityIds(again)).toEqual([]);
      const stored = await again.load(ref);
      expect(stored?.row.historyLength).toBe(2 * WIDE);
      expect(stored?.history.at(-1)).toEqual(taskCompleted(WIDE));
      expect(stored?.inbox).toEqual([]);
    });

    test("20,000 instances, messages and entities come in one batch and go in one part", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ids = Array.from({ length: WIDE / 4 }, (_, at) => `i${at}`);
      const parts = ids.flatMap((id) => [
        startPart(id, "e1"),
        { ...deliverPart(id, eventRaised("x")), once: { key: id, until: 99 } },
        toEntityPart(`@e@${id}`, signal(`@e@${id}`, "1"), { dueAt: 7 }),
        toEntityPart(`@e@${id}`, signal(`@e@${id}`, "2")),
      ]);
      const answers = await commit(store, ...parts);
      expect(answers.every(({ kind }, at) => kind === (at % 4 === 0 ? "started" : "delivered"))).toBe(true);
      expect(await store.awake(0, WIDE)).toHaveLength(WIDE / 2);
      const hub = keyOf("").hub;
      const [cleared] = await commit(store, { kind: "clearHub", hub, limit: 4 * WIDE });
      expect(cleared).toMatchObject({ kind: "cleared", isLast: true });
      expect(await store.awake(0, WIDE)).toEqual([]);
      expect((await store.instances({ hub, sort: "entities" }, { limit: 9, withPayloads: false })).rows).toEqual([]);
    });

    test("carried-over and waiting messages keep their order by the thousand", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const names = (from: string) => Array.from({ length: 2000 }, (_, at) => eventRaised(`${from} ${at}`));
      await commit(store, ...names("late").map((message) => deliverPart("a", message)));
      const [first] = (await store.load(ref))?.inbox ?? [];
      const next = nextExecution("e2", names("carried"));
      const [turned] = await commit(store, turnPart(ref, "e1", 0, { consumed: [first?.key ?? 0], next }));
      expect(turned?.kind === "turned" && turned.inboxKeys).toHaveLength(2000);
      expect(await inboxOf(await backend.open(), ref)).toEqual([...names("carried"), ...names("late")]);
    });

    test("payloads of 5 MB come back exactly, wherever they stand, and leave the history small", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      // Bytes that JSON, UTF-8 and SQL each treat in a way of their own.
      const large = "a\0é\ud800\u{1f600}'\\".repeat(5 * (MEGABYTE / 8));
      const other = (mark: string) => `${mark}${large}`;
      const ref = await started(store, "a", "e1", { input: large });
      await commit(
        store,
        deliverPart("a", eventRaised("x", other("message"))),
        turnPart(ref, "e1", 0, { append: [taskCompleted(1, other("result"))], addActivities: [newActivity(2, { input: other("work") })] }),
        toEntityPart("@e@k", signal("@e@k", "1", { input: other("signal") })),
      );
      const entity = await store.instance(keyOf("@e@k"), false);
      await commit(store, { kind: "row", ref: entity?.ref ?? 0, row: { entityState: other("state") } });
      const again = await backend.open();
      const stored = await again.load(ref);
      expect(stored?.row.input === large && stored.row.historyBytes < 1000).toBe(true);
      expect(stored?.history).toMatchObject([{ result: other("result") }]);
      expect(stored?.inbox.map(({ message }) => ("input" in message ? message.input : ""))).toEqual([large, other("message")]);
      expect((await again.activities(0, 9))[0]?.input === other("work")).toBe(true);
      const loaded = await again.load(entity?.ref ?? 0);
      expect(loaded?.row.entityState === other("state")).toBe(true);
      expect(loaded?.inbox).toMatchObject([{ message: { input: other("signal") } }]);
    });

    test.each(["\0", "\ud800", "\udfff", "\u{1f600}", "@", "é"])("ids of 2,000 times %j are ids like any other", async (unit) => {
      await using backend = await openBackend();
      const store = await backend.open();
      const [one, two] = [unit.repeat(2000), `${unit.repeat(1999)}x`];
      const [first, second] = [await started(store, one, one, { name: one }), await started(store, two, one, { name: one })];
      expect(second).not.toBe(first);
      const entities = [`@e@${one}`, `@e@${two}`];
      const answers = await commit(store, ...entities.map((id) => toEntityPart(id, signal(id, one), { once: { key: id, until: 99 } })));
      expect(new Set(answers.map((answer) => answer.kind === "delivered" && answer.ref)).size).toBe(2);
      await commit(
        store,
        turnPart(first, one, 0, { addActivities: [newActivity(1, { name: one })], addTimers: [{ timerId: 2, fireAt: 3 }] }),
      );
      await commit(store, deliverPart(one, eventRaised(one), one), endPart(second, one));
      const again = await backend.open();
      expect(await again.instance(keyOf(two), false)).toMatchObject({ instanceId: two, executionId: one, name: one, status: "Completed" });
      expect((await again.activities(0, 9))[0]).toMatchObject({ instanceId: one, executionId: one, name: one });
      expect(await again.dueTimers(9, 9)).toMatchObject([{ instanceId: one, executionId: one }]);
      expect(await inboxOf(again, first)).toHaveLength(2);
      const page = await again.instances({ hub: keyOf("").hub, sort: "entities", idPrefix: "@e@" }, { limit: 9, withPayloads: false });
      expect(page.rows.map((row) => row.instanceId)).toEqual(entities);
      expect(await commit(again, toEntityPart(one, signal(one, "x"), { once: { key: entities[0] ?? "", until: 99 } }))).toEqual([
        { kind: "repeated" },
      ]);
    });
  });
}
