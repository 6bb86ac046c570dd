// The calls of a client, against our server.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { InstanceState } from "../../src/loops/engine.ts";
import { connectClient, type RemoteClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import type { RemoteWorker } from "../../src/remote/worker/worker-options.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { remoteEnvironment } from "./remote-environment.ts";
import { openTestServer, type TestServer } from "./server-fixture.ts";

const environment = remoteEnvironment;
const quick = defineOrchestrator("quick", async (_, value: number) => value);
const waiting = defineOrchestrator("waiting", async (ctx) => [await ctx.waitForEvent("go"), ctx.tags]);
const parent = defineOrchestrator("parent", (ctx) => ctx.callSubOrchestration(waiting, undefined, { instanceId: "kid" }));
let isBroken = true;
const brittle = defineActivity("brittle", () => {
  if (isBroken) throw new Error("broken");
  return "mended";
});
const mendable = defineOrchestrator("mendable", async (ctx, input: string) => [input, await ctx.callActivity(brittle, undefined)]);

interface Setting extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: RemoteClient;
  readonly worker: RemoteWorker;
}

async function setting(): Promise<Setting> {
  const server = await openTestServer({ store: await openMemoryStore() });
  const { address } = server;
  const client = connectClient({ address, environment });
  const orchestrators = [quick, waiting, parent, mendable];
  const worker = connectWorker({ address, environment, orchestrators, activities: [brittle], onEvent: () => {} });
  return {
    server,
    client,
    worker,
    [Symbol.asyncDispose]: async () => {
      await worker.close();
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const ids = (found: { readonly instances: readonly InstanceState[] }): readonly string[] =>
  found.instances.map(({ instanceId }) => instanceId);

describe("a client of a remote server", () => {
  test("starts once for each id, and says why not", async () => {
    await using it = await setting();
    const { client } = it;
    await client.start(waiting, undefined, { instanceId: "one", tags: { a: "1" } });
    await expect(client.start(waiting, undefined, { instanceId: "one" })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(client.start(waiting, undefined, { instanceId: "@no@entity" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(client.start(quick, 1, { replaceable: ["Running"] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await client.raiseEvent("one", "go", 5);
    const state = await client.waitForCompletion("one");
    expect(state).toMatchObject({ name: "waiting", status: "Completed", output: [5, { a: "1" }], tags: { a: "1" } });
    expect(state.createdAt.getTime()).toBeLessThanOrEqual(state.completedAt?.getTime() ?? 0);
    await client.start(quick, 2, { instanceId: "one" });
    expect((await client.waitForCompletion("one")).output).toBe(2);
  });

  test("tells what is not there", async () => {
    await using it = await setting();
    const { client } = it;
    expect(await client.get("nobody")).toBeUndefined();
    const notFound = { code: "NOT_FOUND" };
    await expect(client.waitForCompletion("nobody")).rejects.toMatchObject(notFound);
    await expect(client.raiseEvent("nobody", "x")).rejects.toMatchObject(notFound);
    await expect(client.suspend("nobody")).rejects.toMatchObject(notFound);
    await expect(client.terminate("nobody")).rejects.toMatchObject(notFound);
    await expect(client.purge("nobody")).rejects.toMatchObject(notFound);
    await expect(client.history("nobody")).rejects.toMatchObject(notFound);
    await expect(client.rewind("nobody")).rejects.toMatchObject(notFound);
    await expect(client.restart("nobody")).rejects.toMatchObject(notFound);
  });

  test("suspends, resumes and terminates a tree", async () => {
    await using it = await setting();
    const { client } = it;
    const id = await client.start(parent, undefined);
    await client.waitForStart(id);
    await expect(client.purge(id)).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    await client.suspend(id, "lunch");
    expect((await client.get(id))?.status).toBe("Suspended");
    await client.resume(id);
    expect((await client.get(id))?.status).toBe("Running");
    await client.waitForStart("kid");
    await client.terminate(id, { output: "enough" });
    expect(await client.waitForCompletion(id)).toMatchObject({ status: "Terminated", output: "enough" });
    expect(await client.waitForCompletion("kid")).toMatchObject({ status: "Terminated", parentInstanceId: id });
    await expect(client.raiseEvent(id, "go")).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    expect(await client.purge(id, { recurse: true })).toBe(2);
    expect(await client.get("kid")).toBeUndefined();
  });

  test("rewinds what has failed and restarts what has ended", async () => {
    isBroken = true;
    await using it = await setting();
    const { client } = it;
    const id = await client.start(mendable, "input");
    expect(await client.waitForCompletion(id)).toMatchObject({ status: "Failed", failure: { type: "ActivityError" } });
    isBroken = false;
    await client.rewind(id, "the machine is mended");
    expect(await client.waitForCompletion(id)).toMatchObject({ status: "Completed", output: ["input", "mended"] });
    await expect(client.rewind(id)).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    const again = await client.restart(id, { withNewId: true });
    expect(again).not.toBe(id);
    expect((await client.waitForCompletion(again)).output).toEqual(["input", "mended"]);
    expect(await client.restart(id)).toBe(id);
    await client.waitForCompletion(id);
  });

  test("queries by status, prefix, name and tags, page by page, and purges what it means", async () => {
    await using it = await setting();
    const { client } = it;
    for (let n = 0; n < 7; n += 1) {
      const tags: Record<string, string> = n % 3 === 0 ? { third: "yes" } : {};
      await client.start(quick, n, { instanceId: `quick-${n}`, tags });
      await client.waitForCompletion(`quick-${n}`);
    }
    await client.start(waiting, undefined, { instanceId: "waiting-1" });
    await client.waitForStart("waiting-1");
    expect(ids(await client.query({ status: ["Running"] }))).toEqual(["waiting-1"]);
    expect(ids(await client.query({ name: "quick", tags: { third: "yes" } }))).toEqual(["quick-0", "quick-3", "quick-6"]);
    const first = await client.query({ idPrefix: "quick-", limit: 5, withPayloads: true });
    expect(first.instances.map(({ output }) => output)).toEqual([0, 1, 2, 3, 4]);
    const rest = await client.query({ idPrefix: "quick-", limit: 5, after: first.next ?? "" });
    expect(ids(rest)).toEqual(["quick-5", "quick-6"]);
    expect(rest.next).toBeUndefined();
    expect(rest.instances[0]?.input).toBeUndefined();
    expect(await client.purge({ status: ["Completed"] })).toBe(7);
    expect(ids(await client.query())).toEqual(["waiting-1"]);
  });

  test("an event with the same key is told once", async () => {
    await using it = await setting();
    const { client } = it;
    const id = await client.start(waiting, undefined);
    await client.suspend(id);
    for (let n = 0; n < 3; n += 1) await client.raiseEvent(id, "go", n, { idempotencyKey: "the key" });
    await client.resume(id);
    expect(await client.waitForCompletion(id)).toMatchObject({ output: [0, {}] });
    expect((await client.history(id)).filter(({ kind }) => kind === "EventRaised")).toHaveLength(1);
  });

  test("a wait ends with its signal, and with the client", async () => {
    await using it = await setting();
    const { client } = it;
    const id = await client.start(waiting, undefined);
    const reason = new Error("no time");
    await expect(client.waitForCompletion(id, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const stop = new AbortController();
    const stopped = expect(client.waitForCompletion(id, { signal: stop.signal })).rejects.toBe(reason);
    const closed = expect(client.waitForCompletion(id)).rejects.toMatchObject({ code: "SHUT_DOWN" });
    await client.waitForStart(id);
    stop.abort(reason);
    await stopped;
    await client.close();
    await closed;
    await expect(client.get(id)).rejects.toMatchObject({ code: "SHUT_DOWN" });
  });
});

test("hubs see nothing of each other, and a token is asked for", async () => {
  await using server = await openTestServer({ store: await openMemoryStore(), token: "secret" });
  const { address } = server;
  await using stranger = connectClient({ address, environment, token: "wrong" });
  await expect(stranger.get("x")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  await using one = connectClient({ address, environment, token: "secret", hub: "one" });
  await using other = connectClient({ address, environment, token: "secret", hub: "other" });
  await one.start("quick", 1, { instanceId: "same" });
  expect(await other.get("same")).toBeUndefined();
  expect((await one.get("same"))?.status).toBe("Pending");
  await using worker = connectWorker({ address, environment, token: "wrong", orchestrators: [quick], activities: [] });
  expect(await worker.stopped).toMatchObject({ code: "UNAUTHENTICATED" });
});

test("speaks TLS with a server whose certificate it knows, and with no other", async () => {
  // Of a server that is called signalbox.test, valid for a hundred years, used nowhere else.
  const [cert, key] = ["certificate.pem", "key.pem"].map((name) =>
    readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), "utf8"),
  );
  if (cert === undefined || key === undefined) throw new Error("The fixtures are not there.");
  await using server = await openTestServer({ store: await openMemoryStore(), tls: { cert, key } });
  const { address } = server;
  const tls = { ca: cert, serverName: "signalbox.test" };
  await using client = connectClient({ address, environment, tls });
  await using worker = connectWorker({ address, environment, tls, orchestrators: [quick], activities: [] });
  expect((await client.waitForCompletion(await client.start(quick, 5))).output).toBe(5);
  await worker.close();
  await using stranger = connectClient({ address: `localhost:${server.port}`, environment, tls: true, awayMs: 200 });
  await expect(stranger.get("x")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(() => connectClient({ address, environment, tls: { key } })).toThrow("tls.certificate and tls.key belong together");
});

test("a server that is not there is said to be not there", async () => {
  const server = await openTestServer({ store: await openMemoryStore() });
  const { address } = server;
  await server[Symbol.asyncDispose]();
  await using client = connectClient({ address, environment, awayMs: 200 });
  await expect(client.start(quick, 1)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining(address) as string });
});
