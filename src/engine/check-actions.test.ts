import { expect, test } from "vitest";
import type { Action } from "../model/actions.ts";
import type { HistoryEvent } from "../model/events.ts";
import { checkActions } from "./check-actions.ts";
import { call, entity, request, signal, unlock } from "./entity-fixture.ts";
import { fold } from "./state.ts";

const history: HistoryEvent[] = [
  { kind: "TaskScheduled", eventId: 1, timestamp: 1, name: "a" },
  { ...call("x", "open"), eventId: 2 },
  { ...request("x"), eventId: 3 },
  // A message may carry any number.
  { kind: "EventRaised", eventId: 99, timestamp: 1, name: "e" },
];
const state = fold({ ...entity().row, historyLength: history.length }, history);
const task = (id: number): Action => ({ kind: "ScheduleTask", id, name: "a" });
const timer = (fireAt: number): Action => ({ kind: "CreateTimer", id: 4, fireAt });
const end = (id: number): Action => ({ kind: "CompleteOrchestration", id, status: "Completed" });
const send = (message: Extract<Action, { kind: "SendEntityMessage" }>["message"], id = 4): Action => ({
  kind: "SendEntityMessage",
  id,
  message,
});
const nobody = (message: ReturnType<typeof signal>) => ({ ...message, targetInstanceId: "flow" as typeof message.targetInstanceId });

test.each<[string, readonly Action[], string]>([
  ["an id below zero", [task(-1)], "no 32-bit number"],
  ["a broken id", [task(4.5)], "no 32-bit number"],
  ["an id beyond 32 bits", [task(2 ** 31)], "no 32-bit number"],
  ["an id that the turn has already", [task(4), task(4)], "of another action of the turn"],
  ["an id of an earlier turn", [task(3)], "the next is 4"],
  ["a timer at no moment", [timer(Number.NaN)], "fires at no moment"],
  ["a timer beyond all time", [timer(1e300)], "fires at no moment"],
  ["two ends", [end(4), end(5)], "a second time"],
  ["an end of its own invention", [{ ...end(4), status: "Running" } as never], "no end"],
  ["an unknown kind", [{ kind: "RewindOrchestration", id: 4 } as never], "does not know"],
  ["an activity without a name", [{ kind: "ScheduleTask", id: 4, name: "" }], "names no activity"],
  ["a child with the id of an entity", [{ kind: "CreateSubOrchestration", id: 4, name: "c", instanceId: "@e@k" as never }], '"@"'],
  ["a signal to an orchestration", [send(nobody(signal("1")))], '"flow"'],
  ["a signal at no moment", [send(signal("1", Number.POSITIVE_INFINITY))], "no moment"],
  ["a call without a request id", [send(call("x", ""))], "without a request id"],
  ["a call with the id of an open one", [send(call("x", "open"))], "open call"],
  ["two calls with one id", [send(call("x", "1")), send(call("x", "1"), 5)], "open call"],
  ["a second section of one id", [send(request("x"))], "open critical section"],
  ["locks of nobody", [send({ ...request("y"), lockSet: [] })], "of no entity"],
  ["an unknown message", [send({ kind: "EntityDance" } as never)], "does not know"],
])("%s is refused", (_, actions, reason) => {
  expect(checkActions(actions, state)).toContain(reason);
});

test.each([-1, 0, 3, 4])("an end may have the id %i: nothing refers to it", (id) => {
  expect(checkActions([task(4), end(id)], state)).toBeUndefined();
});

test("ids count from 0, as those of some SDKs do", () => {
  expect(checkActions([task(0), task(1)], fold(state.row, []))).toBeUndefined();
  const after = fold({ ...state.row, historyLength: 1 }, [{ kind: "TaskScheduled", eventId: 0, timestamp: 1, name: "a" }]);
  expect(checkActions([task(0)], after)).toContain("the next is 1");
});

test("what makes sense is let through", () => {
  const actions: Action[] = [
    task(4),
    { kind: "CreateTimer", id: 5, fireAt: -1 },
    send(call("x", "1"), 6),
    send(signal("1"), 7),
    // Not held: it has no effect.
    send(unlock("y"), 8),
    // One that replays sends it again: it leaves nothing in history.
    { kind: "TerminateOrchestration", id: 1, instanceId: state.row.instanceId, recurse: false },
    end(9),
  ];
  expect(checkActions(actions, state)).toBeUndefined();
});

test("a long id is named by its beginning", () => {
  const message = { ...signal("1"), targetInstanceId: "x".repeat(1_000_000) as never };
  expect(checkActions([send(message)], state)?.length).toBeLessThan(400);
});
