import { describe, expect, test } from "vitest";
import type { Action } from "../../model/actions.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { Batch } from "../../store/store.ts";
import { type DrivenHubs, driveHubs, ending, task } from "./hubs-fixture.ts";
import type { TurnItem } from "./work-item.ts";

const start = (driven: DrivenHubs, name = "flow") => driven.done(driven.hub.start({ name }));
const raise = (driven: DrivenHubs, id: string, name: string) => driven.done(driven.hub.raiseEvent(id, name, undefined));
const abandon = (driven: DrivenHubs, item: { readonly token: string }) => driven.done(driven.engine.workers.abandon(item.token));
const kinds = (item: TurnItem) => item.newEvents.map(({ kind }) => kind);
const historyOf = async (driven: DrivenHubs, id: string) => (await Array.fromAsync(driven.hub.history(id))).flat();

describe("turns of workers out of process", () => {
  test("a turn and an activity go out, and their answers are committed before they are accepted (E3)", async () => {
    const driven = await driveHubs();
    const { hub, open, done, answerTurn, answerActivity, complete } = driven;
    const worker = await open();
    const id = await done(hub.start({ name: "flow", input: "1" }));
    const first = worker.takeTurn();
    expect(kinds(first)).toEqual(["OrchestratorStarted", "ExecutionStarted"]);
    expect(first.history).toEqual([]);
    await answerTurn(first, [task(1, "double", "1")], "half");
    expect((await hub.get(id, true))?.customStatus).toBe("half");
    const activity = worker.takeActivity();
    expect(activity).toMatchObject({ attempt: 1, activity: { name: "double", input: "1" } });
    await answerActivity(activity, "2");
    const second = worker.takeTurn();
    expect(second.newEvents).toMatchObject([{ kind: "OrchestratorStarted" }, { kind: "TaskCompleted", taskScheduledId: 1, result: "2" }]);
    expect(second.history?.map(({ kind }) => kind)).toEqual(["OrchestratorStarted", "ExecutionStarted", "TaskScheduled"]);
    await complete(second, "2");
    expect(await hub.get(id, true)).toMatchObject({ status: "Completed", output: "2" });
  });

  test("an answer is not accepted while its commit is on the way", async () => {
    const landing = Promise.withResolvers<void>();
    let isSlow = false;
    const driven = await driveHubs({
      wrap: (store) =>
        new Proxy(store, {
          get: (_, name) => {
            if (name === "commit") {
              return async (batch: Batch) => {
                if (isSlow) await landing.promise;
                return await store.commit(batch);
              };
            }
            const value: unknown = Reflect.get(store, name, store);
            return typeof value === "function" ? value.bind(store) : value;
          },
        }),
    });
    const worker = await driven.open();
    await start(driven);
    isSlow = true;
    let isAccepted = false;
    const result = { actions: [ending()] };
    const answer = driven.engine.workers.complete(worker.takeTurn().token, { sort: "orchestration", result }).then(() => {
      isAccepted = true;
    });
    await driven.settle();
    expect(isAccepted).toBe(false);
    landing.resolve();
    await driven.done(answer);
  });

  test("work waits for a worker, and finds the one that connects", async () => {
    const driven = await driveHubs();
    const ids = [await start(driven), await start(driven), await start(driven)];
    expect(driven.engine.workers.stats().queued.orchestration).toBe(3);
    const worker = await driven.open({ credits: { orchestration: 2 } });
    expect(worker.sent).toHaveLength(2);
    for (const _ of ids) await driven.complete(worker.takeTurn());
    for (const id of ids) expect((await driven.hub.get(id, false))?.status).toBe("Completed");
    expect(driven.engine.workers.stats()).toMatchObject({ inFlight: { orchestration: 0 }, queued: { orchestration: 0 } });
  });

  test("instances that wait for a worker need not stay in memory, and events for them are kept", async () => {
    const driven = await driveHubs({}, { limits: { maxWarmInstances: 3 } });
    const ids = [];
    for (let index = 0; index < 20; index++) ids.push(await start(driven));
    for (const id of ids) await raise(driven, id, "go");
    const worker = await driven.open();
    for (let index = 0; index < 20; index++) {
      const item = worker.takeTurn();
      expect(kinds(item)).toEqual(["OrchestratorStarted", "ExecutionStarted", "EventRaised"]);
      await driven.complete(item);
    }
  });

  test("what arrives while a turn is out waits for the next one (E1)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    const first = worker.takeTurn();
    await raise(driven, id, "go");
    expect(worker.sent).toEqual([]);
    await driven.answerTurn(first, []);
    expect(kinds(worker.takeTurn())).toEqual(["OrchestratorStarted", "EventRaised"]);
  });

  test("a redelivery with more events is a new batch, and the old one is stale (E5)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    const old = worker.takeTurn();
    await raise(driven, id, "go");
    await driven.close(worker);
    const other = await driven.open();
    const renewed = other.takeTurn();
    expect(renewed.token).not.toBe(old.token);
    expect(kinds(renewed)).toEqual(["OrchestratorStarted", "ExecutionStarted", "EventRaised"]);
    await driven.complete(old, "stale");
    expect((await driven.hub.get(id, true))?.status).toBe("Pending");
    await driven.complete(renewed, "fresh");
    expect((await driven.hub.get(id, true))?.output).toBe("fresh");
  });

  test("tokens that are not ours, and completions of another sort, are refused; those of an earlier process are stale", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await start(driven);
    const { token } = worker.takeTurn();
    const { workers } = driven.engine;
    const turn = { sort: "orchestration", result: { actions: [] } } as const;
    for (const wrong of ["", "o", "x.1.1.1.0.e", token.replace(/^o/, ""), "o.1.1.1", "\0"]) {
      await expect(driven.done(workers.complete(wrong, turn))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await expect(driven.done(workers.abandon(wrong))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    const activity = { sort: "activity", outcome: { kind: "completed", result: "1" } } as const;
    await expect(driven.done(workers.complete(token, activity))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await driven.done(workers.complete(token.replace(/^o\.\d+/, "o.0"), turn));
    await driven.done(workers.complete("a.0.99999.7.1.nowhere", activity));
  });

  test("suspend and resume take effect at once, whether a worker is there or not; events wait between them", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    await driven.answerTurn(worker.takeTurn(), []);
    await driven.close(worker);
    await driven.done(driven.hub.suspend(id, "lunch"));
    expect((await driven.hub.get(id, false))?.status).toBe("Suspended");
    await raise(driven, id, "go");
    const other = await driven.open();
    expect(other.sent).toEqual([]);
    await driven.done(driven.hub.resume(id, undefined));
    const item = other.takeTurn();
    expect(kinds(item)).toEqual(["OrchestratorStarted", "EventRaised"]);
    expect(item.history?.map(({ kind }) => kind)).toEqual([
      "OrchestratorStarted",
      "ExecutionStarted",
      "OrchestratorStarted",
      "ExecutionSuspended",
      "OrchestratorStarted",
      "ExecutionResumed",
    ]);
    await driven.complete(item, "done");
    expect((await driven.hub.get(id, true))?.output).toBe("done");
  });

  test("a batch that came back and goes out behind a suspend and a resume is another one (E5)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    await driven.answerTurn(worker.takeTurn(), []);
    await raise(driven, id, "go");
    const lost = worker.takeTurn();
    await driven.close(worker);
    driven.clock.move(10);
    await driven.done(driven.hub.suspend(id, "lunch"));
    await driven.done(driven.hub.resume(id, undefined));
    const other = await driven.open();
    const again = other.takeTurn();
    expect(again.token).not.toBe(lost.token);
    expect(again.newEvents[0]?.timestamp).toBeGreaterThan(lost.newEvents[0]?.timestamp ?? 0);
    await driven.complete(lost, "stale");
    await driven.complete(again, "done");
    expect((await driven.hub.get(id, true))?.output).toBe("done");
  });

  test("terminate ends an instance while its turn is out, and the late answer has no effect (E8)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    const item = worker.takeTurn();
    await raise(driven, id, "before");
    await driven.done(driven.hub.terminate(id, '"stop"', true));
    expect(await driven.hub.get(id, true)).toMatchObject({ status: "Terminated", output: '"stop"' });
    await driven.complete(item, "late");
    expect((await driven.hub.get(id, true))?.status).toBe("Terminated");
    expect(driven.engine.workers.stats().inFlight.orchestration).toBe(0);
  });

  test("activities of a terminated instance are dropped: late completions are accepted and change nothing", async () => {
    const driven = await driveHubs();
    const worker = await driven.open({ credits: { activity: 1 } });
    const id = await start(driven);
    await driven.answerTurn(worker.takeTurn(), [task(1), task(2)]);
    const running = worker.takeActivity();
    await driven.done(driven.hub.terminate(id, undefined, true));
    const before = await historyOf(driven, id);
    await driven.answerActivity(running, "late");
    expect(worker.sent).toEqual([]);
    expect(await historyOf(driven, id)).toEqual(before);
    expect(await driven.done(driven.hub.purge(id, false))).toBe(1);
    await driven.answerActivity(running, "later");
  });

  test("the activities of a turn that ends its orchestration still run (E9)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    await driven.answerTurn(worker.takeTurn(), [task(1), task(2), ending("done")]);
    await driven.answerActivity(worker.takeActivity());
    await driven.answerActivity(worker.takeActivity());
    expect(await driven.hub.get(id, true)).toMatchObject({ status: "Completed", output: "done" });
  });

  test("continue-as-new goes on under a new execution, with carried and late events in order (E9)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    const first = worker.takeTurn();
    await raise(driven, id, "late");
    const carried = { kind: "EventRaised", eventId: -1, timestamp: 0, name: "carried" } as const;
    const again: Action = { kind: "CompleteOrchestration", id: 2, status: "ContinuedAsNew", result: '"next"', carryoverEvents: [carried] };
    await driven.answerTurn(first, [task(1), again]);
    const second = worker.takeTurn();
    expect(second.executionId).not.toBe(first.executionId);
    expect(second.history).toEqual([]);
    expect(second.newEvents).toMatchObject([{}, { kind: "ExecutionStarted", input: '"next"' }, { name: "carried" }, { name: "late" }]);
    await driven.answerActivity(worker.takeActivity(), "of the old execution");
    await driven.complete(second, "done");
    expect((await driven.hub.get(id, true))?.output).toBe("done");
  });

  test("a durable timer fires for a cold instance without a worker, and its turn is there when one comes", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await start(driven);
    await driven.answerTurn(worker.takeTurn(), [{ kind: "CreateTimer", id: 1, fireAt: driven.clock.now() + 3_600_000 }]);
    await driven.close(worker);
    await driven.advance(3_600_000);
    await driven.advance(60_000);
    const other = await driven.open();
    expect(other.takeTurn().newEvents).toMatchObject([{}, { kind: "TimerFired", timerId: 1 }]);
  });
});

