// Each conditional part against each end of its target, in both orders, in one batch and in two.

import { describe, expect, test } from "vitest";
import type { Part, PartAnswer, Store } from "../../src/store/store.ts";
import type { OpenBackend } from "./conformance.ts";
import { dumpRows } from "./dump-rows.ts";
import {
  childFailed,
  commit,
  deliverPart,
  endPart,
  eventRaised,
  HUB,
  inboxOf,
  keyOf,
  nextExecution,
  parentInfo,
  started,
  startPart,
  taskCompleted,
  turnPart,
} from "./fixtures.ts";

interface Fate {
  readonly name: string;
  readonly parts: (ref: number) => readonly Part[];
}

const FATES: readonly Fate[] = [
  { name: "completion", parts: (ref) => [endPart(ref, "e1")] },
  { name: "purge", parts: (ref) => [endPart(ref, "e1"), { kind: "purge", key: keyOf("a") }] },
  { name: "continue-as-new", parts: (ref) => [turnPart(ref, "e1", 0, { next: nextExecution("e2") })] },
  { name: "re-creation", parts: (ref) => [endPart(ref, "e1"), startPart("a", "e3", { replaceable: ["Completed"] })] },
];

interface Racer {
  readonly name: string;
  readonly part: Part;
  /** What it answers before any fate, and after each. */
  readonly before: object;
  readonly after: { readonly [fate: string]: object };
}

const RACERS: readonly Racer[] = [
  {
    name: "deliver",
    part: deliverPart("a", eventRaised("x")),
    before: { kind: "delivered", executionId: "e1" },
    after: {
      completion: { kind: "dropped", why: "terminal" },
      purge: { kind: "dropped", why: "absent" },
      "continue-as-new": { kind: "delivered", executionId: "e2" },
      "re-creation": { kind: "delivered", executionId: "e3" },
    },
  },
  {
    name: "deliver to an execution",
    part: deliverPart("a", taskCompleted(1), "e1"),
    before: { kind: "delivered", executionId: "e1" },
    after: {
      completion: { kind: "dropped", why: "terminal" },
      purge: { kind: "dropped", why: "absent" },
      "continue-as-new": { kind: "dropped", why: "execution" },
      "re-creation": { kind: "dropped", why: "execution" },
    },
  },
  {
    name: "start",
    part: startPart("a", "s", { replaceable: ["Completed"] }),
    before: { kind: "taken", status: "Pending" },
    after: {
      completion: { kind: "started" },
      purge: { kind: "started" },
      "continue-as-new": { kind: "taken", status: "Pending" },
      "re-creation": { kind: "taken", status: "Pending" },
    },
  },
];

async function commitAs(store: Store, oneBatch: boolean, groups: readonly (readonly Part[])[]): Promise<readonly PartAnswer[]> {
  if (oneBatch) return commit(store, ...groups.flat());
  const answers: PartAnswer[] = [];
  for (const parts of groups) answers.push(...(await commit(store, ...parts)));
  return answers;
}

export function describeRaces(openBackend: OpenBackend): void {
  describe.each(RACERS)("$name races", ({ part, before, after }) => {
    test.each(FATES)("$name", async ({ name, parts }) => {
      await using backend = await openBackend();
      const store = await backend.open();
      const dumps: (readonly object[])[] = [];
      for (const oneBatch of [true, false]) {
        const refs = [await started(store, "a", "e1"), 0];
        const fate = parts(refs[0] ?? 0);
        const late = await commitAs(store, oneBatch, [fate, [part]]);
        expect(late.at(-1)).toMatchObject(after[name] ?? {});
        dumps.push(await dumpRows(store, [HUB]));
        await clear(store);
        refs[1] = await started(store, "a", "e1");
        const early = await commitAs(store, oneBatch, [[part], parts(refs[1])]);
        expect(early[0]).toMatchObject(before);
        dumps.push(await dumpRows(store, [HUB]));
        await clear(store);
      }
      expect(dumps[2]).toEqual(dumps[0]);
      expect(dumps[3]).toEqual(dumps[1]);
    });
  });

  test("a message before continue-as-new waits for the new execution; before an end it goes with it", async () => {
    await using backend = await openBackend();
    const store = await backend.open();
    const ref = await started(store, "a", "e1");
    await commit(store, deliverPart("a", eventRaised("x")), turnPart(ref, "e1", 0, { next: nextExecution("e2") }));
    expect((await inboxOf(store, ref)).at(-1)).toEqual(eventRaised("x"));
    await commit(store, endPart(ref, "e2"));
    expect(await inboxOf(store, ref)).toEqual([]);
  });

  test.each(FATES)("a refused child start against its parent's $name", async ({ name, parts }) => {
    await using backend = await openBackend();
    const store = await backend.open();
    const parent = await started(store, "a", "e1");
    await started(store, "child", "c");
    const child = startPart("child", "c1", { parent: parentInfo("a", "e1", 1), child: { parentRef: parent, ifTaken: childFailed(1) } });
    const answers = await commit(store, child, ...parts(parent), child);
    expect(answers[0]).toMatchObject({ kind: "taken", notified: { ref: parent, executionId: "e1" } });
    expect(answers.at(-1)).toEqual({ kind: "taken", status: "Pending" });
    expect(name).not.toBe("");
  });
}

/** Ends and purges what has the id. */
async function clear(store: Store): Promise<void> {
  const row = await store.instance(keyOf("a"), false);
  if (row === undefined) return;
  if (row.status === "Pending") await commit(store, endPart(row.ref, row.executionId, row.historyLength));
  await commit(store, { kind: "purge", key: keyOf("a") });
}
