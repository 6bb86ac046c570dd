// Entities of the SDK: operations, state, locks, queries.

import {
  EntityInstanceId,
  type EntityMetadata,
  type LockHandle,
  type OrchestrationContext,
  OrchestrationStatus,
  TaskEntity,
  type TaskEntityOperation,
  whenAll,
} from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { leave, sdkWorker } from "./sdk.ts";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

// A worker that goes away keeps its connection for its goodbyes.
const server = sharedServer({ workers: { drainMs: { orchestration: 200, activity: 200, entity: 200 } } });

class Account extends TaskEntity<number> {
  add(amount: number): number {
    this.state += amount;
    return this.state;
  }

  get(): number {
    return this.state;
  }

  refuse(): never {
    throw new RangeError("not with me");
  }

  forward({ to, amount }: { to: string; amount: number }): void {
    this.context?.signalEntity(new EntityInstanceId("account", to), "add", amount);
  }

  begin(id: string): void {
    this.context?.scheduleNewOrchestration("begun", this.state, { instanceId: id });
  }

  protected override initializeState(): number {
    return 0;
  }
}

const entities = { account: () => new Account() };

const account = (key: string): EntityInstanceId => new EntityInstanceId("account", key);

/** A transfer under both locks, with a look in between that must not see anything of others. */
async function* transfer(ctx: OrchestrationContext, { from, to, amount }: { from: string; to: string; amount: number }) {
  const lock: LockHandle = yield ctx.entities.lockEntities(account(to), account(from));
  const before: number = yield ctx.entities.callEntity(account(from), "get");
  yield ctx.entities.callEntity(account(to), "add", amount);
  const after: number = yield ctx.entities.callEntity(account(from), "add", -amount);
  lock.release();
  return before - amount === after;
}

describeVersion("v1", {});
describeVersion("v2", { "entity-request-version": "2" });

function describeVersion(version: string, metadata: Readonly<Record<string, string>>): void {
  test(`signals and calls change an entity's state, in order (${version})`, async () => {
    await using sdk = await server.connect({
      metadata,
      entities,
      orchestrators: {
        async *caller(ctx: OrchestrationContext) {
          for (let amount = 1; amount <= 10; amount += 1) ctx.entities.signalEntity(account("a"), "add", amount);
          const sum: number = yield ctx.entities.callEntity(account("a"), "add", 100);
          return sum;
        },
      },
    });
    const id = await sdk.client.scheduleNewOrchestration("caller");
    expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "155" });
    await Promise.all(Array.from({ length: 100 }, () => sdk.client.signalEntity(account("a"), "add", 1)));
    await until(async () => (await sdk.client.getEntity(account("a")))?.state === 255);
    expect((await sdk.client.getEntity(account("a"), false))?.includesState).toBe(false);
    expect(await sdk.client.getEntity(account("nobody"))).toBeUndefined();
  });

  test(`an operation that fails fails its call and leaves the state (${version})`, async () => {
    await using sdk = await server.connect({
      metadata,
      entities,
      orchestrators: {
        async *caller(ctx: OrchestrationContext) {
          yield ctx.entities.callEntity(account("a"), "add", 1);
          try {
            yield ctx.entities.callEntity(account("a"), "refuse");
          } catch (error) {
            const sum: number = yield ctx.entities.callEntity(account("a"), "get");
            return [(error as Error).message, sum];
          }
          return "no failure";
        },
      },
    });
    const id = await sdk.client.scheduleNewOrchestration("caller");
    const state = await sdk.client.waitForOrchestrationCompletion(id);
    expect(JSON.parse(state?.serializedOutput ?? "")).toEqual([expect.stringContaining("not with me"), 1]);
  });

  test(`transfers under locks never mix, whoever they are between (${version})`, async () => {
    await using sdk = await server.connect({ metadata, entities, orchestrators: { transfer } });
    const { client } = sdk;
    const keys = ["a", "b", "c", "d"];
    const transfers = Array.from({ length: 40 }, (_, index) => {
      const from = keys[index % 4] ?? "a";
      return { from, to: keys[(index + 1 + (index % 3)) % 4] ?? "b", amount: index };
    });
    const ids = await Promise.all(transfers.map((input) => client.scheduleNewOrchestration("transfer", input)));
    const states = await Promise.all(ids.map((id) => client.waitForOrchestrationCompletion(id)));
    expect(new Set(states.map((state) => state?.serializedOutput))).toEqual(new Set(["true"]));
    const ends = await Promise.all(keys.map(async (key) => (await client.getEntity<number>(account(key)))?.state ?? 0));
    const expected = keys.map((key) =>
      transfers.reduce((sum, { from, to, amount }) => sum + (to === key ? amount : 0) - (from === key ? amount : 0), 0),
    );
    expect(ends).toEqual(expected);
    await until(async () => (await Promise.all(keys.map((key) => client.getEntity(account(key))))).every((entity) => !entity?.lockedBy));
  });
}

