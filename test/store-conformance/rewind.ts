import { describe, expect, test } from "vitest";
import type { ExecutionRewound } from "../../src/model/events.ts";
import { asExecutionId } from "../../src/model/ids.ts";
import type { RewindPart } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import {
  childFailed,
  commit,
  endPart,
  eventRaised,
  failPart,
  inboxOf,
  keyOf,
  newActivity,
  nextExecution,
  parentInfo,
  started,
  startedEvent,
  taskCompleted,
  turnPart,
} from "./fixtures.ts";

const REWOUND: ExecutionRewound = { kind: "ExecutionRewound", eventId: -1, timestamp: 20 };

function rewindPart(id: string, child?: RewindPart["child"]): RewindPart {
  return { kind: "rewind", to: keyOf(id), message: REWOUND, ...(child !== undefined && { child }) };
}

export function describeRewind(openBackend: OpenBackend): void {
  describe("rewind", () => {
    test("reaches only an instance that has failed, and wakes it after a crash", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const failed = await started(store, "failed", "e1");
      const completed = await started(store, "completed", "e1");
      const running = await started(store, "running", "e1");
      const [start] = (await store.load(running))?.inbox ?? [];
      await commit(store, failPart(failed, "e1"), endPart(completed, "e1"), turnPart(running, "e1", 0, { consumed: [start?.key ?? 0] }));
      expect(await store.awake(0, 9)).toEqual([]);
      expect(await commit(store, ...["none", "completed", "running", "failed"].map((id) => rewindPart(id)))).toMatchObject([
        { kind: "notRewound", why: "absent" },
        { kind: "notRewound", why: "notFailed" },
        { kind: "notRewound", why: "notFailed" },
        { kind: "delivered", ref: failed, executionId: "e1" },
      ]);
      const again = await backend.open();
      await commit(again, { kind: "raiseAttempts" });
      expect(await again.awake(0, 9)).toEqual([failed]);
      expect(await again.load(failed)).toMatchObject({ row: { status: "Failed", turnAttempt: 1 }, inbox: [{ message: REWOUND }] });
      expect(await inboxOf(again, running)).toEqual([]);
    });

    test("a parent whose child cannot be rewound is told, in the execution that waits", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const parentRef = await started(store, "parent", "e1");
      const completed = await started(store, "completed", "e1");
      await commit(store, endPart(completed, "e1"));
      const child = { parentRef, parentExecutionId: asExecutionId("e1"), ifGone: childFailed(1) };
      const [gone, ended, other] = await commit(
        store,
        rewindPart("none", child),
        rewindPart("completed", child),
        rewindPart("none", { ...child, parentExecutionId: asExecutionId("e0") }),
      );
      expect(gone).toMatchObject({ kind: "notRewound", why: "absent", notified: { ref: parentRef, executionId: "e1" } });
      expect(ended).toMatchObject({ kind: "notRewound", why: "notFailed", notified: { ref: parentRef } });
      expect(other).toEqual({ kind: "notRewound", why: "absent" });
      expect((await inboxOf(store, parentRef)).slice(1)).toEqual([childFailed(1), childFailed(1)]);
      const [late] = await commit(store, endPart(parentRef, "e1"), rewindPart("none", child)).then((answers) => answers.slice(1));
      expect(late).toEqual({ kind: "notRewound", why: "absent" });
    });

    test("of a parent's children the ended ones are asked and those under way are left alone; one that is not its own is not", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const parentRef = await started(store, "parent", "e1");
      const link = { parent: parentInfo("parent", "e1", 1), child: { parentRef, ifTaken: childFailed(1) } };
      const failed = await started(store, "failed", "e1", link);
      const completed = await started(store, "completed", "e1", link);
      await started(store, "running", "e1", link);
      const stranger = await started(store, "stranger", "e1");
      await commit(store, failPart(failed, "e1"), endPart(completed, "e1"), failPart(stranger, "e1"));
      const child = { parentRef, parentExecutionId: asExecutionId("e1"), ifGone: childFailed(1) };
      const ids = ["failed", "completed", "running", "stranger"];
      expect(await commit(store, ...ids.map((id) => rewindPart(id, child)))).toMatchObject([
        { kind: "delivered", ref: failed },
        { kind: "delivered", ref: completed },
        { kind: "notRewound", why: "notFailed" },
        { kind: "notRewound", notified: { ref: parentRef } },
      ]);
      expect(await inboxOf(store, completed)).toEqual([REWOUND]);
      expect(await inboxOf(store, stranger)).toEqual([]);
      expect((await inboxOf(store, parentRef)).slice(1)).toEqual([childFailed(1)]);
    });

    test("its turn puts the history back, runs again, and arms what the past asked for", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1", { input: "in", tags: { t: "1" } });
      const kept = [startedEvent("a", "e1"), eventRaised("kept")];
      const queued = [newActivity(1, { input: "first" }), newActivity(2, { inFlight: true })];
      await commit(store, turnPart(ref, "e1", 0, { append: kept, addActivities: queued, addTimers: [{ timerId: 3, fireAt: 30 }] }));
      const attempt = {
        kind: "attempt",
        activity: { ref, executionId: asExecutionId("e1"), actionId: 2 },
        attempt: 4,
        inFlight: false,
      } as const;
      const failed = { ...failPart(ref, "e1"), historyLength: 2, row: { ...failPart(ref, "e1").row, output: "x".repeat(50_000) } };
      const [, end, delivered] = await commit(store, attempt, failed, rewindPart("a"));
      if (end?.kind !== "turned" || delivered?.kind !== "delivered") throw new Error();
      expect(await store.nextDue()).toBeUndefined();
      const inbox = [REWOUND, taskCompleted(5, "again"), eventRaised("again")];
      const next = { ...nextExecution("e1", inbox), input: "in", tags: { t: "1" }, history: kept };
      const row = { status: "Running", output: undefined, failure: undefined, completedAt: undefined, updatedAt: 21 } as const;
      const [turned] = await commit(
        store,
        turnPart(ref, "e1", 3, {
          consumed: [delivered.inboxKey],
          next,
          row,
          addActivities: [newActivity(1, { input: "second" }), newActivity(2), newActivity(4)],
          addTimers: [{ timerId: 3, fireAt: 30 }],
        }),
      );
      if (turned?.kind !== "turned") throw new Error();
      expect(turned.inboxKeys).toHaveLength(3);
      const again = await backend.open();
      const stored = await again.load(ref);
      expect(stored).toMatchObject({
        history: kept,
        row: { status: "Running", executionId: "e1", input: "in", historyLength: 2, tags: { t: "1" } },
      });
      for (const field of ["output", "failure", "completedAt"]) expect(stored?.row).not.toHaveProperty(field);
      expect(stored?.inbox.map(({ message }) => message)).toEqual(inbox);
      expect(await again.dueTimers(99, 9)).toMatchObject([{ timerId: 3, fireAt: 30 }]);
      expect(await again.activities(0, 9)).toMatchObject([
        { actionId: 1, input: "first", attempt: 1 },
        { actionId: 2, attempt: 4 },
        { actionId: 4, attempt: 1 },
      ]);
      await expect(commit(again, turnPart(ref, "e1", 3, {}))).rejects.toMatchObject({ code: "STORE_REFUSED" });
      const message = taskCompleted(1);
      const settle = { kind: "settle", activity: { ref, executionId: asExecutionId("e1"), actionId: 1 }, message } as const;
      expect(await commit(again, settle, settle)).toMatchObject([{ kind: "settled" }, { kind: "unsettled" }]);
    });

    test("back to the very beginning leaves no history", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, failPart(ref, "e1"), rewindPart("a"));
      const inbox = [REWOUND, startedEvent("a", "e1")];
      await commit(store, turnPart(ref, "e1", 1, { next: nextExecution("e1", inbox), row: { status: "Pending", failure: undefined } }));
      const stored = await store.load(ref);
      expect(stored).toMatchObject({ history: [], row: { historyLength: 0, historyBytes: 0, status: "Pending" } });
      expect(stored?.inbox.map(({ message }) => message)).toEqual([...inbox, REWOUND]);
    });
  });
}