describe("items that come to nothing (E13)", () => {
  test("an abandoned turn is tried again after 1 s, 2 s, 4 s, and stalls its instance in the end; a resume tries again", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    const first = worker.takeTurn();
    await abandon(driven, first);
    for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]) {
      await driven.advance(pause - 1);
      expect(worker.sent).toEqual([]);
      await driven.advance(1);
      const again = worker.takeTurn();
      await abandon(driven, again);
    }
    expect((await driven.hub.get(id, false))?.stalled).toMatch(/tried many times/);
    await driven.advance(3_600_000);
    expect(worker.sent).toEqual([]);
    await driven.done(driven.hub.resume(id, undefined));
    await driven.complete(worker.takeTurn(), "done");
    expect(await driven.hub.get(id, true)).toMatchObject({ status: "Completed", output: "done" });
  });

  test("nonsense is refused with its reason, tried again, and a good answer ends the count", async () => {
    const driven = await driveHubs({ workers: { maxTries: 3 } });
    const worker = await driven.open();
    const id = await start(driven);
    const nonsense = async (): Promise<void> => {
      const answer = driven.answerTurn(worker.takeTurn(), [task(1), task(1)]);
      await expect(answer).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("id 1") });
    };
    for (let round = 0; round < 2; round++) {
      await nonsense();
      await driven.advance(1_000);
      await nonsense();
      await driven.advance(2_000);
      await driven.answerTurn(worker.takeTurn(), []);
      await raise(driven, id, "next");
    }
    expect((await driven.hub.get(id, false))?.stalled).toBeUndefined();
  });

  test("silence ten times in a row stalls the instance", async () => {
    const driven = await driveHubs();
    const id = await start(driven);
    for (let round = 0; round < 10; round++) {
      const worker = await driven.open();
      expect(worker.sent).toHaveLength(1);
      await driven.advance(60_000);
    }
    expect((await driven.hub.get(id, false))?.stalled).toMatch(/do not answer/);
  });

  test("an abandoned activity is tried again without a new attempt, and stalls its instance in the end; a resume tries again", async () => {
    const driven = await driveHubs({ workers: { maxTries: 3 } });
    const worker = await driven.open();
    const id = await start(driven);
    await driven.answerTurn(worker.takeTurn(), [task(1)]);
    for (const pause of [1_000, 2_000]) {
      const item = worker.takeActivity();
      expect(item.attempt).toBe(1);
      await abandon(driven, item);
      await driven.advance(pause);
    }
    await abandon(driven, worker.takeActivity());
    await driven.advance(3_600_000);
    expect((await driven.hub.get(id, false))?.stalled).toMatch(/given back by its workers 3 times/);
    await driven.done(driven.hub.resume(id, undefined));
    await driven.answerActivity(worker.takeActivity(), "1");
    await driven.complete(worker.takeTurn(), "done");
    expect((await driven.hub.get(id, true))?.output).toBe("done");
  });

  test("a payload over the limit stalls its instance at once, and redelivers for nobody", async () => {
    const driven = await driveHubs({}, { limits: { maxPayloadLength: 1_000 } });
    const worker = await driven.open();
    const id = await start(driven);
    const answer = driven.answerTurn(worker.takeTurn(), [task(1, "work", "x".repeat(1_001))]);
    await expect(answer).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect((await driven.hub.get(id, false))?.stalled).toMatch(/1001 bytes/);
    await driven.advance(3_600_000);
    expect(worker.sent).toEqual([]);
  });

  test("an activity's result over the limit fails the activity, with the reason", async () => {
    const driven = await driveHubs({}, { limits: { maxPayloadLength: 1_000 } });
    const worker = await driven.open();
    await start(driven);
    await driven.answerTurn(worker.takeTurn(), [task(1)]);
    await driven.answerActivity(worker.takeActivity(), "x".repeat(1_001));
    expect(worker.takeTurn().newEvents).toMatchObject([{}, { kind: "TaskFailed", failure: { type: "PayloadTooLarge" } }]);
  });

  test("an execution over the limit of its history is stalled instead of having another turn", async () => {
    const driven = await driveHubs({}, { limits: { maxHistoryLength: 10 } });
    const worker = await driven.open();
    const id = await start(driven);
    await driven.answerTurn(worker.takeTurn(), []);
    for (let index = 0; index < 6; index++) {
      await raise(driven, id, "go");
      if (worker.sent.length > 0) await driven.answerTurn(worker.takeTurn(), []);
    }
    expect((await driven.hub.get(id, false))?.stalled).toMatch(/limit of 10 events/);
    await driven.done(driven.hub.terminate(id, undefined, true));
    expect((await driven.hub.get(id, false))?.status).toBe("Terminated");
  });

  test("a turn that the store refuses stalls its instance, and its worker hears of it", async () => {
    const driven = await driveHubs({
      wrap: (store) =>
        new Proxy(store, {
          get: (_, name) => {
            if (name === "commit") {
              return async (batch: Batch) => {
                const isPoison = batch.parts.some((part) => part.kind === "turn" && part.row.customStatus === "poison");
                if (isPoison) throw new SignalboxError("STORE_REFUSED", "Not this.");
                return await store.commit(batch);
              };
            }
            const value: unknown = Reflect.get(store, name, store);
            return typeof value === "function" ? value.bind(store) : value;
          },
        }),
    });
    const worker = await driven.open();
    const id = await start(driven);
    await expect(driven.answerTurn(worker.takeTurn(), [], "poison")).rejects.toMatchObject({ code: "STORE_REFUSED" });
    expect((await driven.hub.get(id, false))?.stalled).toMatch(/Not this/);
  });
});

