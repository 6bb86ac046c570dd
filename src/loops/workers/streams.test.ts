import { describe, expect, test } from "vitest";
import { type DrivenHubs, driveHubs, FakeStream, task } from "./hubs-fixture.ts";

const start = (driven: DrivenHubs, name = "flow", version?: string) =>
  driven.done(driven.hub.start({ name, ...(version !== undefined && { version }) }));

/** An orchestration with these activities queued; the worker that ran its turn is gone. */
async function scheduled(driven: DrivenHubs, ...names: readonly string[]): Promise<string> {
  const id = await start(driven);
  const worker = await driven.open({ filters: { orchestrations: [{ name: "flow" }], activities: [] } });
  await driven.answerTurn(
    worker.takeTurn(),
    names.map((name, index) => task(index + 1, name)),
  );
  await driven.close(worker);
  return id;
}

describe("the death of a stream (E10)", () => {
  test("a turn goes to another stream at once when the connection is gone, under the same token", async () => {
    const driven = await driveHubs();
    const [one, two] = [await driven.open(), await driven.open()];
    const id = await start(driven);
    const [holder, other] = one.sent.length > 0 ? [one, two] : [two, one];
    const lost = holder.takeTurn();
    await driven.close(holder);
    const again = other.takeTurn();
    expect(again).toEqual(lost);
    await driven.complete(again, "done");
    expect((await driven.hub.get(id, true))?.output).toBe("done");
  });

  test("a late answer from a dead stream settles the batch if nobody has, and is harmless after that (E5)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    const id = await start(driven);
    const lost = worker.takeTurn();
    await driven.close(worker);
    await driven.complete(lost, "late");
    expect((await driven.hub.get(id, true))?.output).toBe("late");
    const other = await driven.open();
    expect(other.sent).toEqual([]);
    await driven.complete(lost, "later");
    expect((await driven.hub.get(id, true))?.output).toBe("late");
  });

  test("an activity goes to another stream with the same attempt", async () => {
    const driven = await driveHubs();
    const id = await scheduled(driven, "work");
    const worker = await driven.open();
    const lost = worker.takeActivity();
    await driven.close(worker);
    const other = await driven.open();
    const again = other.takeActivity();
    expect(again).toEqual(lost);
    await driven.answerActivity(lost, "first");
    await driven.answerActivity(again, "second");
    await driven.complete(other.takeTurn());
    const history = await Array.fromAsync(driven.hub.history(id));
    expect(history.flat().filter(({ kind }) => kind === "TaskCompleted")).toMatchObject([{ result: "first" }]);
  });

  test("a worker that drains keeps activities for 30 s and turns for 2 s", async () => {
    const driven = await driveHubs();
    await scheduled(driven, "work");
    const worker = await driven.open();
    await start(driven);
    const [activity, turn] = [worker.takeActivity(), worker.takeTurn()];
    const other = await driven.open();
    await driven.close(worker, true);
    expect(other.sent).toEqual([]);
    await driven.advance(2_000);
    expect(other.takeTurn().token).toBe(turn.token);
    await driven.advance(27_999);
    expect(other.sent).toEqual([]);
    await driven.advance(1);
    expect(other.takeActivity().token).toBe(activity.token);
  });

  test("what a draining worker completes in time counts, and goes nowhere else", async () => {
    const driven = await driveHubs();
    await scheduled(driven, "work");
    const worker = await driven.open();
    const activity = worker.takeActivity();
    const other = await driven.open();
    await driven.close(worker, true);
    await driven.advance(20_000);
    await driven.answerActivity(activity, "in time");
    expect(other.takeTurn().newEvents).toMatchObject([{}, { kind: "TaskCompleted", result: "in time" }]);
    await driven.advance(20_000);
    expect(other.sent).toEqual([]);
    expect(driven.engine.workers.stats()).toMatchObject({ streams: 1, inFlight: { activity: 0 } });
  });

  test("the end of the connection of a draining worker gives its items back at once", async () => {
    const driven = await driveHubs();
    await scheduled(driven, "work");
    const connection = {};
    const worker = await driven.open({ connection });
    const activity = worker.takeActivity();
    const other = await driven.open();
    await driven.close(worker, true);
    driven.engine.workers.disconnected(connection);
    await driven.settle();
    expect(other.takeActivity().token).toBe(activity.token);
  });

  test("a stream that dies between the mark of an activity and its sending loses nothing", async () => {
    const driven = await driveHubs();
    await scheduled(driven, "work");
    const worker = await driven.open();
    expect(worker.sent).toHaveLength(1);
    await driven.close(worker);
    const first = await driven.open();
    // Opened and closed in one breath: a place was taken and nothing was sent.
    const second = await driven.open({ filters: { orchestrations: [] } });
    await driven.close(first);
    expect(second.takeActivity()).toMatchObject({ attempt: 1 });
  });

  test("a stream that opens and closes before the loop has looked loses nothing", async () => {
    const driven = await driveHubs();
    await start(driven);
    await scheduled(driven, "work");
    const flash = await driven.open();
    flash.sent.length = 0;
    driven.engine.workers.closed(flash, false);
    driven.engine.workers.opened(flash);
    driven.engine.workers.closed(flash, false);
    await driven.settle();
    const worker = await driven.open();
    expect(worker.sent.map(({ sort }) => sort).toSorted()).toEqual(["activity", "orchestration"]);
  });
});

