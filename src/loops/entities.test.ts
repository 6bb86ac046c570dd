import { describe, expect, test } from "vitest";
import type { EntityResult } from "../model/work-item.ts";
import { defineOrchestrator } from "../runtime/define.ts";
import { defineEntity } from "../runtime/define-entity.ts";
import { type DrivenHubs, driveHubs } from "./workers/hubs-fixture.ts";
import type { EntityItem } from "./workers/work-item.ts";

const id = "@counter@a" as never;
const signal = (driven: DrivenHubs, requestId: string, scheduledAt?: number) =>
  driven.done(
    driven.hub.signalEntity({ entityId: id, operation: "add", input: "1", requestId, ...(scheduledAt !== undefined && { scheduledAt }) }),
  );
const answer = (driven: DrivenHubs, item: EntityItem, result: Partial<EntityResult>) =>
  driven.done(
    driven.engine.workers.complete(item.token, { sort: "entity", result: { results: [], actions: [], state: undefined, ...result } }),
  );
const done = { kind: "completed" } as const;

describe("entities with workers out of process", () => {
  test("operations go out in one batch, and what its result does not settle stays queued, in order (E16)", async () => {
    const driven = await driveHubs();
    for (const requestId of ["r1", "r2", "r3"]) await signal(driven, requestId);
    const worker = await driven.open();
    const first = worker.takeEntity();
    expect(first.operations.map(({ requestId }) => requestId)).toEqual(["r1", "r2", "r3"]);
    await answer(driven, first, { results: [done, done], state: "2" });
    const second = worker.takeEntity();
    expect(second).toMatchObject({ state: "2", operations: [{ requestId: "r3" }] });
    await answer(driven, second, { results: [done], state: "3" });
    expect(await driven.hub.getEntity(id, true)).toMatchObject({ entityState: "3" });
    expect(worker.sent).toEqual([]);
  });

  test("one batch of an entity is out at a time; what comes meanwhile is the next (E1)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await signal(driven, "r1");
    await signal(driven, "r2");
    expect(worker.sent).toHaveLength(1);
    await answer(driven, worker.takeEntity(), { results: [done], state: "1" });
    expect(worker.takeEntity().operations).toMatchObject([{ requestId: "r2" }]);
  });

  test("a signal with a time of its own is served at that time, and not before", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await signal(driven, "later", driven.clock.now() + 5_000);
    await signal(driven, "now");
    await answer(driven, worker.takeEntity(), { results: [done], state: "1" });
    expect(worker.sent).toEqual([]);
    await driven.advance(5_000);
    const item = worker.takeEntity();
    expect(item.operations).toMatchObject([{ requestId: "later" }]);
    await answer(driven, item, { results: [done], state: "2" });
    expect((await driven.hub.getEntity(id, true))?.entityState).toBe("2");
  });

  test("a repeated signal has no effect", async () => {
    const driven = await driveHubs();
    await signal(driven, "same");
    await signal(driven, "same");
    const worker = await driven.open();
    expect(worker.takeEntity().operations).toHaveLength(1);
  });

  test("a batch whose worker dies goes to another under the same token, and counts once (E5, E10)", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await signal(driven, "r1");
    const lost = worker.takeEntity();
    await driven.close(worker);
    const other = await driven.open();
    const again = other.takeEntity();
    expect(again.token).toBe(lost.token);
    await answer(driven, again, { results: [done], state: "1" });
    await answer(driven, lost, { results: [done], state: "99" });
    expect((await driven.hub.getEntity(id, true))?.entityState).toBe("1");
  });

  test("a result of nonsense is refused and tried again, and stalls the entity in the end; a resume goes on (E13)", async () => {
    const driven = await driveHubs({ workers: { maxTries: 3 } });
    const worker = await driven.open();
    await signal(driven, "r1");
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(answer(driven, worker.takeEntity(), {})).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await driven.advance(60_000);
    }
    expect((await driven.hub.getEntity(id, false))?.stalled).toMatch(/nonsense/);
    await driven.done(driven.hub.resume(id, undefined));
    await answer(driven, worker.takeEntity(), { results: [done], state: "1" });
    expect(await driven.hub.getEntity(id, true)).toMatchObject({ entityState: "1" });
    expect((await driven.hub.getEntity(id, true))?.stalled).toBeUndefined();
  });

  test("an entity whose state is gone, with nothing left, is removed by a clean", async () => {
    const driven = await driveHubs();
    const worker = await driven.open();
    await signal(driven, "r1");
    await answer(driven, worker.takeEntity(), { results: [done], state: undefined });
    expect(await driven.done(driven.hub.cleanEntities({ removeEmpty: true, releaseOrphanedLocks: true }))).toMatchObject({ removed: 1 });
    expect(await driven.hub.getEntity(id, true)).toBeUndefined();
    await signal(driven, "r2");
    expect(worker.takeEntity().operations).toMatchObject([{ requestId: "r2" }]);
  });
});

describe("entities of this process", () => {
  const counter = defineEntity<number>("counter", {
    add: (context, by: number) => {
      context.setState((context.getState() ?? 0) + by);
      return context.getState();
    },
  });
  const locked = defineOrchestrator("locked", async (ctx, key: string) => {
    const section = await ctx.lockEntities({ name: "counter", key }, { name: "counter", key: "other" });
    const one = await ctx.callEntity({ name: "counter", key }, "add", 1);
    await ctx.createTimer(1_000);
    const two = await ctx.callEntity({ name: "counter", key }, "add", 1);
    section.release();
    return [one, two];
  });

  test("an orchestration calls and locks them; while it holds the lock others wait (E16)", async () => {
    const driven = await driveHubs({ orchestrators: [locked], entities: [counter] });
    const first = await driven.done(driven.hub.start({ name: "locked", input: '"a"' }));
    const second = await driven.done(driven.hub.start({ name: "locked", input: '"a"' }));
    await signal(driven, "meanwhile");
    await driven.advance(1_000);
    await driven.advance(1_000);
    const outputs = [await driven.hub.get(first, true), await driven.hub.get(second, true)].map((row) => JSON.parse(row?.output ?? "null"));
    for (const output of outputs) expect(output).toEqual([output[0], output[0] + 1]);
    expect(await driven.hub.getEntity(id, true)).toMatchObject({ entityState: "5" });
    const { rows } = await driven.hub.queryEntities({}, { limit: 10, withPayloads: true });
    for (const row of rows) expect(row.entityLock).toBeUndefined();
  });

  test("the locks of one that is terminated are released in the same commit (E16)", async () => {
    const driven = await driveHubs({ orchestrators: [locked], entities: [counter] });
    const holder = await driven.done(driven.hub.start({ name: "locked", input: '"a"' }));
    expect((await driven.hub.getEntity(id, true))?.entityLock?.instanceId).toBe(holder);
    await driven.done(driven.hub.terminate(holder, undefined, true));
    expect((await driven.hub.getEntity(id, true))?.entityLock).toBeUndefined();
    await signal(driven, "after");
    expect((await driven.hub.getEntity(id, true))?.entityState).toBe("2");
  });
});
