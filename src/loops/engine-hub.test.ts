import { describe, expect, test } from "vitest";
import type { Action } from "../model/actions.ts";
import { asExecutionId } from "../model/ids.ts";
import type { OrchestrationStatus } from "../model/status.ts";
import { type DrivenHubs, driveHubs, ending, task } from "./workers/hubs-fixture.ts";

const child = (instanceId: string): Action => ({ kind: "CreateSubOrchestration", id: 1, instanceId: instanceId as never, name: "child" });
const failing = (type: string): Action => ({ kind: "CompleteOrchestration", id: 99, status: "Failed", failure: { type, message: "no" } });
const REPLACE_ANY: readonly OrchestrationStatus[] = ["Running", "Pending", "Suspended", "Terminated", "Completed", "Failed"];
const statusOf = async ({ hub }: DrivenHubs, id: string) => (await hub.get(id, false))?.status;

describe("starts", () => {
  test("an active instance of the id refuses a second one; an ended one makes room", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow", executionId: asExecutionId("first") }));
    await expect(driven.done(driven.hub.start({ instanceId: "a", name: "flow" }))).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect((await driven.hub.get("a", false))?.executionId).toBe("first");
    await driven.complete(worker.takeTurn());
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    expect(await statusOf(driven, "a")).toBe("Pending");
  });

  test("hubs are namespaces: the same id in another hub is another instance", async () => {
    const driven = await driveHubs();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    const other = driven.engine.hub("other");
    expect(await other.get("a", false)).toBeUndefined();
    await driven.done(other.start({ instanceId: "a", name: "elsewhere" }));
    expect((await driven.hub.get("a", false))?.name).toBe("flow");
    await driven.done(other.terminate("a", undefined, true));
    expect(await statusOf(driven, "a")).toBe("Pending");
  });

  test("an active status may be replaced only together with Terminated", async () => {
    const driven = await driveHubs();
    const asked = driven.hub.start({ instanceId: "a", name: "flow", replaceable: ["Running", "Completed"] });
    await expect(driven.done(asked)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/^Invalid reusable statuses: Running/),
    });
  });

  test("ids and names of more than 2,048 units, ids of entities and hubs of 1 MB are refused", async () => {
    const driven = await driveHubs();
    const long = "x".repeat(2_049);
    const wishes = [
      () => driven.hub.start({ instanceId: long, name: "flow" }),
      () => driven.hub.start({ instanceId: "@counter@a", name: "flow" }),
      () => driven.hub.start({ name: long }),
      () => driven.hub.start({ name: "flow", version: long }),
      () => driven.hub.raiseEvent("a", long, undefined),
      () => driven.hub.terminate(long, undefined, true),
      () => driven.hub.signalEntity({ entityId: `@e@${long}` as never, operation: "o", requestId: "r" }),
      () => driven.hub.signalEntity({ entityId: "no entity" as never, operation: "o", requestId: "r" }),
      () => driven.hub.signalEntity({ entityId: "@e@k" as never, operation: long, requestId: "r" }),
      async () => driven.engine.hub("h".repeat(1_000_000)),
    ];
    for (const wish of wishes) {
      const problem = await driven.done((async () => await wish())()).catch((error: unknown) => error);
      expect(problem).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(String(problem).length).toBeLessThan(500);
    }
    await driven.done(driven.hub.start({ instanceId: "x".repeat(2_048), name: "flow" }));
  });
});

