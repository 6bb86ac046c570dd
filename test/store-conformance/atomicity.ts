import { describe, expect, test } from "vitest";
import { asHubName } from "../../src/model/ids.ts";
import type { Part } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import { dumpRows } from "./dump-rows.ts";
import {
  childFailed,
  commit,
  deliverPart,
  endPart,
  eventRaised,
  failPart,
  HUB,
  keyOf,
  lockOf,
  newActivity,
  nextExecution,
  signal,
  started,
  startPart,
  taskCompleted,
  toEntityPart,
  turnPart,
} from "./fixtures.ts";

const LARGE = "x".repeat(100_000);

export function describeAtomicity(openBackend: OpenBackend): void {
  describe("batches", () => {
    test("a batch whose last part is refused changes nothing (E2)", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const a = await started(store, "a", "e1");
      const b = await started(store, "b", "e1", { input: LARGE });
      const done = await started(store, "done", "e1");
      const addActivities = [newActivity(1, { inFlight: true }), newActivity(2)];
      await commit(store, turnPart(a, "e1", 0, { append: [eventRaised("x")], addActivities, addTimers: [{ timerId: 3, fireAt: 1 }] }));
      await commit(store, endPart(done, "e1"));
      const failed = await started(store, "failed", "e1");
      await started(store, "elsewhere", "e1", { hub: "other", input: LARGE });
      const once = { key: "old", until: 99 };
      const [entity, bare] = await commit(
        store,
        toEntityPart("@e@k", signal("@e@k", "1", { input: LARGE }), { once }),
        toEntityPart("@e@bare", signal("@e@bare", "1")),
        failPart(failed, "e1"),
      );
      if (entity?.kind !== "delivered" || bare?.kind !== "delivered") throw new Error();
      await commit(
        store,
        { kind: "row", ref: entity.ref, row: { entityState: LARGE } },
        turnPart(bare.ref, bare.executionId, 0, { consumed: [bare.inboxKey] }),
      );
      const before = await dumpRows(store, [HUB, "other"]);
      const [waiting] = (await store.load(a))?.inbox ?? [];
      const activity = { ref: a, executionId: (await store.load(a))?.row.executionId ?? nextExecution("e1").executionId, actionId: 1 };
      const parts: Part[] = [
        startPart("new", "e1", { input: `${LARGE}y`, child: { parentRef: a, ifTaken: childFailed(1) } }),
        startPart("done", "e2", { replaceable: ["Completed"] }),
        deliverPart("b", eventRaised("y")),
        { kind: "deliverToChildren", parentRef: a, message: eventRaised("z") },
        { kind: "raiseAttempts" },
        { kind: "attempt", activity, attempt: 9, inFlight: false, dueAt: 5 },
        { kind: "settle", activity, message: taskCompleted(1) },
        { kind: "row", ref: b, row: { stalled: "s" } },
        turnPart(a, "e1", 1, {
          consumed: [waiting?.key ?? 0],
          append: [eventRaised("q")],
          removeTimers: [3],
          removeActivities: [2],
          row: { output: "o" },
        }),
        turnPart(a, "e1", 2, { next: nextExecution("e2", [eventRaised("c")]) }),
        endPart(b, "e1"),
        { kind: "purge", key: keyOf("b") },
        toEntityPart("@e@new", signal("@e@new", "1", { input: `${LARGE}z` }), { dueAt: 3 }),
        toEntityPart("@e@k", signal("@e@k", "2"), { once: { key: "new", until: 99 } }),
        { kind: "row", ref: entity.ref, row: { entityState: undefined, entityLock: lockOf("a", ["@e@k"]) } },
        { kind: "removeEntity", key: keyOf("@e@bare") },
        { kind: "rewind", to: keyOf("failed"), message: { kind: "ExecutionRewound", eventId: -1, timestamp: 9 } },
        turnPart(failed, "e1", 1, { next: { ...nextExecution("e1"), history: [eventRaised("kept")] }, row: { status: "Running" } }),
        { kind: "clearHub", hub: asHubName("other"), limit: 9 },
      ];
      await expect(commit(store, ...parts, turnPart(a, "e1", 999, {}))).rejects.toMatchObject({ code: "STORE_REFUSED" });
      expect(await dumpRows(store, [HUB, "other"])).toEqual(before);
      // The store goes on, on the numbers that were there before.
      const answers = await commit(store, ...parts);
      expect(answers.map((answer) => answer.kind)).toEqual([
        "started",
        "started",
        "delivered",
        "deliveredToChildren",
        "done",
        "done",
        "settled",
        "done",
        "turned",
        "turned",
        "turned",
        "purged",
        "delivered",
        "delivered",
        "done",
        "purged",
        "delivered",
        "turned",
        "cleared",
      ]);
      const again = toEntityPart("@e@k", signal("@e@k", "3"));
      expect(await commit(store, { ...again, once }, { ...again, once: { key: "new", until: 99 } })).toEqual([
        { kind: "repeated" },
        { kind: "repeated" },
      ]);
    });

    test.each([
      ["another execution", turnPart(1, "e0", 0)],
      ["another history length", turnPart(1, "e1", 7)],
      ["an instance that is not there", turnPart(99, "e1", 0)],
    ])("a turn on %s is refused", async (_what, part) => {
      await using backend = await openBackend();
      const store = await backend.open();
      await started(store, "a", "e1");
      await expect(commit(store, part)).rejects.toMatchObject({ code: "STORE_REFUSED" });
    });

    test("a handle from before the last opening changes nothing (E4)", async () => {
      await using backend = await openBackend();
      const old = await backend.open();
      const oldEpoch = old.epoch;
      await started(old, "a", "e1");
      const store = await backend.open();
      expect(store.epoch).toBeGreaterThan(oldEpoch);
      await expect(store.commit({ epoch: oldEpoch, parts: [startPart("b", "e1")] })).rejects.toMatchObject({ code: "OWNERSHIP_LOST" });
      await expect(commit(old, startPart("b", "e1"))).rejects.toMatchObject({ code: expect.stringMatching(/OWNERSHIP_LOST|SHUT_DOWN/) });
      expect(await store.instance(keyOf("b"), false)).toBeUndefined();
      expect(await store.instance(keyOf("a"), false)).toBeDefined();
    });

    test("a closed store says so", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await expect(commit(store, startPart("a", "e1"))).rejects.toMatchObject({ code: "SHUT_DOWN" });
      await expect(store.instance(keyOf("a"), false)).rejects.toMatchObject({ code: "SHUT_DOWN" });
    });

    test("calls are carried out in the order in which they were made", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const reads = Array.from({ length: 200 }, (_, at) => {
        void commit(store, startPart(`i${at}`, "e1"));
        return store.instance(keyOf(`i${at}`), false);
      });
      expect((await Promise.all(reads)).every((row) => row !== undefined)).toBe(true);
    });
  });
}