test("entities signal entities and start orchestrations", async () => {
  await using sdk = await server.connect({ entities, orchestrators: { begun: (_: OrchestrationContext, state: number) => state } });
  const { client } = sdk;
  await client.signalEntity(account("a"), "add", 3);
  await client.signalEntity(account("a"), "forward", { to: "b", amount: 5 });
  await client.signalEntity(account("a"), "begin", "the begun one");
  await until(async () => (await client.getEntity(account("b")))?.state === 5);
  await until(async () => (await client.getOrchestrationState("the begun one")) !== undefined);
  expect(await client.waitForOrchestrationCompletion("the begun one")).toMatchObject({ serializedOutput: "3" });
});

test("a scheduled signal comes at its time, from clients and from orchestrations", async () => {
  const times: number[] = [];
  await using sdk = await server.connect({
    entities: { clock: () => ({ run: (operation: TaskEntityOperation) => operation.state.setState(times.push(Date.now())) }) },
    orchestrators: {
      async *later(ctx: OrchestrationContext, at: number) {
        ctx.entities.signalEntity(new EntityInstanceId("clock", "a"), "tick", undefined, { signalTime: new Date(at) });
        yield ctx.createTimer(0);
      },
    },
  });
  const at = Date.now() + 200;
  await sdk.client.signalEntity(new EntityInstanceId("clock", "a"), "tick", undefined, { signalTime: new Date(at) });
  await sdk.client.scheduleNewOrchestration("later", at);
  await until(() => times.length === 2);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(at);
});

test("a terminated holder gives its locks back, held and asked for", async () => {
  await using sdk = await server.connect({
    entities,
    orchestrators: {
      transfer,
      async *holder(ctx: OrchestrationContext, keys: string[]) {
        yield ctx.entities.lockEntities(...keys.map(account));
        ctx.setCustomStatus("locked");
        yield ctx.waitForExternalEvent("never");
      },
    },
  });
  const { client } = sdk;
  // Without a state an entity is not there for clients, locked or not.
  for (const key of ["a", "b", "c"]) await client.signalEntity(account(key), "add", 0);
  await until(async () =>
    (await Promise.all(["a", "b", "c"].map((key) => client.getEntity(account(key))))).every((found) => found !== undefined),
  );
  const holder = await client.scheduleNewOrchestration("holder", ["a", "b"]);
  await until(async () => (await client.getOrchestrationState(holder))?.serializedCustomStatus === '"locked"');
  expect((await client.getEntity(account("a")))?.lockedBy).toBe(holder);
  // It has "c" and waits for "a" behind the holder; it is terminated while it waits.
  const queued = await client.scheduleNewOrchestration("holder", ["a", "c"]);
  await until(async () => ((await client.getOrchestrationHistory(queued)).length ?? 0) >= 3);
  const blocked = await client.scheduleNewOrchestration("transfer", { from: "a", to: "c", amount: 1 });
  await until(async () => (await client.getOrchestrationHistory(blocked)).length >= 3);
  await client.terminateOrchestration(queued, "enough");
  await client.waitForOrchestrationCompletion(queued);
  expect(await client.getOrchestrationState(blocked)).toMatchObject({ runtimeStatus: OrchestrationStatus.RUNNING });
  await client.terminateOrchestration(holder, "enough");
  expect(await client.waitForOrchestrationCompletion(blocked)).toMatchObject({ serializedOutput: "true" });
  await until(async () => {
    const found = await Promise.all(["a", "b", "c"].map((key) => client.getEntity(account(key))));
    return found.every((entity) => entity?.lockedBy === undefined && (entity?.backlogQueueSize ?? 0) === 0);
  });
});