describe("a start that replaces an active instance", () => {
  test("the old one is terminated, its parent told and the new one started in one commit", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await driven.done(driven.hub.start({ instanceId: "parent", name: "flow" }));
    await driven.answerTurn(worker.takeTurn(), [child("kid")]);
    const old = worker.takeTurn();
    expect(old.instanceId).toBe("kid");
    const batches: number = driven.engine.workers.stats().inFlight.orchestration;
    expect(batches).toBe(1);
    await driven.done(driven.hub.start({ instanceId: "kid", name: "new", replaceable: REPLACE_ANY }));
    const items = [worker.takeTurn(), worker.takeTurn()];
    const parent = items.find(({ instanceId }) => instanceId === "parent");
    const renewed = items.find(({ instanceId }) => instanceId === "kid");
    expect(parent?.newEvents).toMatchObject([{}, { kind: "SubOrchestrationInstanceFailed", failure: { type: "OrchestrationTerminated" } }]);
    expect(renewed).toMatchObject({ row: { name: "new" } });
    expect(renewed?.executionId).not.toBe(old.executionId);
    await driven.complete(old, "of the old one");
    expect(await statusOf(driven, "kid")).toBe("Pending");
    if (renewed !== undefined) await driven.complete(renewed, "of the new one");
    expect((await driven.hub.get("kid", true))?.output).toBe("of the new one");
  });

  test("a status that is not among them refuses; one that nobody has is a plain start", async () => {
    const driven = await driveHubs();
    const replaceable: readonly OrchestrationStatus[] = ["Suspended", "Terminated"];
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow", replaceable }));
    const refused = driven.hub.start({ instanceId: "a", name: "flow", replaceable });
    await expect(driven.done(refused)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  });

  test("of many at once each replaces the one before, and one is left", async () => {
    const driven = await driveHubs();
    const wishes = [1, 2, 3, 4, 5].map((n) => driven.hub.start({ instanceId: "a", name: `flow${n}`, replaceable: REPLACE_ANY }));
    await driven.done(Promise.all(wishes));
    const worker = await driven.open();
    expect(worker.sent).toHaveLength(1);
    await driven.complete(worker.takeTurn(), "done");
    expect(await driven.hub.get("a", true)).toMatchObject({ status: "Completed", output: "done" });
  });

  test("a stalled instance is replaced too, also while the engine drains", async () => {
    const driven = await driveHubs({ workers: { maxTries: 1 } });
    const worker = await driven.open();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    await driven.done(driven.engine.workers.abandon(worker.takeTurn().token));
    expect((await driven.hub.get("a", false))?.stalled).toBeDefined();
    await driven.done(driven.hub.start({ instanceId: "a", name: "next", replaceable: REPLACE_ANY }));
    expect(worker.takeTurn().row.name).toBe("next");
    const late = driven.done(driven.hub.start({ instanceId: "a", name: "late", replaceable: REPLACE_ANY }));
    const closed = driven.engine.close({ drainMs: 1_000 });
    await late;
    await driven.advance(1_000);
    await closed;
    const after = await driveHubs({ state: driven.state });
    expect((await after.open()).takeTurn().row.name).toBe("late");
  });
});

