import { describe, expect, test } from "vitest";
import { asHubName, asInstanceId, type HubName } from "../../src/model/ids.ts";
import type { InstanceFilter, RowChange, Store } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import { commit, endPart, eventRaised, HUB, keyOf, lockOf, signal, started, startPart, toEntityPart, turnPart } from "./fixtures.ts";

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

    test("entities lie apart from orchestrations, with their states, locks and backlogs", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      await started(store, "A", "e1");
      const signals = (id: string, count: number, at: number) =>
        Array.from({ length: count }, (_, n) => toEntityPart(id, signal(id, `${n}`), { at: at + n }));
      await commit(store, ...signals("@counter@b", 1, 10), ...signals("@counter@a", 3, 20), ...signals("@other@a", 2, 30));
      await started(store, "b@c", "e1");
      const entities = async (filter: Partial<InstanceFilter>, withPayloads = false) =>
        (await store.instances({ hub, sort: "entities", ...filter }, { limit: 100, withPayloads })).rows;
      const refs = new Map((await entities({})).map((row) => [row.instanceId as string, row.ref]));
      const change = (id: string, row: RowChange) => ({ kind: "row", ref: refs.get(id) ?? 0, row }) as const;
      await commit(
        store,
        change("@counter@a", { entityState: "5", updatedAt: 50 }),
        change("@other@a", { entityState: "", updatedAt: 60, entityLock: lockOf("A", ["@other@a"]) }),
      );
      expect(await ids(store, {})).toEqual(["A", "b@c"]);
      expect(await ids(store, { sort: "orchestrations", idPrefix: "@" })).toEqual([]);
      expect(await ids(store, { sort: "entities" })).toEqual(["@counter@b", "@counter@a", "@other@a"]);
      expect(await ids(store, { sort: "entities", idPrefix: "@counter@" })).toEqual(["@counter@b", "@counter@a"]);
      expect(await ids(store, { sort: "entities", name: "other" })).toEqual(["@other@a"]);
      expect(await ids(store, { sort: "entities", withStateOnly: true })).toEqual(["@counter@a", "@other@a"]);
      expect(await ids(store, { sort: "entities", withStateOnly: false })).toHaveLength(3);
      expect(await ids(store, { sort: "entities", updatedFrom: 50 })).toEqual(["@counter@a", "@other@a"]);
      expect(await ids(store, { sort: "entities", updatedFrom: 11, updatedTo: 50 })).toEqual(["@counter@a"]);
      expect((await entities({})).map((row) => row.inboxLength)).toEqual([1, 3, 2]);
      expect((await entities({})).some((row) => "entityState" in row)).toBe(false);
      const full = await entities({}, true);
      expect(full.map((row) => row.entityState)).toEqual([undefined, "5", ""]);
      expect(full.map((row) => row.entityLock?.instanceId)).toEqual([undefined, undefined, "A"]);
      const page = await store.instances({ hub, sort: "entities" }, { limit: 2, withPayloads: false });
      const rest = await store.instances({ hub, sort: "entities" }, { limit: 2, withPayloads: false, after: page.next ?? "" });
      expect([...page.rows, ...rest.rows].map((row) => row.instanceId)).toEqual([...refs.keys()]);
      expect(rest.next).toBeUndefined();
      for (const row of (await store.instances({ hub }, { limit: 9, withPayloads: true })).rows)
        expect(row).not.toHaveProperty("inboxLength");
      expect(await (await backend.open()).instance(keyOf("@other@a"), true)).toMatchObject({ entityState: "", updatedAt: 60 });
    });

    test("the last change counts wherever it stands: in the row or in the history", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const a = await started(store, "a", "e1");
      const b = await started(store, "b", "e1");
      await commit(store, turnPart(a, "e1", 0, { append: [eventRaised("x")], row: { updatedAt: 20 } }), {
        kind: "row",
        ref: b,
        row: { updatedAt: 30 },
      });
      expect(await ids(store, { updatedFrom: 20 })).toEqual(["a", "b"]);
      expect(await ids(store, { updatedFrom: 21 })).toEqual(["b"]);
      expect(await ids(store, { updatedTo: 29 })).toEqual(["a"]);
      expect(await ids(store, { updatedFrom: 31 })).toEqual([]);
    });

    test.each(["Completed", "Failed", "Terminated", "Canceled"] as const)(
      "instances that are %s are found among the others",
      async (status) => {
        await using backend = await openBackend();
        const store = await backend.open();
        const expected: string[] = [];
        for (let at = 0; at < 12; at++) {
          const ref = await started(store, `i${at}`, "e1");
          if (at % 3 === 0) continue;
          const ended = at % 3 === 1 ? status : status === "Failed" ? "Completed" : "Failed";
          await commit(store, { ...endPart(ref, "e1"), ended: { status: ended, dropQueued: false } });
          if (at % 3 === 1) expected.push(`i${at}`);
        }
        expect(await ids(store, { status: [status] })).toEqual(expected);
        expect(await ids(store, { status: [status, "Pending"] })).toHaveLength(8);
        const page = await store.instances({ hub, status: [status] }, { limit: 3, withPayloads: false });
        const rest = await store.instances({ hub, status: [status] }, { limit: 3, withPayloads: false, after: page.next ?? "" });
        expect([...page.rows, ...rest.rows].map((row) => row.instanceId)).toEqual(expected);
      },
    );

    test.each(["", "x", "-1", "1e3", "9".repeat(400), "1; DROP TABLE instances"])(
      "a page token that is none is refused (%j)",
      async (after) => {
        await using backend = await openBackend();
        const store = await backend.open();
        const page = store.instances({ hub }, { limit: 9, withPayloads: false, after });
        await expect(page).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("unchanged") });
        expect(await ids(store, {})).toEqual([]);
      },
    );

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

    test("every hub is found once, page by page, however many instances it has", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const names = ["a", "b", "\u0001", "\u{1f682}", "z".repeat(500)];
      for (const [at, name] of [...names, ...names].entries()) {
        const start = startPart(`i${at}`, "e1");
        await commit(store, { ...start, key: { ...start.key, hub: asHubName(name) } });
      }
      const found: HubName[] = [];
      for (;;) {
        const page = await store.hubs(found.at(-1), 2);
        if (page.length === 0) break;
        found.push(...page);
      }
      expect(found.toSorted()).toEqual(names.map(asHubName).toSorted());
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
