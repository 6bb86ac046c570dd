// 20,000 activities at once through an embedded engine: one turn asks for them, and their results come in turns that grow.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { engineEnvironment } from "../../src/host/engine-environment.ts";
import { openEngine } from "../../src/loops/open-engine.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openPostgresStore } from "../../src/store/postgres/open-postgres-store.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-threaded.ts";
import type { Store } from "../../src/store/store.ts";
import { startPostgres } from "../postgres/server.ts";

const WIDTH = 20_000;

async function fansOut(store: Store): Promise<void> {
  const runs = new Uint8Array(WIDTH);
  const double = defineActivity("double", (_, index: number) => {
    runs[index] = (runs[index] ?? 0) + 1;
    return index * 2;
  });
  const wide = defineOrchestrator("wide", async (ctx, width: number) => {
    const results = await Promise.all(Array.from({ length: width }, (_, index) => ctx.callActivity(double, index)));
    return results.every((result, index) => result === index * 2);
  });
  const engine = await openEngine({ store, environment: engineEnvironment, orchestrators: [wide], activities: [double] });
  try {
    const id = await engine.start(wide, WIDTH);
    expect(await engine.waitForCompletion(id)).toMatchObject({ status: "Completed", output: true });
    expect(runs.every((count) => count === 1)).toBe(true);
    const history = await engine.history(id);
    const resolved = history.flatMap((event) => (event.kind === "TaskCompleted" ? [event.taskScheduledId] : []));
    expect(resolved).toHaveLength(WIDTH);
    expect(new Set(resolved).size).toBe(WIDTH);
  } finally {
    await engine.close();
  }
}

test("a fan-out of 20,000 gathers every result, on SQLite", async () => {
  const directory = await mkdtemp(join(tmpdir(), "signalbox-wide-"));
  try {
    await fansOut(await openSqliteStore({ path: join(directory, "store.db") }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test("a fan-out of 20,000 gathers every result, on PostgreSQL", async () => {
  await using server = await startPostgres();
  await fansOut(await openPostgresStore({ url: server.url }));
});
