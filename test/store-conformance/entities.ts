import { describe, expect, test } from "vitest";
import type { RowChange, Store } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import {
  commit,
  deliverPart,
  endPart,
  eventRaised,
  inboxOf,
  keyOf,
  lockOf,
  signal,
  started,
  startPart,
  toEntityPart,
  turnPart,
} from "./fixtures.ts";

const ID = "@counter@a";
const EXECUTION = `of ${ID}`;

/** Signals the entity and answers its ref and the keys of the messages. */
async function signaled(
  store: Store,
  ...operations: readonly string[]
): Promise<{ readonly ref: number; readonly keys: readonly number[] }> {
  const answers = await commit(store, ...operations.map((operation) => toEntityPart(ID, signal(ID, operation))));
  const delivered = answers.map((answer) => {
    if (answer.kind !== "delivered") throw new Error(`a signal was ${answer.kind}`);
    return answer;
  });
  return { ref: delivered[0]?.ref ?? 0, keys: delivered.map(({ inboxKey }) => inboxKey) };
}

export function describeEntities(openBackend: OpenBackend): void {
  describe("entities", () => {
    test("the first message creates the row, later ones find it", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const [first] = await commit(store, toEntityPart(ID, signal(ID, "add"), { at: 7 }));
      if (first?.kind !== "delivered") throw new Error();
      expect(first).toMatchObject({ key: keyOf(ID), executionId: EXECUTION });
      const row = {
        ref: first.ref,
        name: "counter",
        executionId: EXECUTION,
        status: "Running",
        createdAt: 7,
        updatedAt: 7,
        historyLength: 0,
      };
      expect(await store.instance(keyOf(ID), true)).toMatchObject(row);
      const again = await backend.open();
      const other = { ...toEntityPart(ID, signal(ID, "get"), { at: 9 }), name: "x", executionId: startPart("x", "x").started.executionId };
      const [second] = await commit(again, other);
      expect(second).toMatchObject({ kind: "delivered", ref: first.ref, executionId: EXECUTION });
      expect(second?.kind === "delivered" && second.inboxKey > first.inboxKey).toBe(true);
      expect(await again.load(first.ref)).toMatchObject({ row, history: [] });
      expect(await inboxOf(again, first.ref)).toEqual([signal(ID, "add"), signal(ID, "get")]);
      expect(await again.awake(0, 9)).toEqual([first.ref]);
      expect(await again.history(keyOf(ID), 0)).toEqual({ executionId: EXECUTION, events: [] });
    });

    test("a message for later has a timer of its own until it is consumed", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const later = (operation: string, dueAt: number) => toEntityPart(ID, signal(ID, operation, { scheduledAt: dueAt }), { dueAt });
      const [now, second, first] = await commit(store, toEntityPart(ID, signal(ID, "now")), later("second", 200), later("first", 100));
      if (now?.kind !== "delivered" || first?.kind !== "delivered" || second?.kind !== "delivered") throw new Error();
      const { ref } = now;
      expect(await store.dueTimers(999, 9)).toMatchObject([
        { ref, timerId: first.inboxKey, fireAt: 100, instanceId: ID, executionId: EXECUTION },
        { ref, timerId: second.inboxKey, fireAt: 200 },
      ]);
      await commit(store, turnPart(ref, EXECUTION, 0, { consumed: [first.inboxKey, now.inboxKey] }));
      expect(await store.nextDue()).toBe(200);
      expect(await inboxOf(await backend.open(), ref)).toMatchObject([{ operation: "second" }]);
    });

    test("its inbox has a bound, and messages that name none pass it (E11)", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const { ref } = await signaled(store, "1");
      const bounded = (operation: string) => toEntityPart(ID, signal(ID, operation), { limit: 2, dueAt: 50 });
      const answers = await commit(store, bounded("2"), bounded("3"), toEntityPart(ID, signal(ID, "4")), bounded("5"));
      expect(answers.map(({ kind }) => kind)).toEqual(["delivered", "dropped", "delivered", "dropped"]);
      expect(answers[1]).toEqual({ kind: "dropped", why: "full" });
      expect(await store.instance(keyOf(ID), false)).toMatchObject({ inboxLength: 3 });
      expect(await inboxOf(store, ref)).toHaveLength(3);
      expect(await store.dueTimers(99, 9)).toHaveLength(1);
    });

    test.each(["small", "x".repeat(100_000)])("state and lock change with a turn or alone, and are cleared (%#)", async (state) => {
      await using backend = await openBackend();
      const store = await backend.open();
      const { ref, keys } = await signaled(store, "1", "2");
      const entityLock = lockOf("owner", [ID, "@counter@b"]);
      await commit(
        store,
        turnPart(ref, EXECUTION, 0, { consumed: keys.slice(0, 1), row: { entityState: state, entityLock, updatedAt: 20 } }),
      );
      expect(await store.instance(keyOf(ID), true)).toMatchObject({ entityState: state, entityLock, updatedAt: 20 });
      const again = await backend.open();
      expect((await again.load(ref))?.row).toMatchObject({ entityState: state, entityLock });
      const bare = await again.instance(keyOf(ID), false);
      expect(bare).toMatchObject({ entityLock });
      expect(bare).not.toHaveProperty("entityState");
      await commit(again, { kind: "row", ref, row: { entityState: `${state}!`, entityLock: undefined } });
      const free = await again.instance(keyOf(ID), true);
      expect(free).toMatchObject({ entityState: `${state}!` });
      expect(free).not.toHaveProperty("entityLock");
      await commit(again, turnPart(ref, EXECUTION, 0, { consumed: keys.slice(1), row: { entityState: undefined } }));
      expect(await again.instance(keyOf(ID), true)).not.toHaveProperty("entityState");
      expect(await again.awake(0, 9)).toEqual([]);
      expect(await again.instance(keyOf(ID), false)).toMatchObject({ inboxLength: 0 });
    });

    test("a removal takes what has no state, no lock and no message", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const remove = { kind: "removeEntity", key: keyOf(ID) } as const;
      const kept = { kind: "notPurged", why: "active" };
      expect(await commit(store, remove)).toEqual([{ kind: "notPurged", why: "absent" }]);
      const { ref, keys } = await signaled(store, "1");
      expect(await commit(store, remove)).toEqual([kept]);
      const change = (row: RowChange) => ({ kind: "row", ref, row }) as const;
      const entityLock = lockOf("owner", [ID]);
      const answers = await commit(
        store,
        turnPart(ref, EXECUTION, 0, { consumed: keys, row: { entityState: "" } }),
        remove,
        change({ entityState: undefined, entityLock }),
        remove,
        change({ entityLock: undefined }),
        remove,
        remove,
      );
      expect(answers.filter(({ kind }) => kind !== "done" && kind !== "turned")).toEqual([
        kept,
        kept,
        { kind: "purged", ref },
        { kind: "notPurged", why: "absent" },
      ]);
      expect(await store.instance(keyOf(ID), false)).toBeUndefined();
      expect((await signaled(store, "2")).ref).toBeGreaterThan(ref);
      await started(store, "flow", "e1");
      expect(await commit(store, { kind: "removeEntity", key: keyOf("flow") })).toEqual([kept]);
    });

    test("turns count at a crash if a message could have been served", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      await commit(
        store,
        toEntityPart("@e@busy", signal("@e@busy", "1")),
        toEntityPart("@e@busy", signal("@e@busy", "2"), { dueAt: 50 }),
        toEntityPart("@e@waits", signal("@e@waits", "1"), { dueAt: 50 }),
        toEntityPart("@e@locked", signal("@e@locked", "1")),
      );
      const locked = await store.instance(keyOf("@e@locked"), false);
      await commit(store, { kind: "row", ref: locked?.ref ?? 0, row: { entityLock: lockOf("owner", ["@e@locked"]) } });
      const again = await backend.open();
      await commit(again, { kind: "raiseAttempts" });
      const attempts = async (id: string) => (await again.instance(keyOf(id), false))?.turnAttempt;
      expect(await Promise.all(["@e@busy", "@e@waits", "@e@locked"].map(attempts))).toEqual([1, 0, 0]);
      const busy = await again.instance(keyOf("@e@busy"), false);
      const [first] = (await again.load(busy?.ref ?? 0))?.inbox ?? [];
      await commit(again, turnPart(busy?.ref ?? 0, "of @e@busy", 0, { consumed: [first?.key ?? 0] }));
      expect(await attempts("@e@busy")).toBe(0);
    });

    test("what belongs to orchestrations does no harm at an entity's id", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const { ref } = await signaled(store, "1");
      const start = startPart(ID, "e1", { replaceable: ["Completed"] });
      expect(await commit(store, start)).toEqual([{ kind: "taken", status: "Running" }]);
      expect(await commit(store, deliverPart(ID, eventRaised("x")))).toMatchObject([{ kind: "delivered", ref }]);
      expect(await commit(store, { kind: "purge", key: keyOf(ID) })).toEqual([{ kind: "notPurged", why: "active" }]);
      const ended = await started(store, "@none", "e1");
      await commit(store, endPart(ended, "e1"));
      const late = toEntityPart("@none", signal("@none", "1"), { dueAt: 5 });
      expect(await commit(store, late)).toEqual([{ kind: "dropped", why: "terminal" }]);
      expect(await store.awake(0, 9)).toEqual([ref]);
      expect(await store.nextDue()).toBeUndefined();
    });
  });
}
