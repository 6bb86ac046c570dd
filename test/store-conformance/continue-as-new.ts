import { describe, expect, test } from "vitest";
import type { Message } from "../../src/model/events.ts";
import { asExecutionId } from "../../src/model/ids.ts";
import type { OpenBackend } from "./conformance.ts";
import {
  commit,
  deliverPart,
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

const carry = (...names: readonly string[]): readonly Message[] => names.map((name) => eventRaised(name));

export function describeContinueAsNew(openBackend: OpenBackend): void {
  describe("continue-as-new", () => {
    test("history, timers and input are the new execution's; queued activities stay (E9)", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1", { input: "old", version: "1", tags: { x: "1" } });
      await commit(
        store,
        turnPart(ref, "e1", 0, {
          append: [startedEvent("a", "e1")],
          addActivities: [newActivity(1)],
          addTimers: [{ timerId: 2, fireAt: 9 }],
        }),
      );
      const next = { ...nextExecution("e2"), version: "2", history: [startedEvent("a", "e2")] };
      await commit(store, turnPart(ref, "e1", 1, { append: [eventRaised("end")], next, row: { updatedAt: 30 } }));
      const row = await store.instance(keyOf("a"), true);
      expect(row).toMatchObject({ ref, executionId: "e2", version: "2", input: "input of e2", historyLength: 1, updatedAt: 30 });
      expect(row).not.toHaveProperty("tags");
      expect(row?.historyBytes).toBe(JSON.stringify([startedEvent("a", "e2")]).length);
      expect(await store.history(keyOf("a"), 0)).toEqual({ executionId: "e2", events: [startedEvent("a", "e2")] });
      expect(await store.dueTimers(999, 9)).toEqual([]);
      expect(await store.activities(0, 9)).toMatchObject([{ actionId: 1, executionId: "e1" }]);
      expect(await (await backend.open()).instance(keyOf("a"), true)).toEqual(row);
    });

    test("carry-over messages come before what waits, again and again", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, deliverPart("a", eventRaised("late")));
      const [first] = await commit(store, turnPart(ref, "e1", 0, { next: nextExecution("e2", carry("c1", "c2")) }));
      const [second] = await commit(store, turnPart(ref, "e2", 0, { next: nextExecution("e3", carry("d1")) }));
      if (first?.kind !== "turned" || second?.kind !== "turned") throw new Error();
      expect((await inboxOf(store, ref)).filter((message) => message.kind === "EventRaised")).toEqual(carry("d1", "c1", "c2", "late"));
      const keys = (await store.load(ref))?.inbox.map((row) => row.key) ?? [];
      expect(keys.slice(0, 3)).toEqual([...second.inboxKeys, ...first.inboxKeys]);
      const again = await backend.open();
      await commit(again, turnPart(ref, "e3", 0, { consumed: first.inboxKeys, append: [eventRaised("c1"), eventRaised("c2")] }));
      expect((await inboxOf(again, ref)).filter((message) => message.kind === "EventRaised")).toEqual(carry("d1", "late"));
    });

    test("nothing of the old execution reaches the new one (E6)", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await commit(store, turnPart(ref, "e1", 0, { next: nextExecution("e2"), addActivities: [newActivity(1)] }));
      const old = { ref, executionId: asExecutionId("e1"), actionId: 1 };
      const answers = await commit(store, deliverPart("a", taskCompleted(1), "e1"), {
        kind: "settle",
        activity: old,
        message: taskCompleted(1),
      });
      expect(answers).toEqual([{ kind: "dropped", why: "execution" }, { kind: "unsettled" }]);
      await expect(commit(store, turnPart(ref, "e1", 0, {}))).rejects.toMatchObject({ code: "STORE_REFUSED" });
    });
  });
}
