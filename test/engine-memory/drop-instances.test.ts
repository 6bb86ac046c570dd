// A dropped instance costs no memory at all: no live function, no promise that somebody keeps, no map entry. 100,000 of them
// are led half through their programs over a store on disk, become cold, and the heap is what it was before.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { type Driven, drive } from "../../src/loops/engine-fixture.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openSqliteStoreInline } from "../../src/store/sqlite/open-inline.ts";

const INSTANCES = 100_000;
const AT_ONCE = 5_000;
const IDLE_MS = 1_000;
/** Far less than one map entry for each instance would take; the collector itself leaves some. */
const MAX_BYTES_EACH = 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** After everything that can be collected has been. */
async function heapUsed(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    collect();
    await setImmediate();
  }
  return getHeapStatistics().used_heap_size;
}

const touch = defineActivity("touch", (_context, n: number) => ({ touched: n, padding: "x".repeat(100) }));
const halfway = defineOrchestrator("halfway", async (ctx, n: number) => {
  const held = [await ctx.callActivity(touch, n), { now: ctx.now(), guid: ctx.newGuid() }];
  ctx.setCustomStatus(n);
  const both = Promise.all([ctx.waitForEvent("go"), ctx.createTimer(3_600_000), ctx.waitForEvent("also")]);
  return [held, await both];
});

async function startSome(driven: Driven, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const starts = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, index) => driven.engine.start(halfway, done + index));
    await driven.settle();
    await Promise.all(starts);
  }
}

test("100,000 half-run instances that are dropped leave the heap as it was", async () => {
  const directory = await mkdtemp(join(tmpdir(), "signalbox-memory-"));
  const driven = drive(
    { store: await openSqliteStoreInline({ path: join(directory, "store.db") }), orchestrators: [halfway], activities: [touch] },
    { checkReplays: false, limits: { maxWarmInstances: 2 * INSTANCES, maxWarmBytes: Number.MAX_SAFE_INTEGER, idleMs: IDLE_MS } },
  );
  try {
    // A first round makes what the engine keeps anyway: compiled code, statements, caches.
    await startSome(driven, AT_ONCE);
    await driven.advance(IDLE_MS);
    expect(driven.engine.loop.warmInstances()).toBe(0);
    const before = await heapUsed();

    await startSome(driven, INSTANCES);
    expect(driven.engine.loop.warmInstances()).toBe(INSTANCES);
    const full = await heapUsed();
    expect((full - before) / INSTANCES, "bytes of a warm one: it is really there").toBeGreaterThan(500);

    await driven.advance(IDLE_MS);
    expect(driven.engine.loop.warmInstances()).toBe(0);
    const after = await heapUsed();
    expect((after - before) / INSTANCES, "bytes that a dropped one leaves").toBeLessThan(MAX_BYTES_EACH);
  } finally {
    const closed = driven.engine.close();
    await driven.settle();
    await closed;
    await rm(directory, { recursive: true });
  }
}, 120_000);