describe("restart, rewind, purge", () => {
  test("an ended instance starts anew with its input, under its id or another", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow", version: "2", input: "7", tags: { team: "x" } }));
    await expect(driven.done(driven.hub.restart("a", false))).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    await expect(driven.done(driven.hub.restart("nobody", true))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await driven.complete(worker.takeTurn(), "1");
    expect(await driven.done(driven.hub.restart("a", false))).toBe("a");
    expect(worker.takeTurn().row).toMatchObject({ name: "flow", version: "2", input: "7", tags: { team: "x" } });
    await driven.done(driven.hub.terminate("a", undefined, true));
    const id = await driven.done(driven.hub.restart("a", true));
    expect(id).not.toBe("a");
    expect(worker.takeTurn()).toMatchObject({ instanceId: id, row: { input: "7" } });
    expect(await statusOf(driven, "a")).toBe("Terminated");
  });

  test("a failed instance runs again from before its failure, on a prefix of its history", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    await expect(driven.done(driven.hub.rewind("a", undefined))).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    await expect(driven.done(driven.hub.rewind("nobody", undefined))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await driven.answerTurn(worker.takeTurn(), [task(1, "good"), task(2, "bad")]);
    const activities = [worker.takeActivity(), worker.takeActivity()];
    for (const item of activities) {
      if (item.activity.name === "good") await driven.answerActivity(item, "1");
    }
    await driven.answerTurn(worker.takeTurn(), []);
    const bad = activities.find(({ activity }) => activity.name === "bad");
    const failure = { type: "Broken", message: "no" };
    await driven.done(driven.engine.workers.complete(bad?.token ?? "", { sort: "activity", outcome: { kind: "failed", failure } }));
    await driven.answerTurn(worker.takeTurn(), [failing("Broken")]);
    expect(await statusOf(driven, "a")).toBe("Failed");
    await driven.done(driven.hub.rewind("a", "try again"));
    expect(await statusOf(driven, "a")).toBe("Running");
    const rewound = worker.takeTurn();
    expect(rewound.newEvents).toMatchObject([{}, { kind: "ExecutionRewound", reason: "try again" }]);
    expect(rewound.history?.some(({ kind }) => kind === "TaskFailed")).toBe(false);
    await driven.answerTurn(rewound, []);
    await driven.answerActivity(worker.takeActivity(), "2");
    await driven.complete(worker.takeTurn(), "healed");
    expect(await driven.hub.get("a", true)).toMatchObject({ status: "Completed", output: "healed" });
    expect((await driven.hub.get("a", true))?.failure).toBeUndefined();
  });

  test("a purge by filter says whether it came to its end in time", async () => {
    const driven = await driveHubs();
    const worker = await driven.open({ credits: { orchestration: 2_000 } });
    await driven.done(Promise.all(Array.from({ length: 1_100 }, () => driven.hub.start({ name: "flow" }))));
    await driven.done(driven.hub.start({ instanceId: "living", name: "flow" }));
    const items = worker.sent.splice(0).filter(({ instanceId }) => instanceId !== "living");
    await driven.done(
      Promise.all(
        items.map(({ token }) => driven.engine.workers.complete(token, { sort: "orchestration", result: { actions: [ending()] } })),
      ),
    );
    const first = await driven.done(driven.hub.purgeAll({ status: ["Completed"] }, false, 0));
    expect(first).toEqual({ deleted: 500, isComplete: false });
    expect(await driven.done(driven.hub.purgeAll({ status: ["Completed"] }, false, 60_000))).toEqual({ deleted: 600, isComplete: true });
    expect(await statusOf(driven, "living")).toBe("Pending");
  });

  test("terminations without grace answer those that were not there to be terminated", async () => {
    const driven = await driveHubs();
    for (const instanceId of ["a", "b"]) await driven.done(driven.hub.start({ instanceId, name: "flow" }));
    await driven.done(driven.hub.terminate("b", undefined, false));
    expect(await driven.done(driven.hub.skipGracefulTerminations(["a", "b", "c"], "over"))).toEqual(["b", "c"]);
    expect(await driven.hub.get("a", true)).toMatchObject({ status: "Terminated", output: "over" });
  });

  test("a hub that is cleared has nothing left: running ones, entities, items in flight", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    await driven.answerTurn(worker.takeTurn(), [task(1)]);
    const activity = worker.takeActivity();
    await driven.done(driven.hub.start({ instanceId: "b", name: "flow" }));
    const turn = worker.takeTurn();
    await driven.done(driven.hub.signalEntity({ entityId: "@e@k" as never, operation: "o", requestId: "r" }));
    const entity = worker.takeEntity();
    const other = driven.engine.hub("other");
    await driven.done(other.start({ instanceId: "a", name: "flow" }));
    await driven.done(driven.hub.clear());
    await driven.answerActivity(activity);
    await driven.complete(turn);
    await driven.done(driven.engine.workers.complete(entity.token, { sort: "entity", result: { results: [], actions: [], state: "1" } }));
    expect(await driven.hub.query({}, { limit: 10, withPayloads: false })).toEqual({ rows: [] });
    expect(await driven.hub.queryEntities({}, { limit: 10, withPayloads: false })).toEqual({ rows: [] });
    expect((await other.get("a", false))?.status).toBe("Pending");
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    expect(worker.takeTurn().instanceId).toBe("a");
  });

  test("who waits for an instance that goes with its hub is told that it is gone", async () => {
    const driven = await driveHubs();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    const waiting = expect(driven.hub.waitFor("a", "end", undefined)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await driven.settle();
    await driven.done(driven.hub.clear());
    await driven.done(waiting);
  });
});

describe("events and history", () => {
  test("an event with the same key within ten minutes counts once", async () => {
    const driven = await driveHubs();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    for (const key of ["k", "k", "l"]) await driven.done(driven.hub.raiseEvent("a", "go", undefined, key));
    await driven.advance(10 * 60_000 + 1);
    await driven.done(driven.hub.raiseEvent("a", "go", undefined, "k"));
    const worker = await driven.open();
    expect(worker.takeTurn().newEvents.filter(({ kind }) => kind === "EventRaised")).toHaveLength(3);
  });

  test("history comes of the execution asked for, or not at all", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    const { executionId } = worker.takeTurn();
    expect((await Array.fromAsync(driven.hub.history("a", executionId))).flat()).toEqual([]);
    await expect(Array.fromAsync(driven.hub.history("a", "another"))).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    await expect(Array.fromAsync(driven.hub.history("nobody"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(Array.fromAsync(driven.hub.history("@e@k"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("a wait is tied to its call: it ends with its signal, and with the engine", async () => {
    const driven = await driveHubs();
    await driven.done(driven.hub.start({ instanceId: "a", name: "flow" }));
    const controller = new AbortController();
    const waiting = driven.hub.waitFor("a", "end", controller.signal);
    const other = driven.hub.waitFor("a", "end", undefined);
    other.catch(() => {});
    controller.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    await driven.done(driven.engine.close());
    await expect(other).rejects.toMatchObject({ code: "SHUT_DOWN" });
    await expect(driven.hub.get("a", false)).rejects.toMatchObject({ code: "SHUT_DOWN" });
  });
});
