import { describe, expect, test } from "vitest";
import { driveHubs, ending, task } from "./hubs-fixture.ts";

describe("turns of workers out of process", () => {
  test("a turn and an activity go out, and their answers are committed before they are accepted (E3)", async () => {
    const { hub, open, done, answerTurn, answerActivity, complete } = await driveHubs();
    const worker = await open();
    const id = await done(hub.start({ name: "flow", input: "1" }));
    const first = worker.takeTurn();
    expect(first.newEvents.map(({ kind }) => kind)).toEqual(["OrchestratorStarted", "ExecutionStarted"]);
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

  test("work waits for a worker, and finds the one that connects", async () => {
    const { engine, hub, open, done, complete } = await driveHubs();
    const ids = await done(Promise.all([1, 2, 3].map(() => hub.start({ name: "flow" }))));
    expect(engine.workers.stats().queued.orchestration).toBe(3);
    const worker = await open({ credits: { orchestration: 2 } });
    expect(worker.sent).toHaveLength(2);
    await complete(worker.takeTurn());
    expect(worker.sent).toHaveLength(2);
    await complete(worker.takeTurn());
    await complete(worker.takeTurn());
    for (const id of ids) expect((await hub.get(id, false))?.status).toBe("Completed");
    expect(engine.workers.stats()).toMatchObject({ inFlight: { orchestration: 0 }, queued: { orchestration: 0 } });
  });

  test("the last action of a fan-out ends the orchestration, whose activities still run (E9)", async () => {
    const { hub, open, done, answerTurn, answerActivity } = await driveHubs();
    const worker = await open();
    const id = await done(hub.start({ name: "flow" }));
    await answerTurn(worker.takeTurn(), [task(1), task(2), ending("done")]);
    expect((await hub.get(id, true))?.status).toBe("Completed");
    await answerActivity(worker.takeActivity());
    await answerActivity(worker.takeActivity());
    expect((await hub.get(id, true))?.output).toBe("done");
  });
});