describe("silence (E10)", () => {
  test("a turn that is not answered for 60 s goes to another stream; the silent one gets no turns until it answers", async () => {
    const driven = await driveHubs();
    const silent = await driven.open();
    await start(driven);
    const unanswered = silent.takeTurn();
    const other = await driven.open({ credits: { orchestration: 1 } });
    await driven.advance(59_999);
    expect(other.sent).toEqual([]);
    await driven.advance(1);
    const again = other.takeTurn();
    expect(again.token).toBe(unanswered.token);
    await start(driven);
    await start(driven);
    expect(silent.sent).toEqual([]);
    await driven.complete(again);
    // The other one has the next turn; the last one waits although the silent stream has credit.
    expect([other.sent.length, silent.sent.length]).toEqual([1, 0]);
    await driven.complete(unanswered);
    expect(silent.sent).toHaveLength(1);
  });

  test("the silent stream that answers after all has found its voice, although another has the same turn by then", async () => {
    const driven = await driveHubs();
    const silent = await driven.open({ credits: { orchestration: 1 } });
    await start(driven);
    const { token } = silent.takeTurn();
    const other = await driven.open({ credits: { orchestration: 1 } });
    await driven.advance(60_000);
    expect(other.takeTurn().token).toBe(token);
    const result = { actions: [] };
    await driven.done(driven.engine.workers.complete(token, { sort: "orchestration", result }, silent.connection));
    await start(driven);
    // The other one has its only place taken still.
    expect([silent.sent.length, other.sent.length]).toEqual([1, 0]);
  });

  test("a silent stream still gets activities, and holds nobody up", async () => {
    const driven = await driveHubs();
    const silent = await driven.open();
    await start(driven);
    silent.takeTurn();
    await driven.advance(60_000);
    const other = await driven.open();
    const turn = other.takeTurn();
    await driven.close(other);
    await driven.answerTurn(turn, [task(1)]);
    expect(silent.takeActivity().activity.name).toBe("work");
  });

  test("an activity may take as long as it likes", async () => {
    const driven = await driveHubs();
    await scheduled(driven, "work");
    const worker = await driven.open();
    worker.takeActivity();
    const other = await driven.open();
    await driven.advance(24 * 3_600_000);
    expect(other.sent).toEqual([]);
  });
});

