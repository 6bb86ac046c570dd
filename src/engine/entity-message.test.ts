import { describe, expect, test } from "vitest";
import type { Action } from "../model/actions.ts";
import type { EntityMessage } from "../model/events.ts";
import { asExecutionId, asInstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import { applyTerminate, applyTurn, type Committing } from "./apply-turn.ts";
import { call, entity, queueOf, request, signal, unlock } from "./entity-fixture.ts";
import { fold, type InstanceState } from "./state.ts";

const ports = { mintExecutionId: () => asExecutionId("new"), reserve: () => true, maxInboxMessages: 7 };
const row: InstanceRow = { ...entity().row, instanceId: asInstanceId("flow"), executionId: asExecutionId("flow1"), name: "flow" };

function asking(state: InstanceState, ...messages: readonly EntityMessage[]): Committing {
  const actions = messages.map(
    (message, index): Action => ({ kind: "SendEntityMessage", id: Math.max(state.open.lastActionId, 0) + index + 1, message }),
  );
  return applyTurn(state, { taken: [], dropped: [], actions, time: 10 }, ports);
}

describe("a message to an entity", () => {
  test("says who asks as the engine knows it, under the action's id, whatever the worker wrote", () => {
    const forged = { ...call("victim", "1"), targetInstanceId: asInstanceId("@Account@K"), timestamp: 999, eventId: 77 };
    const { turn, sends } = asking(fold(row, []), forged, { ...request("victim", 2), lockSet: ["@b@1", "@B@1", "@a@1"].map(asInstanceId) });
    const parent = { parentInstanceId: "flow", parentExecutionId: "flow1", timestamp: 10 };
    expect(turn.append).toMatchObject([
      { ...parent, eventId: 1, targetInstanceId: "@account@K" },
      { ...parent, eventId: 2, lockSet: ["@a@1", "@b@1"], position: 0 },
    ]);
    expect(sends).toMatchObject([
      { kind: "deliverToEntity", to: { instanceId: "@account@K" }, name: "account", message: { ...parent, eventId: -1 } },
      { kind: "deliverToEntity", to: { instanceId: "@a@1" }, name: "a", message: { ...parent, eventId: -1 } },
    ]);
  });

  test("E11: is dropped at the bound of the inbox only if nobody waits for it", () => {
    const { sends } = asking(fold(row, []), signal("1"), call("flow", "2"), request("flow"), unlock("flow"));
    expect(sends.map((send) => "limit" in send && send.limit)).toEqual([7, false, false, false]);
  });

  test("with a time of its own comes with a timer, unless that time has come", () => {
    const { sends } = asking(fold(row, []), signal("1", 500), signal("2", 5));
    expect(sends).toMatchObject([{ dueAt: 500 }, {}]);
    expect(sends[1]).not.toHaveProperty("dueAt");
  });

  test("that unlocks what is not held is recorded and goes nowhere", () => {
    const { turn, sends } = asking(fold(row, []), unlock("flow"));
    expect(turn.append).toHaveLength(1);
    expect(sends).toEqual([]);
  });
});

describe("E16: the end of an execution", () => {
  const state = (): InstanceState => {
    const { turn } = asking(fold(row, []), request("flow"), { ...request("flow"), criticalSectionId: "other" }, unlock("flow"));
    const granted = { kind: "EntityLockGranted", eventId: -1, timestamp: 11, criticalSectionId: "s-flow" } as const;
    const history = [...turn.append, granted];
    return fold({ ...row, historyLength: history.length }, history);
  };
  const released = [
    { to: { instanceId: "@d@k" }, message: { kind: "EntityUnlockSent", criticalSectionId: "s-flow", parentInstanceId: "flow" } },
    { to: { instanceId: "@f@k" }, message: { kind: "EntityUnlockSent", criticalSectionId: "s-flow" } },
    ...["@d@k", "@e@k", "@f@k"].map((instanceId) => ({ to: { instanceId }, message: { criticalSectionId: "other" } })),
  ];

  test.each(["Completed", "Failed", "ContinuedAsNew"] as const)("as %s releases what it holds and what it has asked for", (status) => {
    const actions: Action[] = [{ kind: "CompleteOrchestration", id: 9, status }];
    expect(applyTurn(state(), { taken: [], dropped: [], actions, time: 10 }, ports).sends).toMatchObject(released);
  });

  test("by a terminate releases them too", () => {
    const queue = queueOf([{ kind: "ExecutionTerminated", eventId: -1, timestamp: 1, recurse: false }]);
    const [terminate] = queue;
    if (terminate === undefined) throw new Error();
    expect(applyTerminate(state(), queue, terminate, 10, ports).sends).toMatchObject(released);
  });
});
