// Any sequence of batches leaves the same in every store, and is answered alike; a refused batch leaves what was there.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { asExecutionId, asHubName, type InstanceKey } from "../../src/model/ids.ts";
import type { Part, PartAnswer, Store } from "../../src/store/store.ts";
import { inlineBackend, memoryBackend } from "./backends.ts";
import { dumpRows } from "./dump-rows.ts";
import {
  childFailed,
  commit,
  deliverPart,
  eventRaised,
  keyOf,
  lockOf,
  newActivity,
  nextExecution,
  parentInfo,
  signal,
  startPart,
  taskCompleted,
  toEntityPart,
  turnPart,
} from "./fixtures.ts";

const HUBS = ["h", "other"];
const LARGE = "x".repeat(40_000);

/** Numbers of refs and keys are a store's own: each looks them up for itself. */
type Command = (store: Store) => Promise<Part>;

const keys = fc.record({ id: fc.constantFrom("a", "b", "c"), hub: fc.constantFrom(...HUBS) }).map(({ id, hub }) => keyOf(id, hub));
const entityKeys = fc.record({ id: fc.constantFrom("@e@1", "@e@2"), hub: fc.constantFrom(...HUBS) }).map(({ id, hub }) => keyOf(id, hub));
const payloads = fc.constantFrom("small", LARGE, `${LARGE}2`);
const moments = fc.integer({ min: 1, max: 40 });
const onces = fc.option(fc.record({ key: fc.constantFrom("k1", "k2"), until: moments }), { nil: undefined });
const limits = fc.option(fc.constantFrom(1, 3), { nil: undefined });
const statuses = fc.constantFrom("Completed", "Failed", "Terminated" as const);

const always =
  (part: Part): Command =>
  async () =>
    part;

/** A turn on what the store holds, consuming some of what waits. */
function turn(key: InstanceKey, consumed: number, more: (execution: string) => Parameters<typeof turnPart>[3]): Command {
  return async (store) => {
    const row = await store.instance(key, false);
    const inbox = row === undefined ? [] : ((await store.load(row.ref))?.inbox ?? []);
    const execution = row?.executionId ?? "none";
    return turnPart(row?.ref ?? 999, execution, row?.historyLength ?? 0, {
      consumed: inbox.slice(0, consumed).map((message) => message.key),
      ...more(execution),
    });
  };
}