describe("filters and credits", () => {
  const taken = (stream: FakeStream): readonly string[] =>
    stream.sent
      .map((item) => (item.sort === "orchestration" ? item.row.name : item.sort === "activity" ? item.activity.name : item.instanceId))
      .toSorted();

  test("no filter takes everything, an empty list nothing of that sort", async () => {
    const driven = await driveHubs();
    await scheduled(driven, "work");
    await start(driven);
    const nothing = await driven.open({ filters: { orchestrations: [], activities: [], entities: [] } });
    const activities = await driven.open({ filters: { orchestrations: [] } });
    const all = await driven.open();
    expect([taken(nothing), taken(activities), taken(all)]).toEqual([[], ["work"], ["flow"]]);
  });

  test("names are exact; versions are any, or one of those named; no version is the empty one", async () => {
    const driven = await driveHubs();
    for (const [name, version] of [["Flow"], ["flow"], ["flow", "1"], ["flow", "2"]] as const) await start(driven, name, version);
    const exact = await driven.open({ filters: { orchestrations: [{ name: "flow", versions: ["1"] }], activities: [] } });
    expect(exact.sent).toMatchObject([{ row: { name: "flow", version: "1" } }]);
    const none = await driven.open({ filters: { orchestrations: [{ name: "flow", versions: [""] }] } });
    expect(none.sent.map((item) => item.sort === "orchestration" && item.row.version)).toEqual([undefined]);
    const any = await driven.open({ filters: { orchestrations: [{ name: "flow", versions: [] }] } });
    expect(any.sent).toMatchObject([{ row: { version: "2" } }]);
    expect(driven.engine.workers.stats().queued.orchestration).toBe(1);
  });

  test("names of entities compare in lower case", async () => {
    const driven = await driveHubs();
    await driven.done(driven.hub.signalEntity({ entityId: "@Counter@K" as never, operation: "add", requestId: "r" }));
    const worker = await driven.open({ filters: { entities: [{ name: "COUNTER" }] } });
    expect(worker.takeEntity().instanceId).toBe("@counter@K");
  });

  test("work that nobody takes blocks nothing", async () => {
    const driven = await driveHubs({ workers: { maxQueuedPerKind: 4 } });
    for (let index = 0; index < 10; index++) await start(driven, "nobody's");
    await scheduled(driven, ...Array.from({ length: 20 }, () => "nobody's"), "work");
    const worker = await driven.open({ filters: { orchestrations: [{ name: "flow" }], activities: [{ name: "work" }] } });
    await start(driven);
    expect(taken(worker)).toEqual(["flow", "work"]);
  });

  test("a stream has no more items at once than its credits; each answer makes room for one", async () => {
    const driven = await driveHubs();
    await scheduled(driven, ...Array.from({ length: 5 }, () => "work"));
    const worker = await driven.open({ credits: { activity: 2 }, filters: { orchestrations: [] } });
    for (let left = 5; left > 0; left--) {
      expect(worker.sent).toHaveLength(Math.min(2, left));
      await driven.answerActivity(worker.takeActivity());
    }
    expect(driven.engine.workers.stats().inFlight.activity).toBe(0);
  });

  test("a slow stream delays only itself: the others are served in turn", async () => {
    const driven = await driveHubs();
    const streams = [];
    for (let index = 0; index < 3; index++) streams.push(await driven.open({ credits: { orchestration: 2 } }));
    for (let index = 0; index < 6; index++) await start(driven);
    expect(streams.map(({ sent }) => sent.length)).toEqual([2, 2, 2]);
    const [, quick] = streams;
    if (quick === undefined) throw new Error("three streams were opened");
    for (let index = 0; index < 10; index++) {
      await start(driven);
      await driven.complete(quick.takeTurn());
    }
    expect(streams.map(({ sent }) => sent.length)).toEqual([2, 2, 2]);
  });

  test("a hub's bound on items in flight holds over all its streams, and no other hub notices", async () => {
    const driven = await driveHubs({ workers: { maxInFlight: { orchestration: 3, activity: 3, entity: 3 } } });
    const streams = [await driven.open(), await driven.open()];
    for (let index = 0; index < 5; index++) await start(driven);
    expect(streams.reduce((sum, { sent }) => sum + sent.length, 0)).toBe(3);
    const elsewhere = await driven.open({ hub: "other" });
    await driven.done(driven.engine.hub("other").start({ name: "flow" }));
    expect(elsewhere.sent).toHaveLength(1);
    for (let index = 0; index < 5; index++) {
      const stream = streams.find(({ sent }) => sent.length > 0);
      if (stream !== undefined) await driven.complete(stream.takeTurn());
    }
    expect(streams.flatMap(({ sent }) => sent)).toEqual([]);
    expect(driven.engine.workers.stats()).toMatchObject({ inFlight: { orchestration: 1 }, queued: { orchestration: 0 } });
  });

  test("activities beyond memory's bound stay in the store, and all of them run (E11)", async () => {
    const driven = await driveHubs({ workers: { maxQueuedPerKind: 10 } });
    await scheduled(driven, ...Array.from({ length: 100 }, () => "work"), "other");
    expect(driven.engine.workers.stats().queued.activity).toBeLessThanOrEqual(11);
    const worker = await driven.open({ credits: { activity: 7 }, filters: { orchestrations: [] } });
    const seen = new Set<number>();
    for (let index = 0; index < 101; index++) {
      const item = worker.takeActivity();
      seen.add(item.activity.actionId);
      await driven.answerActivity(item);
    }
    expect(seen.size).toBe(101);
    expect(worker.sent).toEqual([]);
  });

  test("among 1,000 idle workers, each with a filter of its own, every item finds the one that takes it", async () => {
    const driven = await driveHubs();
    const streams: FakeStream[] = [];
    for (let host = 0; host < 1_000; host++) {
      const stream = new FakeStream({ filters: { orchestrations: [], activities: [{ name: `run@${host}` }] } });
      driven.engine.workers.opened(stream);
      streams.push(stream);
    }
    await driven.settle();
    await scheduled(driven, "run@7", "run@999", "run@0");
    const busy = streams.flatMap((stream, host) => (stream.sent.length > 0 ? [host] : []));
    expect(busy).toEqual([0, 7, 999]);
  });
});
