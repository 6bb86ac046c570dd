import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EntityLock } from "../model/entity.ts";
import type { Message } from "../model/events.ts";
import { call, entity, lockOf, queueOf, request, signal, unlock } from "./entity-fixture.ts";
import { triageEntity } from "./entity-triage.ts";
import type { Waiting } from "./triage.ts";

const NOW = 100;

/** What happens to a queue in the end, if nothing is added: told message by message, by the words of the specification. */
function model(messages: readonly Message[], held: EntityLock | undefined): { readonly story: string[]; readonly left: Message[] } {
  const story: string[] = [];
  let left = [...messages];
  for (const unlocking of messages) {
    if (unlocking.kind !== "EntityUnlockSent" || !left.includes(unlocking)) continue;
    const before = left.slice(0, left.indexOf(unlocking));
    const asked = before.find((each) => each.kind === "EntityLockRequested" && each.criticalSectionId === unlocking.criticalSectionId);
    if (asked !== undefined) left = left.filter((each) => each !== asked && each !== unlocking);
  }
  let holder = held;
  for (;;) {
    const next = left.find((message) => {
      if ("operation" in message && (message.scheduledAt ?? 0) > NOW) return false;
      if (holder === undefined || message.kind === "EventRaised") return true;
      if (message.kind === "EntityOperationCalled") return message.parentExecutionId === holder.executionId;
      return message.kind === "EntityUnlockSent";
    });
    if (next === undefined) return { story, left };
    left = left.filter((each) => each !== next);
    if (next.kind === "EntityLockRequested") {
      holder = { ...lockOf(next.parentInstanceId) };
      story.push(`lock ${next.parentInstanceId}`);
    } else if (next.kind === "EntityUnlockSent") {
      if (holder?.criticalSectionId !== next.criticalSectionId) continue;
      story.push(`unlock ${holder.instanceId}`);
      holder = undefined;
    } else if ("requestId" in next) story.push(`serve ${next.requestId}`);
  }
}

/** What the triage makes of it, commit by commit. */
function told(messages: readonly Message[], held: EntityLock | undefined, maxBatch: number): ReturnType<typeof model> {
  const story: string[] = [];
  let lock = held;
  let queue: readonly Waiting[] = queueOf(messages);
  for (;;) {
    const { system, batch, waiting } = triageEntity(entity(lock === undefined ? {} : { entityLock: lock }), queue, NOW, maxBatch);
    expect(batch.length).toBeLessThanOrEqual(maxBatch);
    expect([...(system?.settled ?? []), ...batch, ...waiting].toSorted(byKey)).toEqual(queue.toSorted(byKey));
    expect(waiting).toEqual(queue.filter((each) => waiting.includes(each)));
    if (system === undefined && batch.length === 0) return { story, left: waiting.map(({ message }) => message) };
    for (const step of system?.steps ?? []) {
      story.push(step.kind === "locked" ? `lock ${step.request.parentInstanceId}` : `unlock ${step.lock.instanceId}`);
    }
    if (system !== undefined) lock = system.lock;
    story.push(...batch.map(({ message }) => `serve ${message.requestId}`));
    queue = waiting;
  }
}

const keyOf = ({ source }: Waiting): number => (source.kind === "inbox" ? source.key : 0);
const byKey = (a: Waiting, b: Waiting): number => keyOf(a) - keyOf(b);

const who = fc.constantFrom("x", "y", "z");
const messages = fc
  .array(
    fc.oneof(
      who.map(
        (name) =>
          (id: string): Message =>
            call(name, id),
      ),
      fc.constant((id: string): Message => signal(id)),
      fc.nat(200).map(
        (at) =>
          (id: string): Message =>
            signal(id, at),
      ),
      fc.tuple(who, fc.nat(200)).map(
        ([name, at]) =>
          (id: string): Message =>
            call(name, id, at),
      ),
      fc.constant((): Message => ({ kind: "EventRaised", eventId: -1, timestamp: 1, name: "astray" })),
      who.map((name) => (): Message => request(name)),
      who.map((name) => (): Message => unlock(name)),
    ),
    { maxLength: 14 },
  )
  .map((makers) => makers.map((make, index) => make(`r${index}`)));

describe("an entity's queue", () => {
  test("is worked off as the specification says, whatever the batches", () => {
    fc.assert(
      fc.property(messages, fc.option(who), fc.integer({ min: 1, max: 5 }), (queue, holder, maxBatch) => {
        const lock = holder === null ? undefined : lockOf(holder);
        expect(told(queue, lock, maxBatch)).toEqual(model(queue, lock));
      }),
      { numRuns: 2_000 },
    );
  });

  test("a request waits for the operations before it, and what comes after waits for the request", () => {
    const { system, batch, waiting } = triageEntity(entity(), queueOf([signal("1"), request("x"), signal("2"), call("x", "3")]), NOW, 9);
    expect(system).toBeUndefined();
    expect(batch.map(({ message }) => message.requestId)).toEqual(["1"]);
    expect(waiting.map(({ message }) => message.kind)).toEqual(["EntityLockRequested", "EntityOperationSignaled", "EntityOperationCalled"]);
  });

  test("of a held entity only the holder's calls are served, of the execution that locked it", () => {
    const other = { ...call("x", "2"), parentExecutionId: call("y", "").parentExecutionId };
    const queue = queueOf([call("y", "1"), other, call("x", "3"), signal("4")]);
    expect(triageEntity(entity({ entityLock: lockOf("x") }), queue, NOW, 9).batch.map(({ message }) => message.requestId)).toEqual(["3"]);
  });

  test("an unlock in another's name releases nothing", () => {
    const forged = { ...unlock("x"), parentInstanceId: unlock("y").parentInstanceId };
    const { system, batch } = triageEntity(entity({ entityLock: lockOf("x") }), queueOf([forged, signal("1")]), NOW, 9);
    expect(system?.lock).toEqual(lockOf("x"));
    expect(batch).toEqual([]);
  });

  test("says when the next of those that wait for their time may be served", () => {
    const { wakeAt, batch } = triageEntity(entity(), queueOf([signal("1", 300), signal("2", 200), signal("3")]), NOW, 9);
    expect(wakeAt).toBe(200);
    expect(batch.map(({ message }) => message.requestId)).toEqual(["3"]);
  });

  test("a stalled entity still lets go, but serves nothing", () => {
    const { system, batch, waiting } = triageEntity(
      entity({ stalled: "poisonous", entityLock: lockOf("x") }),
      queueOf([unlock("x"), signal("1")]),
      NOW,
      9,
    );
    expect(system?.lock).toBeUndefined();
    expect(batch).toEqual([]);
    expect(waiting).toHaveLength(1);
  });
});
