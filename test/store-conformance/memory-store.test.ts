import { expect, test } from "vitest";
import { MemoryState } from "../../src/store/memory/memory-state.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Part } from "../../src/store/store.ts";
import { commit, deliverPart, eventRaised, keyOf, signal, started, toEntityPart, turnPart } from "./fixtures.ts";

test("large payloads of an entity go with the state and the message that held them, while it lives", async () => {
  const state = new MemoryState();
  await using store = await openMemoryStore({ state });
  const large = "x".repeat(50_000);
  const [delivered] = await commit(store, toEntityPart("@e@k", signal("@e@k", "1", { input: large })));
  if (delivered?.kind !== "delivered") throw new Error();
  const { ref, executionId, inboxKey } = delivered;
  await commit(store, turnPart(ref, executionId, 0, { consumed: [inboxKey], row: { entityState: `${large}0` } }));
  expect(state.blobs.size).toBe(1);
  for (let at = 1; at < 5; at++) await commit(store, { kind: "row", ref, row: { entityState: `${large}${at}` } });
  expect(state.blobs.size).toBe(1);
  const rename: Part = { kind: "row", ref, row: { entityState: large } };
  await expect(commit(store, rename, turnPart(ref, "none", 0))).rejects.toMatchObject({ code: "STORE_REFUSED" });
  expect(await store.instance(keyOf("@e@k"), true)).toMatchObject({ entityState: `${large}4` });
  await commit(store, { kind: "clearHub", hub: keyOf("").hub, limit: 9 });
  expect(state.blobs.size).toBe(0);
});

test("deliveries that count once are forgotten when they have expired, and come back with a refused batch", async () => {
  const state = new MemoryState();
  await using store = await openMemoryStore({ state });
  await started(store, "a", "e1");
  const raise = (key: string, at: number): Part => ({
    ...deliverPart("a", { ...eventRaised("x"), timestamp: at }),
    once: { key, until: at + 10 },
  });
  await commit(store, ...Array.from({ length: 100 }, (_, at) => raise(`old ${at}`, 0)));
  const anew = Array.from({ length: 40 }, (_, at) => raise(`new ${at}`, 11));
  await expect(commit(store, ...anew, turnPart(1, "none", 0))).rejects.toMatchObject({ code: "STORE_REFUSED" });
  expect(state.deliveries.size).toBe(100);
  expect(await commit(store, raise("old 7", 9))).toEqual([{ kind: "repeated" }]);
  await commit(store, ...anew);
  expect(state.deliveries.size).toBe(40);
});