const refOf = async (store: Store, key: InstanceKey): Promise<number> => (await store.instance(key, false))?.ref ?? 999;

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ key: keys, input: payloads, createdAt: moments, child: fc.boolean(), later: fc.boolean() }).map(
    ({ key, input, createdAt, child, later }): Command =>
      async (store) => {
        const parentRef = await refOf(store, keyOf("a", key.hub));
        return startPart(key.instanceId, `e${createdAt}`, {
          hub: key.hub,
          input,
          createdAt,
          replaceable: ["Completed", "Failed"],
          ...(later && { scheduledStartAt: 30 }),
          ...(child && { parent: parentInfo("a", "e1", 1), child: { parentRef, ifTaken: childFailed(1) } }),
        });
      },
  ),
  fc
    .record({ to: fc.oneof(keys, entityKeys), input: payloads, at: moments, once: onces, limit: limits })
    .map(({ to, input, at, once, limit }) =>
      always({
        ...deliverPart("", { ...eventRaised("x", input), timestamp: at }),
        to,
        ...(once !== undefined && { once }),
        ...(limit !== undefined && { limit }),
      }),
    ),
  fc
    .record({ to: entityKeys, input: payloads, at: moments, once: onces, dueAt: fc.option(moments, { nil: undefined }) })
    .map(({ to, input, at, once, dueAt }) => {
      const message = signal(to.instanceId, "op", { input, timestamp: at });
      const options = { to, ...(once !== undefined && { once }), ...(dueAt !== undefined && { dueAt }) };
      return always(toEntityPart(to.instanceId, message, options));
    }),
  fc.record({ key: entityKeys, consumed: fc.nat(3), state: fc.option(payloads, { nil: undefined }), locks: fc.boolean() }).map((each) =>
    turn(each.key, each.consumed, () => ({
      row: { entityState: each.state, entityLock: each.locks ? lockOf("a", ["@e@1"]) : undefined },
    })),
  ),
  entityKeys.map((key) => always({ kind: "removeEntity", key })),
  fc.record({ key: keys, consumed: fc.nat(2), input: payloads, updatedAt: moments, ids: fc.subarray([1, 2, 3]) }).map((each) =>
    turn(each.key, each.consumed, () => ({
      append: [eventRaised("x", each.input)],
      row: { status: "Running", updatedAt: each.updatedAt, customStatus: each.input },
      addActivities: each.ids.map((id) => newActivity(id, { input: each.input, inFlight: id === 2 })),
      addTimers: each.ids.map((timerId) => ({ timerId, fireAt: each.updatedAt })),
    })),
  ),
  fc
    .record({ key: keys, ids: fc.subarray([1, 2, 3]) })
    .map(({ key, ids }) => turn(key, 0, () => ({ removeActivities: ids, removeTimers: ids }))),
  fc
    .record({ key: keys, status: statuses, dropQueued: fc.boolean(), output: payloads })
    .map(({ key, status, dropQueued, output }) =>
      turn(key, 1, () => ({ append: [eventRaised("end")], row: { output, completedAt: 50 }, ended: { status, dropQueued } })),
    ),
  fc.record({ key: keys, same: fc.boolean(), kept: payloads, ids: fc.subarray([1, 2, 3]) }).map(({ key, same, kept, ids }) =>
    turn(key, 1, (execution) => ({
      next: {
        ...nextExecution(same ? execution : "e9", [eventRaised("c1"), eventRaised("c2")]),
        input: kept,
        history: [eventRaised(kept)],
      },
      row: { status: "Running", output: undefined, failure: undefined, completedAt: undefined },
      addActivities: ids.map((id) => newActivity(id, { input: kept })),
      addTimers: [{ timerId: 3, fireAt: 9 }],
    })),
  ),
  fc.record({ to: keys, told: fc.boolean() }).map(
    ({ to, told }): Command =>
      async (store) => {
        const message = { kind: "ExecutionRewound", eventId: -1, timestamp: 9 } as const;
        const parentRef = await refOf(store, keyOf("a", to.hub));
        const child = { parentRef, parentExecutionId: asExecutionId("e1"), ifGone: childFailed(2) };
        return { kind: "rewind", to, message, ...(told && { child }) };
      },
  ),
  fc.record({ key: keys, actionId: fc.constantFrom(1, 2, 3), settles: fc.boolean() }).map(
    ({ key, actionId, settles }): Command =>
      async (store) => {
        const row = await store.instance(key, false);
        const activity = { ref: row?.ref ?? 999, executionId: row?.executionId ?? asExecutionId("none"), actionId };
        if (settles) return { kind: "settle", activity, message: taskCompleted(actionId, LARGE) };
        return { kind: "attempt", activity, attempt: 2, inFlight: false, dueAt: 12 };
      },
  ),
  keys.map(
    (key): Command =>
      async (store) => ({ kind: "deliverToChildren", parentRef: await refOf(store, key), message: eventRaised("end") }),
  ),
  keys.map((key) => always({ kind: "purge", key })),
  fc.constant(always({ kind: "raiseAttempts" })),
  // In any order: so all at once, for what is left to be the same.
  fc.constantFrom(...HUBS).map((hub) => always({ kind: "clearHub", hub: asHubName(hub), limit: 999 })),
);

/** What was answered, without a store's own numbers. */
async function answersTo(store: Store, batch: readonly Command[]): Promise<readonly unknown[] | string> {
  const parts = await Promise.all(batch.map((command) => command(store)));
  const plain = (answer: PartAnswer): unknown =>
    JSON.parse(
      JSON.stringify(answer, (name, value: unknown) =>
        /^(ref|refs|inboxKey|inboxKeys|replaced)$/.test(name) ? [value].flat().length : value,
      ),
    );
  try {
    return (await commit(store, ...parts)).map(plain);
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

test("memory and SQLite answer alike and hold the same, over refusals and reopenings", async () => {
  const step = fc.record({ batch: fc.array(commands, { minLength: 1, maxLength: 6 }), reopens: fc.nat(9).map((chance) => chance === 0) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      await using memory = await memoryBackend();
      await using sqlite = await inlineBackend();
      let stores = [await memory.open(), await sqlite.open()] as const;
      for (const { batch, reopens } of steps) {
        const [one, two] = [await answersTo(stores[0], batch), await answersTo(stores[1], batch)];
        expect(two).toEqual(one);
        if (reopens) stores = [await memory.open(), await sqlite.open()];
      }
      expect(await dumpRows(stores[1], HUBS)).toEqual(await dumpRows(stores[0], HUBS));
    }),
    { numRuns: 60 },
  );
}, 60_000);
