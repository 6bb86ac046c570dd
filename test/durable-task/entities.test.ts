// Entities in a worker of a remote server, as in an embedded engine.

import { describe, expect, test } from "vitest";
import { engineEnvironment } from "../../src/host/engine-environment.ts";
import type { HubClient } from "../../src/loops/engine.ts";
import { openEngine } from "../../src/loops/open-engine.ts";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import { defineOrchestrator } from "../../src/runtime/define.ts";
import { defineEntity } from "../../src/runtime/define-entity.ts";
import { isEntityError } from "../../src/runtime/errors.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { remoteEnvironment } from "./remote-environment.ts";
import { openTestServer } from "./server-fixture.ts";

const environment = remoteEnvironment;

const account = defineEntity<number>("Account", {
  add: (ctx, amount: number) => {
    const balance = (ctx.getState() ?? 0) + amount;
    if (balance < 0) throw new RangeError("too little");
    ctx.setState(balance);
    return balance;
  },
  read: (ctx) => ctx.getState() ?? 0,
  tell: (ctx, to: string) => ctx.signalEntity({ name: "account", key: to }, "add", ctx.getState() ?? 0),
  open: (ctx, key: string) => ctx.startOrchestration("opening", key, { instanceId: `opening-${key}` }),
});

const opening = defineOrchestrator("opening", async (ctx, key: string) => await ctx.callEntity({ name: "account", key }, "add", 100));

const transfer = defineOrchestrator("transfer", async (ctx, { from, to, amount }: { from: string; to: string; amount: number }) => {
  const [source, target] = [
    { name: "account", key: from },
    { name: "account", key: to },
  ];
  using _ = await ctx.lockEntities(source, target);
  const before = [await ctx.callEntity(source, "read"), await ctx.callEntity(target, "read")];
  try {
    await ctx.callEntity(source, "add", -amount);
  } catch (error) {
    return isEntityError(error) ? error.failure.message : "no EntityError";
  }
  await ctx.callEntity(target, "add", amount);
  return before;
});

/** What they do to whoever serves them; answers what is seen of it. */
async function play(client: HubClient): Promise<unknown> {
  await client.signalEntity({ name: "account", key: "a" }, "add", 70);
  await client.signalEntity("@ACCOUNT@a", "open", "b", { requestId: "once" });
  await client.signalEntity("@account@a", "open", "b", { requestId: "once" });
  const opened = await end(client, "opening-b");
  const ends = [
    await moved(client, "a", "b", 30),
    await moved(client, "b", "a", 1_000),
    ...(await Promise.all([moved(client, "a", "b", 1), moved(client, "b", "a", 1)]).then((both) => both.map(() => "moved"))),
  ];
  await client.signalEntity("@account@a", "tell", "c");
  await expect.poll(async () => (await client.getEntity("@account@c"))?.state).toBe(40);
  const balances = await Promise.all(["a", "b"].map(async (key) => (await client.getEntity({ name: "account", key }))?.state));
  return { opened, ends, balances };
}

async function moved(client: HubClient, from: string, to: string, amount: number): Promise<unknown> {
  return await end(client, await client.start(transfer, { from, to, amount }));
}

async function end(client: HubClient, id: string): Promise<unknown> {
  for (;;) {
    if ((await client.get(id)) !== undefined) return (await client.waitForCompletion(id)).output;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const SEEN = { opened: 100, ends: [[70, 100], "too little", "moved", "moved"], balances: [40, 130] };

describe("entities", () => {
  const definitions = { orchestrators: [transfer, opening], activities: [], entities: [account] };

  test("in an embedded engine", async () => {
    await using engine = await openEngine({ store: await openMemoryStore(), environment: engineEnvironment, ...definitions });
    expect(await play(engine)).toEqual(SEEN);
  });

  test("in a worker of a remote server, with what clients see of them", async () => {
    await using server = await openTestServer({ store: await openMemoryStore() });
    const { address } = server;
    await using client = connectClient({ address, environment });
    await using worker = connectWorker({ address, environment, ...definitions });
    expect(await play(client)).toEqual(SEEN);
    const { entities } = await client.queryEntities({ idPrefix: "@account@", withStates: true });
    expect(entities.map(({ key, state }) => [key, state])).toEqual(expect.arrayContaining([["b", 130]]));
    expect(entities.every(({ lockedBy }) => lockedBy === undefined)).toBe(true);
    await client.signalEntity("@account@b", "delete");
    await expect.poll(async () => await client.getEntity("@account@b")).toBeUndefined();
    const left = async (): Promise<readonly string[]> =>
      (await client.queryEntities({ withTransient: true })).entities.map(({ key }) => key);
    expect(await left()).toContain("b");
    expect(await client.cleanEntities()).toEqual({ removed: 1, released: 0 });
    expect(await left()).not.toContain("b");
    await worker.close();
  });
});
