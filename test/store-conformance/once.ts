import { describe, expect, test } from "vitest";
import { MAX_KEY_LENGTH } from "../../src/store/encoding/text.ts";
import type { DeliverPart, DeliverToEntityPart } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import { commit, deliverPart, endPart, eventRaised, inboxOf, keyOf, signal, started, toEntityPart, turnPart } from "./fixtures.ts";

/** Raised at a moment, and remembered for ten. */
function raise(key: string, at: number, id = "a"): DeliverPart {
  return { ...deliverPart(id, { ...eventRaised(`${key} ${at}`), timestamp: at }), once: { key, until: at + 10 } };
}

function signalOnce(key: string, at: number): DeliverToEntityPart {
  return toEntityPart("@e@k", signal("@e@k", `${key} ${at}`, { timestamp: at }), { once: { key, until: at + 10 } });
}

export function describeOnce(openBackend: OpenBackend): void {
  describe("once", () => {
    test("a repeated delivery has no effect until its key expires, over batches and a reopening", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const ref = await started(store, "a", "e1");
      const answers = await commit(store, raise("k", 0), raise("k", 0), raise("other", 1), raise("k", 9));
      expect(answers.map(({ kind }) => kind)).toEqual(["delivered", "repeated", "delivered", "repeated"]);
      const again = await backend.open();
      expect(await commit(again, raise("k", 9), raise("k", 10), raise("k", 19))).toMatchObject([
        { kind: "repeated" },
        { kind: "delivered" },
        { kind: "repeated" },
      ]);
      const names = (await inboxOf(again, ref)).map((message) => message.kind === "EventRaised" && message.name);
      expect(names.slice(1)).toEqual(["k 0", "other 1", "k 10"]);
    });

    test("keys are compared within the hub, for entities too", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      await started(store, "a", "e1");
      await started(store, "a", "e1", { hub: "other" });
      const elsewhere = { ...raise("k", 0), to: keyOf("a", "other") };
      const kinds = (await commit(store, raise("k", 0), elsewhere, signalOnce("k", 1), signalOnce("s", 1), signalOnce("s", 2))).map(
        ({ kind }) => kind,
      );
      expect(kinds).toEqual(["delivered", "delivered", "repeated", "delivered", "repeated"]);
      expect(await inboxOf(store, (await store.instance(keyOf("@e@k"), false))?.ref ?? 0)).toHaveLength(1);
    });

    test("a delivery that was dropped or refused may be tried again", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      const full = { ...raise("k", 0), limit: 1 };
      expect(await commit(store, raise("k", 0))).toEqual([{ kind: "dropped", why: "absent" }]);
      const ref = await started(store, "a", "e1");
      expect(await commit(store, full)).toEqual([{ kind: "dropped", why: "full" }]);
      await expect(commit(store, raise("k", 0), turnPart(ref, "e0", 0))).rejects.toMatchObject({ code: "STORE_REFUSED" });
      expect(await commit(store, raise("k", 1))).toMatchObject([{ kind: "delivered" }]);
      await commit(store, endPart(ref, "e1"));
      expect(await commit(store, raise("k", 2), raise("k2", 2))).toEqual([{ kind: "repeated" }, { kind: "dropped", why: "terminal" }]);
    });

    test("keys are exact, and bounded", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      await started(store, "a", "e1");
      const keys = ["", "\0", "\ud800", "\udc00", "\u0001\u0001", "e\u0301", "\u00e9"];
      const answers = await commit(store, ...[...keys, ...keys].map((key) => raise(key, 0)));
      expect(answers.map(({ kind }) => kind)).toEqual([...keys.map(() => "delivered"), ...keys.map(() => "repeated")]);
      const long = raise("k".repeat(MAX_KEY_LENGTH + 1), 0);
      await expect(commit(store, long)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    });

    test("many that expire at once go in passing, and none before its time", async () => {
      await using backend = await openBackend();
      const store = await backend.open();
      await started(store, "a", "e1");
      await commit(store, ...Array.from({ length: 100 }, (_, at) => raise(`old${at}`, 0)), raise("lives", 15));
      for (let at = 0; at < 40; at++) await commit(store, raise(`new${at}`, 20));
      const repeated = await commit(store, raise("lives", 21), ...Array.from({ length: 40 }, (_, at) => raise(`new${at}`, 21)));
      expect(new Set(repeated.map(({ kind }) => kind))).toEqual(new Set(["repeated"]));
      const anew = await commit(store, ...Array.from({ length: 100 }, (_, at) => raise(`old${at}`, 21)));
      expect(new Set(anew.map(({ kind }) => kind))).toEqual(new Set(["delivered"]));
    });
  });
}
