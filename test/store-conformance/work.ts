import { describe, expect, test } from "vitest";
import { asExecutionId } from "../../src/model/ids.ts";
import type { ActivityKey, Part } from "../../src/store/store.ts";
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
  started,
  startedEvent,
  taskCompleted,
  turnPart,
} from "./fixtures.ts";

function activity(ref: number, execution: string, actionId: number): ActivityKey {
  return { ref, executionId: asExecutionId(execution), actionId };
}

function schedule(ref: number, ...actionIds: readonly number[]): Part {
  return turnPart(ref, "e1", 0, { addActivities: actionIds.map((actionId) => newActivity(actionId)) });
}

export function describeWork(openBackend: OpenBackend): void {
  describe("turns, activities and timers", () => {
    test("a turn consumes, appends, adds, removes and changes the row at once", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, deliverPart("a", eventRaised("late")));
      const [first] = (await store.load(ref))?.inbox ?? [];
      const options = { retry: { maxAttempts: 3, firstDelayMs: 10 } };
      const work = newActivity(1, { input: "x", version: "1", tags: { t: "1" }, options, traceContext: { traceParent: "p" } });
      const answers = await commit(
        store,
        turnPart(ref, "e1", 0, {
          consumed: [first?.key ?? 0],
          append: [startedEvent("a", "e1"), eventRaised("x")],
          row: { status: "Running", customStatus: "c", updatedAt: 8 },
          addActivities: [work, newActivity(2)],
          addTimers: [
            { timerId: 3, fireAt: 300 },
            { timerId: 4, fireAt: 200 },
          ],
        }),
      );
      expect(answers).toEqual([{ kind: "turned", inboxKeys: [] }]);
      expect(await store.instance(keyOf("a"), true)).toMatchObject({
        status: "Running",
        customStatus: "c",
        updatedAt: 8,
        historyLength: 2,
      });
      expect(await inboxOf(store, ref)).toEqual([eventRaised("late")]);
      const rows = await store.activities(0, 10);
      expect(rows.map(({ order: _order, ...row }) => row)).toEqual([
        { ...work, ref, ...keyOf("a"), executionId: "e1", attempt: 1 },
        { ...newActivity(2), ref, ...keyOf("a"), executionId: "e1", attempt: 1 },
      ]);
      expect(await store.activities(rows[0]?.order ?? 0, 1)).toEqual([rows[1]]);
      expect((await store.dueTimers(999, 9)).map((timer) => timer.timerId)).toEqual([4, 3]);
      expect(await store.nextDue()).toBe(200);
      const cleared = { removeActivities: [1], removeTimers: [4], row: { customStatus: undefined, stalled: "why" } };
      await commit(store, turnPart(ref, "e1", 2, { append: [taskCompleted(1)], ...cleared }));
      const row = await store.instance(keyOf("a"), true);
      expect(row).toMatchObject({ stalled: "why", historyLength: 3 });
      expect(row).not.toHaveProperty("customStatus");
      expect((await store.activities(0, 9)).map((each) => each.actionId)).toEqual([2]);
      expect(await store.nextDue()).toBe(300);
      expect(await store.awake(0, 9)).toEqual([ref]);
      const bytes = JSON.stringify([startedEvent("a", "e1"), eventRaised("x")]).length + JSON.stringify([taskCompleted(1)]).length;
      expect(row?.historyBytes).toBe(bytes);
    });

    test("time never goes back on a row", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1", { createdAt: 10 });
      await commit(store, turnPart(ref, "e1", 0, { append: [eventRaised("x")], row: { updatedAt: 20 } }));
      await commit(store, { kind: "row", ref, row: { updatedAt: 15, status: "Running" } });
      expect(await store.instance(keyOf("a"), false)).toMatchObject({ updatedAt: 20, status: "Running" });
      await commit(store, turnPart(ref, "e1", 1, { append: [eventRaised("x")], row: { updatedAt: 5 } }));
      expect(await (await backend.open()).instance(keyOf("a"), false)).toMatchObject({ updatedAt: 20 });
    });

    test("an end drops timers and inbox, and queued activities only if asked", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      for (const dropQueued of [false, true]) {
        const id = String(dropQueued);
        const ref = await started(store, id, "e1");
        const addActivities = [newActivity(1), newActivity(2, { inFlight: true })];
        await commit(
          store,
          turnPart(ref, "e1", 0, { addActivities, addTimers: [{ timerId: 3, fireAt: 1 }] }),
          deliverPart(id, eventRaised("x")),
        );
        const ended = { status: "Terminated", dropQueued } as const;
        await commit(store, turnPart(ref, "e1", 0, { append: [eventRaised("x")], row: { output: "o", completedAt: 4 }, ended }));
        expect(await store.instance(keyOf(id), true)).toMatchObject({ status: "Terminated", output: "o", completedAt: 4 });
        expect(await inboxOf(store, ref)).toEqual([]);
        expect(await store.nextDue()).toBeUndefined();
        const left = (await store.activities(0, 9)).filter((row) => row.ref === ref);
        expect(left.map((row) => row.actionId)).toEqual(dropQueued ? [2] : [1, 2]);
      }
    });

    test("the first settlement of an activity wins, and none without its execution", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, turnPart(ref, "e1", 0, { addActivities: [newActivity(1), newActivity(2), newActivity(3)] }));
      const settle = (actionId: number) =>
        ({ kind: "settle", activity: activity(ref, "e1", actionId), message: taskCompleted(actionId) }) as const;
      expect(await commit(store, settle(1), settle(1))).toMatchObject([{ kind: "settled" }, { kind: "unsettled" }]);
      const inbox = (await store.load(ref))?.inbox ?? [];
      expect(inbox.at(-1)).toMatchObject({ message: taskCompleted(1), executionId: "e1" });
      await commit(store, turnPart(ref, "e1", 0, { next: nextExecution("e2") }));
      expect(await commit(store, settle(2))).toEqual([{ kind: "unsettled" }]);
      expect((await store.activities(0, 9)).map((row) => row.actionId)).toEqual([3]);
      await commit(store, { kind: "forgetActivity", activity: activity(ref, "e1", 3) });
      expect(await store.activities(0, 9)).toEqual([]);
      expect(await commit(store, { kind: "settle", activity: activity(999, "e1", 1), message: taskCompleted(1) })).toEqual([
        { kind: "unsettled" },
      ]);
    });

    test("the same action id of two executions is two activities", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, turnPart(ref, "e1", 0, { addActivities: [newActivity(1)], next: nextExecution("e2") }));
      await commit(store, turnPart(ref, "e2", 0, { addActivities: [newActivity(1)] }));
      await commit(store, turnPart(ref, "e2", 0, { removeActivities: [1] }));
      expect((await store.activities(0, 9)).map((row) => row.executionId)).toEqual(["e1"]);
    });

    test("attempts are set on the row, and a due time is the alarm's", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, turnPart(ref, "e1", 0, { addActivities: [newActivity(1)] }));
      const set = { kind: "attempt", activity: activity(ref, "e1", 1), attempt: 2, inFlight: false } as const;
      await commit(store, { ...set, dueAt: 77 });
      expect(await store.activities(0, 9)).toMatchObject([{ attempt: 2, inFlight: false, dueAt: 77 }]);
      expect(await store.nextDue()).toBe(77);
      await commit(store, { ...set, inFlight: true });
      expect((await store.activities(0, 9))[0]).not.toHaveProperty("dueAt");
      expect(await store.nextDue()).toBeUndefined();
      expect(await commit(store, { ...set, activity: activity(ref, "e1", 9) })).toEqual([{ kind: "unclaimed" }]);
    });

    test("pages of activities follow the order of scheduling while activities come and go", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const late = await started(store, "late", "e1");
      const early = await started(store, "early", "e1");
      await commit(store, schedule(early, 1, 2), schedule(late, 3, 4), schedule(early, 5));
      const seen: number[] = [];
      let after = 0;
      for (let page = await store.activities(0, 2); page.length > 0; page = await store.activities(after, 2)) {
        seen.push(...page.map((row) => row.actionId));
        if (after === 0) await commit(store, schedule(late, 6), turnPart(late, "e1", 0, { removeActivities: [3] }));
        after = page.at(-1)?.order ?? 0;
      }
      expect(seen).toEqual([1, 2, 4, 5, 6]);
      expect((await store.activities(0, 99)).map((row) => row.actionId)).toEqual([1, 2, 4, 5, 6]);
    });

    test("raiseAttempts counts what was in flight, activities and turns, and a commit of the turn starts anew", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const idle = await started(store, "idle", "e1");
      const addActivities = [newActivity(1), newActivity(2, { inFlight: true })];
      const [first] = (await store.load(idle))?.inbox ?? [];
      await commit(store, turnPart(ref, "e1", 0, { addActivities }), turnPart(idle, "e1", 0, { consumed: [first?.key ?? 0] }));
      await commit(store, { kind: "raiseAttempts" });
      const again = await backend.open();
      await commit(again, { kind: "raiseAttempts" });
      expect((await again.activities(0, 9)).map((row) => row.attempt)).toEqual([1, 3]);
      expect((await again.load(ref))?.row.turnAttempt).toBe(2);
      expect((await again.load(idle))?.row.turnAttempt).toBe(0);
      await commit(again, turnPart(ref, "e1", 0, { append: [eventRaised("x")] }));
      expect((await again.load(ref))?.row.turnAttempt).toBe(0);
    });

    test("crashes are counted from nothing after a stall that is lifted", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, { kind: "raiseAttempts" }, { kind: "raiseAttempts" });
      await commit(store, { kind: "row", ref, row: { stalled: "crashes" } });
      expect((await store.load(ref))?.row.turnAttempt).toBe(2);
      await commit(store, { kind: "row", ref, row: { stalled: undefined } });
      expect((await store.load(ref))?.row.turnAttempt).toBe(0);
      await commit(store, { kind: "row", ref: 999, row: { stalled: undefined } });
    });

    test("awake instances come by ref, in pages, with the stalled, which are tried again", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const refs: number[] = [];
      for (const id of ["a", "b", "c", "d"]) refs.push(await started(store, id, "e1"));
      const [a = 0, b = 0, c = 0, d = 0] = refs;
      await commit(store, { kind: "row", ref: b, row: { stalled: "poison" } }, endPart(c, "e1"));
      expect(await store.awake(0, 1)).toEqual([a]);
      expect(await store.awake(a, 9)).toEqual([b, d]);
      await commit(store, { kind: "row", ref: b, row: { stalled: undefined } });
      expect(await store.awake(0, 9)).toEqual([a, b, d]);
      expect(await commit(store, { kind: "row", ref: 999, row: { stalled: "x" } })).toEqual([{ kind: "done" }]);
    });

    test("purge takes ended instances only", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const purge = { kind: "purge", key: keyOf("a") } as const;
      expect(await commit(store, purge)).toEqual([{ kind: "notPurged", why: "active" }]);
      await commit(store, turnPart(ref, "e1", 0, { addActivities: [newActivity(1)] }), endPart(ref, "e1"));
      expect(await commit(store, purge, purge)).toEqual([
        { kind: "purged", ref },
        { kind: "notPurged", why: "absent" },
      ]);
      expect(await store.activities(0, 9)).toEqual([]);
      expect(await store.history(keyOf("a"), 0)).toBeUndefined();
    });
  });
}
