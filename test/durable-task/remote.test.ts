// Our client and our worker against our server: the same definitions embedded and remote.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engineEnvironment } from "../../src/host/engine-environment.ts";
import type { HubClient } from "../../src/loops/engine.ts";
import { openEngine } from "../../src/loops/open-engine.ts";
import type { HistoryEvent } from "../../src/model/events.ts";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import { defineOrchestrator } from "../../src/runtime/define.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-threaded.ts";
import { remoteEnvironment } from "./remote-environment.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { openTestServer } from "./server-fixture.ts";

const environment = remoteEnvironment;

const STORES = {
  memory: openMemoryStore,
  SQLite: () => openSqliteStore({ path: join(folder, `${(files += 1)}.db`) }),
};
let folder = "";
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "signalbox-remote-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.each(Object.entries(STORES))("the same definitions, embedded and remote, on %s", (_, openStore) => {
  test.each(SCENARIOS)("$name", async (scenario) => {
    const { orchestrators, activities, ends } = scenario;
    await using engine = await openEngine({ store: await openStore(), orchestrators, activities, environment: engineEnvironment });
    const embedded = await played(scenario, engine);

    await using server = await openTestServer({ store: await openStore() });
    const { address } = server;
    await using client = connectClient({ address, environment });
    await using worker = connectWorker({ address, environment, orchestrators, activities });
    const remote = await played(scenario, client);

    expect(embedded.state).toMatchObject(ends);
    expect(remote.state).toMatchObject(ends);
    expect(remote.history).toEqual(embedded.history);
    await worker.close({ drainMs: 0 });
  });
});

test("E13: what a worker says when it gives a turn back is shown where the instance stalls; other code lets it go on", async () => {
  const of = (isRight: boolean) =>
    defineOrchestrator("odd", async (ctx) => {
      if (isRight) return await ctx.waitForEvent("go");
      return await new Promise<never>(() => {});
    });
  await using server = await openTestServer({ store: await openMemoryStore(), workers: { maxTries: 2, firstPauseMs: 5 } });
  const { address } = server;
  await using client = connectClient({ address, environment });
  const wrong = connectWorker({ address, environment, orchestrators: [of(false)], activities: [], onEvent: () => {} });
  const id = await client.start("odd", undefined);
  const hub = server.engine.hub("default");
  await expect
    .poll(async () => (await hub.get(id, false))?.stalled)
    .toContain("awaits something that is not ctx: move it into an activity");
  await wrong.close();
  await using right = connectWorker({ address, environment, orchestrators: [of(true)], activities: [] });
  await client.resume(id);
  await client.raiseEvent(id, "go", "on");
  expect(await client.waitForCompletion(id)).toMatchObject({ status: "Completed", output: "on" });
  await right.close();
});

async function played({ run }: Scenario, client: HubClient) {
  const id = await run(client);
  const state = await client.waitForCompletion(id);
  return { state, history: comparable(await client.history(id)) };
}

/** Without what may differ: times, generated ids, turns, and the order of what happens at the same time. */
function comparable(history: readonly HistoryEvent[]): readonly unknown[] {
  const texts = history.filter(({ kind }) => kind !== "OrchestratorStarted").map((event) => JSON.stringify(event, unvarying));
  return texts.toSorted();
}

const VARYING = new Set(["timestamp", "executionId", "instanceId", "fireAt", "stack"]);

/** Fields in one order. */
function unvarying(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value).filter(([name]) => !VARYING.has(name));
  return Object.fromEntries(fields.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