describe("an attempt that the store refuses (E13)", () => {
  test("stalls its instance and leaves its credit to others; a resume tries it again", async () => {
    let isRefusing = false;
    const driven = await driveHubs({
      wrap: (store) =>
        new Proxy(store, {
          get: (_, name) => {
            if (name === "commit") {
              return async (batch: Batch) => {
                const isAttempt = batch.parts.some(({ kind }) => kind === "attempt");
                if (isAttempt && isRefusing) throw new SignalboxError("STORE_REFUSED", "Not now.");
                return await store.commit(batch);
              };
            }
            const value: unknown = Reflect.get(store, name, store);
            return typeof value === "function" ? value.bind(store) : value;
          },
        }),
    });
    const turns = await driven.open({ filters: { activities: [] } });
    const id = await start(driven);
    await driven.answerTurn(turns.takeTurn(), [task(1)]);
    isRefusing = true;
    const worker = await driven.open({ filters: { orchestrations: [] }, credits: { activity: 1 } });
    expect(worker.sent).toEqual([]);
    expect((await driven.hub.get(id, false))?.stalled).toMatch(/Not now/);
    expect(driven.engine.workers.stats().inFlight.activity).toBe(0);
    isRefusing = false;
    const other = await start(driven);
    await driven.answerTurn(turns.takeTurn(), [task(1)]);
    await driven.answerActivity(worker.takeActivity(), "1");
    await driven.complete(turns.takeTurn());
    expect((await driven.hub.get(other, false))?.status).toBe("Completed");
    await driven.done(driven.hub.resume(id, undefined));
    await driven.answerActivity(worker.takeActivity(), "1");
    await driven.complete(turns.takeTurn(), "done");
    expect((await driven.hub.get(id, true))?.output).toBe("done");
  });
});