test("entities are queried by prefix, in pages, with their states if asked for", async () => {
  await using sdk = await server.connect({ entities, orchestrators: { leaf: () => "no entity" } });
  const { client } = sdk;
  await client.scheduleNewOrchestration("leaf");
  const keys = Array.from({ length: 15 }, (_, index) => `key-${String(index).padStart(2, "0")}`);
  await Promise.all(keys.map((key, index) => client.signalEntity(account(key), "add", index)));
  await until(async () => (await Promise.all(keys.map((key) => client.getEntity(account(key))))).every((entity) => entity !== undefined));
  const found: EntityMetadata<number>[] = [];
  for await (const entity of client.getEntities<number>({ instanceIdStartsWith: "@Account@", includeState: true, pageSize: 4 })) {
    found.push(entity);
  }
  expect(found.map(({ id }) => id.key).toSorted()).toEqual(keys);
  expect(found.every(({ id, state }) => state === Number(id.key.slice(4)))).toBe(true);
  const narrow: string[] = [];
  for await (const { id, includesState } of client.getEntities({ instanceIdStartsWith: "@account@key-1", includeState: false })) {
    expect(includesState).toBe(false);
    narrow.push(id.key);
  }
  expect(narrow.toSorted()).toEqual(keys.slice(10));
  // And a query of orchestrations shows none of them.
  const orchestrations: string[] = [];
  for await (const { name } of client.getAllInstances()) orchestrations.push(name);
  expect(orchestrations).toEqual(["leaf"]);
});

test("an entity without a state is gone, and clean-up removes what is left of it", async () => {
  await using sdk = await server.connect({
    entities: {
      ...entities,
      brief: () => ({
        run: (operation: TaskEntityOperation) => operation.state.setState(operation.name === "delete" ? undefined : operation.getInput()),
      }),
    },
  });
  const { client } = sdk;
  const brief = new EntityInstanceId("brief", "a");
  await client.signalEntity(brief, "set", "there");
  await until(async () => (await client.getEntity(brief))?.state === "there");
  await client.signalEntity(brief, "delete");
  await until(async () => (await client.getEntity(brief)) === undefined);
  await client.signalEntity(account("stays"), "add", 1);
  await until(async () => (await client.getEntity(account("stays"))) !== undefined);
  expect(await client.cleanEntityStorage({ removeEmptyEntities: true, releaseOrphanedLocks: true })).toMatchObject({
    orphanedLocksReleased: 0,
  });
  expect((await client.getEntity(account("stays")))?.state).toBe(1);
  const left: string[] = [];
  for await (const { id } of client.getEntities({ includeTransient: true })) left.push(id.toString());
  expect(left).toEqual(["@account@stays"]);
});

test("an operation is carried out once although the worker that had it went away", async () => {
  const hub = "away";
  const { address } = server;
  const held: (() => void)[] = [];
  const slow = await sdkWorker({
    address,
    hub,
    entities: {
      account: () => ({
        run: () => new Promise<void>((resolve) => held.push(resolve)),
      }),
    },
  });
  await using sdk = await server.connect({ hub });
  leave(sdk.worker);
  await sdk.client.signalEntity(account("a"), "add", 1);
  await until(() => held.length === 1);
  const other = await sdkWorker({ address, hub, entities });
  leave(slow);
  await until(async () => (await sdk.client.getEntity(account("a")))?.state === 1);
  // Its late answer is for nobody.
  for (const resolve of held) resolve();
  await sdk.client.signalEntity(account("a"), "add", 1);
  await until(async () => (await sdk.client.getEntity(account("a")))?.state === 2);
  leave(other);
});

test("operations of an entity that no worker has wait for one", async () => {
  const hub = "entity without a worker";
  await using sdk = await server.connect({
    hub,
    orchestrators: {
      async *caller(ctx: OrchestrationContext) {
        const sums: number[] = yield whenAll([1, 2, 3].map((amount) => ctx.entities.callEntity<number>(account("a"), "add", amount)));
        return sums;
      },
    },
    worker: { workItemFilters: "auto" },
  });
  const id = await sdk.client.scheduleNewOrchestration("caller");
  await until(async () => (await sdk.client.getOrchestrationHistory(id)).length >= 5);
  const worker = await sdkWorker({ address: server.address, hub, entities, worker: { workItemFilters: "auto" } });
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "[1,3,6]" });
  leave(worker);
});
