import { describe, expect, test } from "vitest";
import { asExecutionId, asInstanceId } from "../model/ids.ts";
import type { EntityResult } from "../model/work-item.ts";
import { applyEntityBatch, applyEntitySystem, checkEntityResult } from "./apply-entity.ts";
import { call, ENTITY, entity, lockOf, queueOf, request, signal, unlock } from "./entity-fixture.ts";
import { triageEntity, type WaitingOperation } from "./entity-triage.ts";
import type { InstanceState } from "./state.ts";

const NOW = 100;
const FAILURE = { type: "Bug", message: "a bug" };
let minted = 0;
const ports = { mintExecutionId: () => asExecutionId(`minted${++minted}`), maxInboxMessages: 7 };
const done = (count: number, more: Partial<EntityResult> = {}): EntityResult => ({
  results: Array.from({ length: count }, (_, index) => ({ kind: "completed", result: `${index}` }) as const),
  actions: [],
  state: "new",
  ...more,
});

function batchOf(state: InstanceState, ...messages: Parameters<typeof queueOf>[0]): readonly WaitingOperation[] {
  return triageEntity(state, queueOf(messages), NOW, 9).batch;
}

describe("a batch of an entity", () => {
  test("E16: commits state, answers, messages and the operations that it settled together", () => {
    const state = entity({ entityState: "old" });
    const batch = batchOf(state, call("x", "1"), signal("2"), call("y", "3", 50));
    const actions = [
      { kind: "SendSignal", instanceId: asInstanceId("@Other@K"), operation: "op", scheduledAt: 500 },
      { kind: "StartNewOrchestration", instanceId: "", name: "flow", input: "in" },
    ] as const;
    const { turn, sends, state: after } = applyEntityBatch(state, batch, done(3, { actions }), NOW, ports);
    expect(turn).toMatchObject({ consumed: [1, 2, 3], removeTimers: [3], append: [], row: { entityState: "new", updatedAt: NOW } });
    expect(after.row).toMatchObject({ entityState: "new", updatedAt: NOW });
    expect(sends).toMatchObject([
      {
        kind: "deliver",
        to: { instanceId: "x" },
        executionId: "x1",
        message: { kind: "EntityOperationCompleted", requestId: "1", output: "0" },
      },
      { kind: "deliver", to: { instanceId: "y" }, executionId: "y1", message: { requestId: "3", output: "2" } },
      { kind: "deliverToEntity", to: { instanceId: "@other@K" }, name: "other", dueAt: 500, limit: 7 },
      { kind: "start", started: { name: "flow", input: "in" } },
    ]);
    expect(sends[3]).not.toHaveProperty("started.instanceId", "");
  });

  test("E16: fewer results than operations leave the rest queued", () => {
    const state = entity();
    const batch = batchOf(state, call("x", "1"), call("y", "2"), call("z", "3"));
    const { turn, sends } = applyEntityBatch(state, batch, done(2), NOW, ports);
    expect(turn.consumed).toEqual([1, 2]);
    expect(sends).toHaveLength(2);
  });

  test("that no worker could serve fails each operation and changes nothing", () => {
    const state = entity({ entityState: "old" });
    const batch = batchOf(state, call("x", "1"), signal("2"));
    const { turn, sends, state: after } = applyEntityBatch(state, batch, done(0, { failure: FAILURE, state: undefined }), NOW, ports);
    expect(turn.consumed).toEqual([1, 2]);
    expect(turn.row).not.toHaveProperty("entityState");
    expect(after.row.entityState).toBe("old");
    expect(sends).toMatchObject([{ message: { kind: "EntityOperationFailed", requestId: "1", failure: FAILURE } }]);
  });

  test("without a state deletes the entity's", () => {
    const state = entity({ entityState: "old" });
    const { turn, state: after } = applyEntityBatch(state, batchOf(state, signal("1")), done(1, { state: undefined }), NOW, ports);
    expect(turn.row).toMatchObject({ entityState: undefined });
    expect(after.row).not.toHaveProperty("entityState");
  });

  test("with a result that makes no sense is refused", () => {
    expect(checkEntityResult(2, done(3))).toContain("2 operations, its result 3");
    expect(checkEntityResult(2, done(0))).toContain("settles no operation");
    expect(checkEntityResult(2, done(0, { failure: FAILURE }))).toBeUndefined();
    const toNobody = { kind: "SendSignal", instanceId: asInstanceId("flow"), operation: "op" } as const;
    expect(checkEntityResult(1, done(1, { actions: [toNobody] }))).toContain('"flow"');
    const asEntity = { kind: "StartNewOrchestration", instanceId: "@e@k", name: "flow" } as const;
    expect(checkEntityResult(1, done(1, { actions: [asEntity] }))).toContain('"@e@k"');
    expect(checkEntityResult(1, done(1))).toBeUndefined();
  });
});

describe("a lock", () => {
  const locking = (state: InstanceState, ...messages: Parameters<typeof queueOf>[0]) => {
    const { system } = triageEntity(state, queueOf(messages), NOW, 9);
    if (system === undefined) throw new Error("there is nothing to do");
    return applyEntitySystem(state, system, NOW, ports);
  };

  test("E16: is held, and sent on in the same commit", () => {
    const { turn, sends, state } = locking(entity(), request("x"));
    expect(turn).toMatchObject({ consumed: [1], row: { entityLock: lockOf("x") } });
    expect(state.row.entityLock).toEqual(lockOf("x"));
    expect(sends).toMatchObject([
      { kind: "deliverToEntity", to: { instanceId: "@f@k" }, message: { kind: "EntityLockRequested", position: 2 } },
    ]);
    expect(sends[0]).not.toHaveProperty("limit");
  });

  test("of the last of the set is told to the execution that asked, and to no other of its instance", () => {
    const last = { ...request("x", 0), lockSet: [ENTITY] };
    const { sends } = locking(entity(), last);
    expect(sends).toMatchObject([{ kind: "deliver", to: { instanceId: "x" }, executionId: "x1", message: { kind: "EntityLockGranted" } }]);
  });

  test("that is released goes on to the next, and to whoever asked next here", () => {
    const { sends, state } = locking(entity({ entityLock: lockOf("x") }), request("y"), unlock("x"));
    expect(state.row.entityLock).toEqual(lockOf("y"));
    expect(sends).toMatchObject([
      { to: { instanceId: "@f@k" }, message: { kind: "EntityUnlockSent", criticalSectionId: "s-x", parentInstanceId: "x" } },
      { to: { instanceId: "@f@k" }, message: { kind: "EntityLockRequested", criticalSectionId: "s-y" } },
    ]);
  });

  test("of a stalled entity leaves the stall", () => {
    const { turn, state } = locking(entity({ stalled: "poisonous", entityLock: lockOf("x") }), unlock("x"));
    expect(turn.row).not.toHaveProperty("stalled");
    expect(state.row).toMatchObject({ stalled: "poisonous" });
    expect(state.row).not.toHaveProperty("entityLock");
  });
});