describe("delta turns (E12)", () => {
  test("the stream that holds an instance warm gets its new events only; another one gets the history", async () => {
    const driven = await driveHubs();
    const warm = await driven.open({ keepsWarm: true, filters: { activities: [] } });
    const other = await driven.open({ keepsWarm: true, filters: { orchestrations: [], activities: [] } });
    const id = await start(driven);
    await driven.answerTurn(warm.takeTurn(), []);
    await raise(driven, id, "one");
    const delta = warm.takeTurn();
    expect(delta).toMatchObject({ history: undefined, historyLength: 2 });
    await driven.answerTurn(delta, []);
    await driven.close(warm);
    expect(other.sent).toEqual([]);
    const third = await driven.open({ keepsWarm: true });
    await raise(driven, id, "two");
    const full = third.takeTurn();
    expect(full.history).toHaveLength(4);
    expect(full.historyLength).toBe(4);
  });

  test("a worker without the state asks for the history, and gets the same batch: no failure, no counted try", async () => {
    const driven = await driveHubs({ workers: { maxTries: 1 } });
    const worker = await driven.open({ keepsWarm: true });
    const id = await start(driven);
    await driven.answerTurn(worker.takeTurn(), []);
    await raise(driven, id, "one");
    const delta = worker.takeTurn();
    await driven.done(
      driven.engine.workers.complete(delta.token, { sort: "orchestration", result: { actions: [], requiresHistory: true } }),
    );
    const full = worker.takeTurn();
    expect(full).toEqual({ ...delta, history: expect.any(Array) });
    expect(full.history).toHaveLength(2);
    await driven.complete(full, "done");
    expect((await driven.hub.get(id, true))?.output).toBe("done");
  });

  test("a busy holder falls back at once to any stream", async () => {
    const driven = await driveHubs();
    const holder = await driven.open({ keepsWarm: true, credits: { orchestration: 1 } });
    const id = await start(driven);
    await driven.answerTurn(holder.takeTurn(), []);
    await start(driven);
    expect(holder.sent).toHaveLength(1);
    const other = await driven.open({ keepsWarm: true });
    await raise(driven, id, "one");
    expect(other.takeTurn().history).toHaveLength(2);
  });

  test("a worker that was given the history and asks for it again answers with nonsense", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await start(driven);
    const { token } = worker.takeTurn();
    const asking = driven.engine.workers.complete(token, { sort: "orchestration", result: { actions: [], requiresHistory: true } });
    await expect(driven.done(asking)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("the engine in between", () => {
  test("after a restart turns and activities go out again; an activity's answer to the old process still counts (E5, E15)", async () => {
    const before = await driveHubs();
    const old = await before.open();
    const id = await start(before);
    await before.answerTurn(old.takeTurn(), [task(1), task(2)]);
    const [one, two] = [old.takeActivity(), old.takeActivity()];
    const after = await driveHubs({ state: before.state });
    const worker = await after.open({ filters: { activities: [] } });
    await after.answerActivity(one, "1");
    const turn = worker.takeTurn();
    expect(turn.newEvents).toMatchObject([{}, { kind: "TaskCompleted", taskScheduledId: 1, result: "1" }]);
    await after.answerTurn(turn, []);
    const activities = await after.open({ filters: { orchestrations: [] } });
    const again = activities.takeActivity();
    expect(again).toMatchObject({ attempt: 2, activity: { actionId: 2 } });
    expect(again.token).not.toBe(two.token);
    // A failure speaks for its own attempt only.
    const failure = { type: "Error", message: "of the old attempt" };
    await after.done(after.engine.workers.complete(two.token, { sort: "activity", outcome: { kind: "failed", failure } }));
    expect(worker.sent).toEqual([]);
    await after.answerActivity(again, "2");
    await after.complete(worker.takeTurn(), "done");
    expect((await after.hub.get(id, true))?.output).toBe("done");
  });

  test("a turn that waits for a worker over many restarts is not held to have killed the process (E5)", async () => {
    let driven = await driveHubs();
    const id = await start(driven);
    for (let restart = 0; restart < 5; restart++) driven = await driveHubs({ state: driven.state });
    const worker = await driven.open();
    await driven.complete(worker.takeTurn(), "done");
    expect(await driven.hub.get(id, true)).toMatchObject({ status: "Completed", output: "done" });
  });

  test("a stalled instance is tried again when the store is next opened", async () => {
    const before = await driveHubs({ workers: { maxTries: 1 } });
    const id = await start(before);
    await abandon(before, (await before.open()).takeTurn());
    expect((await before.hub.get(id, false))?.stalled).toBeDefined();
    const after = await driveHubs({ state: before.state });
    const worker = await after.open();
    expect((await after.hub.get(id, false))?.stalled).toBeUndefined();
    await after.complete(worker.takeTurn(), "done");
    expect((await after.hub.get(id, true))?.status).toBe("Completed");
  });

  test("a shutdown drains what is with workers, sends nothing new, and takes what they complete (E14)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open({ credits: { orchestration: 1 } });
    await start(driven);
    await start(driven);
    const item = worker.takeTurn();
    const closed = driven.engine.close({ drainMs: 10_000 });
    await driven.settle();
    await driven.complete(item, "done");
    await driven.done(closed);
    expect(worker.sent).toEqual([]);
    expect(await driven.engine.stopped).toBeUndefined();
    const after = await driveHubs({ state: driven.state });
    const other = await after.open();
    expect(other.sent).toHaveLength(1);
  });

  test("a drain that comes to its deadline gives up what is still out, and late answers hear of it", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await start(driven);
    const item = worker.takeTurn();
    const closed = driven.engine.close({ drainMs: 10_000 });
    await driven.advance(10_000);
    await driven.done(closed);
    await expect(driven.complete(item)).rejects.toMatchObject({ code: "SHUT_DOWN" });
    const after = await driveHubs({ state: driven.state });
    expect((await after.open()).sent).toHaveLength(1);
  });
});
