import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asExecutionId, asInstanceId } from "../../src/model/ids.ts";
import { MAX_KEY_LENGTH } from "../../src/store/encoding/text.ts";
import type { OpenBackend } from "./conformance.ts";
import { dumpRows } from "./dump-rows.ts";
import { commit, eventRaised, HUB, inboxOf, keyOf, newActivity, started, startPart, turnPart } from "./fixtures.ts";

const NASTY = [
  "",
  "\0",
  "a\0b",
  "\x01\x01",
  "\ud800",
  "x\udc00",
  "\ud7ff\x03d800",
  "\ud83d\ude00",
  "@hash\n[]",
  "'; DROP TABLE instances",
  "e\u0301",
  "\ufeff",
];

export function describeText(openBackend: OpenBackend): void {
  describe("text", () => {
    test("ids, names and payloads come back exactly, and different ones never meet", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      for (const text of NASTY) {
        const ref = await started(store, text, `e${text}`, { name: text, version: text, input: text, tags: { [`t${text}`]: text } });
        const failure = { type: text, message: text, properties: { [`p${text}`]: text } };
        const row = { output: text, customStatus: text, stalled: text, failure };
        const addActivities = [newActivity(1, { name: text, input: text })];
        await commit(store, turnPart(ref, `e${text}`, 0, { append: [eventRaised(text, text)], row, addActivities }));
        const expected = { ...row, executionId: `e${text}`, name: text, version: text, input: text, tags: { [`t${text}`]: text } };
        expect(await store.instance(keyOf(text), true)).toMatchObject(expected);
        expect((await store.history(keyOf(text), 0))?.events).toEqual([eventRaised(text, text)]);
        expect((await store.activities(0, 99)).at(-1)).toMatchObject({
          name: text,
          input: text,
          executionId: `e${text}`,
          instanceId: text,
        });
        await commit(store, { kind: "forgetActivity", activity: { ref, executionId: asExecutionId(`e${text}`), actionId: 1 } });
        expect(await store.activities(0, 99)).toEqual([]);
      }
      const before = await dumpRows(store, [HUB]);
      expect(before).toHaveLength(NASTY.length);
      expect(await dumpRows(await backend.open(), [HUB])).toEqual(before);
    });

    test("prefixes mean what they mean in the program's own strings", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const texts = fc.array(fc.constantFrom("\0", "\x01", "\x02", "\x03", "\ud7ff", "\ud83d", "\ude00", "\ue000", "a"), { maxLength: 4 });
      const sampled = new Set(fc.sample(texts, { numRuns: 60, seed: 7 }).map((units) => units.join("")));
      await commit(store, ...[...sampled].map((id) => startPart(id, "e1")));
      for (const idPrefix of ["", "\0", "\x01", "\ud7ff", "\ud83d", "\ud83d\ude00", "\ude00", "\ud7ff\x03", "a\0"]) {
        const page = await store.instances({ hub: keyOf("").hub, idPrefix }, { limit: 999, withPayloads: false });
        expect(page.rows.map((row) => row.instanceId).toSorted()).toEqual([...sampled].filter((id) => id.startsWith(idPrefix)).toSorted());
      }
    });

    test("large payloads come back exactly wherever they stand", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const large = `\0#\ud800${"é".repeat(50_000)}`;
      const ref = await started(store, "a", "e1", { input: large, tags: { small: "\0x", large } });
      await commit(
        store,
        turnPart(ref, "e1", 0, {
          append: [eventRaised("\0#small", large)],
          row: { output: large, stalled: large },
          addActivities: [newActivity(1, { input: large })],
        }),
      );
      expect(await store.instance(keyOf("a"), true)).toMatchObject({
        input: large,
        output: large,
        stalled: large,
        tags: { small: "\0x", large },
      });
      expect((await store.history(keyOf("a"), 0))?.events).toEqual([eventRaised("\0#small", large)]);
      expect(await inboxOf(store, ref)).toMatchObject([{ input: large }]);
      expect(await store.activities(0, 9)).toMatchObject([{ input: large }]);
      expect((await store.instance(keyOf("a"), false))?.historyBytes).toBeLessThan(1000);
    });

    test("keys at the limit are taken, over it refused alone", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const longest = "\0".repeat(MAX_KEY_LENGTH);
      await started(store, longest, "e1");
      expect((await store.instance({ ...keyOf(longest), instanceId: asInstanceId(longest) }, false))?.instanceId).toBe(longest);
      await expect(commit(store, startPart("b", "e1"), startPart(`${longest}x`, "e1"))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
      expect(await store.instance(keyOf("b"), false)).toBeUndefined();
    });
  });
}
