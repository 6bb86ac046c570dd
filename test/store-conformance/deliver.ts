import { describe, expect, test } from "vitest";
import type { OpenBackend } from "./conformance.ts";
import {
  childFailed,
  commit,
  deliverPart,
  endPart,
  eventRaised,
  inboxOf,
  keyOf,
  nextExecution,
  parentInfo,
  started,
  startPart,
  taskCompleted,
  turnPart,
} from "./fixtures.ts";

export function describeDeliver(openBackend: OpenBackend): void {
  describe("deliver", () => {
    test("messages stand in the order of arrival, over batches and a reopening", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const answers = await commit(store, deliverPart("a", eventRaised("1")), deliverPart("a", taskCompleted(2), "e1"));
      expect(answers).toMatchObject([{ kind: "delivered", ref, executionId: "e1", key: keyOf("a") }, { kind: "delivered" }]);
      const again = await backend.open();
      await commit(again, deliverPart("a", eventRaised("3")));
      const inbox = (await again.load(ref))?.inbox ?? [];
      expect(inbox.map((row) => row.message).slice(1)).toEqual([eventRaised("1"), taskCompleted(2), eventRaised("3")]);
      expect(inbox.map((row) => row.executionId)).toEqual([undefined, undefined, "e1", undefined]);
      expect(inbox.map((row) => row.key)).toEqual(inbox.map((row) => row.key).toSorted((a, b) => a - b));
    });

    test("is dropped with its reason", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      await started(store, "b", "e1");
      await commit(store, endPart(ref, "e1"));
      const parts = [deliverPart("none", eventRaised("x")), deliverPart("a", eventRaised("x")), deliverPart("b", eventRaised("x"), "e0")];
      expect(await commit(store, ...parts)).toEqual([
        { kind: "dropped", why: "absent" },
        { kind: "dropped", why: "terminal" },
        { kind: "dropped", why: "execution" },
      ]);
    });

    test("at its bound an inbox takes only what names no bound (E11)", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const raise = (name: string) => ({ ...deliverPart("a", eventRaised(name)), limit: 3 });
      const answers = await commit(store, raise("1"), raise("2"), raise("3"));
      expect(answers.map(({ kind }) => kind)).toEqual(["delivered", "delivered", "dropped"]);
      expect(answers[2]).toEqual({ kind: "dropped", why: "full" });
      const resumed = deliverPart("a", { kind: "ExecutionResumed", eventId: -1, timestamp: 3 });
      expect(await commit(store, resumed, deliverPart("a", taskCompleted(1), "e1"), raise("4"))).toMatchObject([
        { kind: "delivered" },
        { kind: "delivered" },
        { kind: "dropped", why: "full" },
      ]);
      // A refused batch leaves the count as it was; consumed messages make room, also after a reopening.
      await expect(store.commit({ epoch: store.epoch, parts: [raise("5"), turnPart(ref, "e0", 0)] })).rejects.toThrow();
      const keys = ((await store.load(ref))?.inbox ?? []).map(({ key }) => key);
      expect(keys).toHaveLength(5);
      const [, , third] = await commit(store, turnPart(ref, "e1", 0, { consumed: keys.slice(0, 3) }), raise("6"), raise("7"));
      expect(third).toEqual({ kind: "dropped", why: "full" });
      const again = await backend.open();
      expect(await commit(again, raise("8"))).toEqual([{ kind: "dropped", why: "full" }]);
      await commit(again, endPart(ref, "e1"));
      expect(await commit(again, raise("9"))).toEqual([{ kind: "dropped", why: "terminal" }]);
    });

    test("reaches every living child of every execution of the parent", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const parent = await started(store, "p", "p1");
      const child = (id: string, execution: string) =>
        startPart(id, "c", { parent: parentInfo("p", execution, 1), child: { parentRef: parent, ifTaken: childFailed(1) } });
      const [first] = await commit(store, child("c1", "p1"), child("c2", "p1"));
      if (first?.kind !== "started") throw new Error();
      await commit(store, turnPart(parent, "p1", 0, { next: nextExecution("p2") }));
      await commit(store, child("c3", "p2"), endPart(first.ref, "c"), startPart("other", "o"));
      expect(await store.children(keyOf("p"))).toEqual([keyOf("c1"), keyOf("c2"), keyOf("c3")]);
      const [answer] = await commit(store, { kind: "deliverToChildren", parentRef: parent, message: eventRaised("end") });
      if (answer?.kind !== "deliveredToChildren") throw new Error();
      expect(answer.deliveries.map((each) => each.key)).toEqual([keyOf("c2"), keyOf("c3")]);
      for (const { ref } of answer.deliveries) expect((await inboxOf(store, ref)).at(-1)).toEqual(eventRaised("end"));
      await commit(store, { kind: "purge", key: keyOf("c1") }, endPart(parent, "p2"), { kind: "purge", key: keyOf("p") });
      expect(await store.children(keyOf("p"))).toEqual([]);
      expect(await store.instance(keyOf("c2"), false)).toBeDefined();
    });
  });
}
