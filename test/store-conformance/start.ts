import { describe, expect, test } from "vitest";
import { asExecutionId } from "../../src/model/ids.ts";
import type { OpenBackend } from "./conformance.ts";
import { dumpRows } from "./dump-rows.ts";
import {
  childFailed,
  commit,
  endPart,
  HUB,
  inboxOf,
  keyOf,
  newActivity,
  parentInfo,
  started,
  startedEvent,
  startPart,
  turnPart,
} from "./fixtures.ts";

export function describeStart(openBackend: OpenBackend): void {
  describe("start", () => {
    test("creates a pending instance with the started event first in its inbox", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const trace = { traceParent: "00-1-2-3" };
      const more = { version: "2", input: "in", tags: { a: "b" }, traceContext: trace };
      const [answer] = await commit(store, startPart("a", "e1", { ...more, createdAt: 7 }));
      if (answer?.kind !== "started") throw new Error(JSON.stringify(answer));
      const ids = { ref: answer.ref, ...keyOf("a"), executionId: asExecutionId("e1"), name: "flow" };
      const counts = { historyLength: 0, historyBytes: 0, turnAttempt: 0 };
      const row = { ...ids, ...more, ...counts, status: "Pending", createdAt: 7, updatedAt: 7 };
      expect(await store.instance(keyOf("a"), true)).toEqual(row);
      expect(await store.load(answer.ref)).toEqual({
        row,
        history: [],
        inbox: [{ key: answer.inboxKey, message: startedEvent("a", "e1", more) }],
      });
      expect(await store.awake(0, 10)).toEqual([answer.ref]);
    });

    test("a scheduled start is timer 0", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1", { scheduledStartAt: 500 });
      expect(await store.dueTimers(499, 10)).toEqual([]);
      expect(await store.dueTimers(500, 10)).toEqual([{ ...keyOf("a"), ref, executionId: "e1", timerId: 0, fireAt: 500 }]);
      expect((await store.instance(keyOf("a"), false))?.scheduledStartAt).toBe(500);
    });

    test.each(["Pending", "Running", "Suspended"] as const)("an id is taken by a %s instance and changes nothing", async (status) => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, { kind: "row", ref, row: { status } });
      const before = await dumpRows(store, [HUB]);
      expect(await commit(store, startPart("a", "e2", { replaceable: ["Completed", "Failed"] }))).toEqual([{ kind: "taken", status }]);
      expect(await dumpRows(store, [HUB])).toEqual(before);
    });

    test("a replaceable instance goes with all that it had, and its number is never used again", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const old = await started(store, "a", "e1");
      await commit(
        store,
        turnPart(old, "e1", 0, {
          append: [startedEvent("a", "e1")],
          addActivities: [newActivity(1, { inFlight: true })],
          addTimers: [{ timerId: 2, fireAt: 5 }],
        }),
      );
      const [answer] = await commit(store, startPart("a", "e2", { replaceable: ["Pending"] }));
      expect(answer).toMatchObject({ kind: "started", replaced: old });
      const fresh = answer?.kind === "started" ? answer.ref : -1;
      expect(fresh).toBeGreaterThan(old);
      expect(await store.load(old)).toBeUndefined();
      expect(await store.activities(0, 10)).toEqual([]);
      expect(await store.nextDue()).toBeUndefined();
      expect((await store.history(keyOf("a"), 0))?.events).toEqual([]);
      expect(await commit(store, endPart(fresh, "e2"), { kind: "purge", key: keyOf("a") })).toMatchObject([{}, { kind: "purged" }]);
      const reopened = await backend.open();
      expect(await started(reopened, "a", "e3")).toBeGreaterThan(fresh);
    });

    test("hubs do not see each other", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const one = await started(store, "a", "e1", { hub: "one" });
      const two = await started(store, "a", "e1", { hub: "two" });
      expect(one).not.toBe(two);
      expect(await store.instance(keyOf("a"), false)).toBeUndefined();
      expect((await store.instances({ hub: keyOf("a", "two").hub }, { limit: 9, withPayloads: false })).rows).toHaveLength(1);
    });

    test("a parent's execution is told that its child's id is taken, once it is still that execution", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const parent = await started(store, "parent", "p1");
      await started(store, "child", "c0");
      const child = (execution: string) =>
        startPart("child", "c1", {
          parent: parentInfo("parent", execution, 4),
          child: { parentRef: parent, ifTaken: childFailed(4) },
        });
      const [taken] = await commit(store, child("p1"));
      expect(taken).toMatchObject({ kind: "taken", status: "Pending", notified: { ref: parent, key: keyOf("parent"), executionId: "p1" } });
      expect((await inboxOf(store, parent)).at(-1)).toEqual(childFailed(4));
      expect(await commit(store, child("p0"))).toEqual([{ kind: "taken", status: "Pending" }]);
      expect(await inboxOf(store, parent)).toHaveLength(2);
      expect(await store.children(keyOf("parent"))).toEqual([]);
      await commit(store, endPart(parent, "p1"));
      expect(await commit(store, child("p1"))).toEqual([{ kind: "taken", status: "Pending" }]);
    });
  });
}
