import { describe, expect, test } from "vitest";
import { asHubName, asInstanceId } from "../../src/model/ids.ts";
import type { InstanceFilter, Store } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import { commit, endPart, eventRaised, HUB, keyOf, started, startPart, turnPart } from "./fixtures.ts";

const hub = asHubName(HUB);

async function ids(store: Store, filter: Partial<InstanceFilter>): Promise<readonly string[]> {
  const page = await store.instances({ hub, ...filter }, { limit: 100, withPayloads: false });
  return page.rows.map((row) => row.instanceId);
}

export function describeQueries(openBackend: OpenBackend): void {
  describe("queries", () => {
    test("each part of a filter narrows", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const a = await started(store, "job-a", "e1", { createdAt: 10, tags: { team: "x", n: "1" } });
      await started(store, "job-b", "e1", { createdAt: 20, name: "other", tags: { team: "x" } });
      await started(store, "run_%", "e1", { createdAt: 30 });
      await commit(store, endPart(a, "e1"));
      expect(await ids(store, {})).toEqual(["job-a", "job-b", "run_%"]);
      expect(await ids(store, { status: ["Completed", "Failed"] })).toEqual(["job-a"]);
      expect(await ids(store, { status: [] })).toEqual([]);
      expect(await ids(store, { createdFrom: 20 })).toEqual(["job-b", "run_%"]);
      expect(await ids(store, { createdTo: 20 })).toEqual(["job-a", "job-b"]);
      expect(await ids(store, { completedFrom: 9 })).toEqual(["job-a"]);
      expect(await ids(store, { completedTo: 8 })).toEqual([]);
      expect(await ids(store, { idPrefix: "job-" })).toEqual(["job-a", "job-b"]);
      expect(await ids(store, { idPrefix: "" })).toHaveLength(3);
      expect(await ids(store, { idPrefix: "run_%" })).toEqual(["run_%"]);
      expect(await ids(store, { name: "other" })).toEqual(["job-b"]);
      expect(await ids(store, { tags: { team: "x" } })).toEqual(["job-a", "job-b"]);
      expect(await ids(store, { tags: { team: "x", n: "1" } })).toEqual(["job-a"]);
      expect(await ids(store, { tags: { n: "2" } })).toEqual([]);
    });

    test("pages follow creation and stay stable while instances come, change and go", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const refs: number[] = [];
      for (let at = 0; at < 10; at++) refs.push(await started(store, `i${at}`, "e1", { createdAt: 100 - at }));
      const seen: string[] = [];
      let after: string | undefined;
      let pages = 0;
      do {
        const page = await store.instances({ hub }, { limit: 3, withPayloads: false, ...(after !== undefined && { after }) });
        seen.push(...page.rows.map((row) => row.instanceId));
        after = page.next;
        if (pages++ === 0) {
          await commit(store, endPart(refs[1] ?? 0, "e1"), { kind: "purge", key: keyOf("i1") }, endPart(refs[4] ?? 0, "e1"), {
            kind: "purge",
            key: keyOf("i4"),
          });
          await commit(
            store,
            turnPart(refs[0] ?? 0, "e1", 0, { append: [eventRaised("x")], row: { updatedAt: 999 } }),
            startPart("late", "e1"),
          );
        }
      } while (after !== undefined);
      expect(seen).toEqual(["i0", "i1", "i2", "i3", "i5", "i6", "i7", "i8", "i9", "late"]);
    });

    test("payloads come only if asked for, and bound the page by their size", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const input = "x".repeat(3 * 1024 * 1024);
      await started(store, "a", "e1", { input });
      await started(store, "b", "e1", { input: `${input}b` });
      const bare = await store.instances({ hub }, { limit: 9, withPayloads: false });
      expect(bare.rows.map((row) => row.input)).toEqual([undefined, undefined]);
      const page = await store.instances({ hub }, { limit: 9, withPayloads: true });
      expect(page.rows.map((row) => row.input === input)).toEqual([true]);
      const rest = await store.instances({ hub }, { limit: 9, withPayloads: true, after: page.next ?? "" });
      expect(rest.rows.map((row) => row.instanceId)).toEqual(["b"]);
      expect(rest.next).toBeUndefined();
    });

    test("history is read from any position, in slices bounded by bytes", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const events = Array.from({ length: 9 }, (_, at) => eventRaised(`n${at}`, String(at).repeat(1024 * 1024)));
      for (let at = 0; at < 9; at += 3) await commit(store, turnPart(ref, "e1", at, { append: events.slice(at, at + 3) }));
      const read = [];
      let slices = 0;
      for (let from: number | undefined = 2; from !== undefined; slices++) {
        const slice: Awaited<ReturnType<Store["history"]>> = await store.history(keyOf("a"), from);
        read.push(...(slice?.events ?? []));
        from = slice?.next;
      }
      expect(read.map((event) => event.kind === "EventRaised" && event.name)).toEqual(["n2", "n3", "n4", "n5", "n6", "n7", "n8"]);
      expect(slices).toBeGreaterThan(1);
      expect(await store.history(keyOf("a"), 9)).toEqual({ executionId: "e1", events: [] });
      expect(await store.history({ hub, instanceId: asInstanceId("none") }, 0)).toBeUndefined();
    });
  });
}
