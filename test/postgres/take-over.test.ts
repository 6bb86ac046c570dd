import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { newSchema, useServer } from "./backend.ts";
import { NodeProcess } from "./node-process.ts";
import { type Node, openNode } from "./nodes.ts";
import { keepOwnershipLog, misdeeds } from "./ownership-log.ts";
import { withClient } from "./server.ts";

const server = useServer();

function allEnd(node: Node, count: number): Promise<readonly string[]> {
  return Promise.all(Array.from({ length: count }, async (_, at) => (await node.engine.waitForCompletion(`i${at}`)).status));
}

const watch = (schema: string): Promise<void> => withClient(server.url, (client) => keepOwnershipLog(client, schema));
const findMisdeeds = (schema: string): Promise<readonly object[]> => withClient(server.url, (client) => misdeeds(client, schema));

test("what 1,000 instances of a killed process were about goes on at another node within five seconds", async () => {
  const schema = newSchema();
  await using b = await openNode({ url: server.url, schema });
  await watch(schema);
  await using process = await NodeProcess.start(server.url, schema, "hold", "1000");
  const ended = allEnd(b, 1_000);
  await process.kill();
  const killedAt = performance.now();
  expect((await ended).every((status) => status === "Completed")).toBe(true);
  expect(performance.now() - killedAt).toBeLessThan(5_000);
  expect(await findMisdeeds(schema)).toEqual([]);
});

test("a process that stands still is a dead one: what it does when it wakes has no effect", async () => {
  const schema = newSchema();
  await using b = await openNode({ url: server.url, schema });
  await watch(schema);
  await using process = await NodeProcess.start(server.url, schema, "hold", "50");
  const ended = allEnd(b, 50);
  process.child.kill("SIGSTOP");
  expect((await ended).every((status) => status === "Completed")).toBe(true);
  const history = async (): Promise<readonly object[]> =>
    (await withClient(server.url, (client) => client.query(`SELECT * FROM ${schema}.history ORDER BY ref, first`))).rows;
  const before = await history();
  const exit = once(process.child, "exit");
  process.child.kill("SIGCONT");
  // It finds that it is dead, and ends.
  expect(await exit).toEqual([5, null]);
  expect(await history()).toEqual(before);
  expect(await findMisdeeds(schema)).toEqual([]);
});

test("nodes that are killed and replaced again and again lose nothing and never run one instance twice at once", async () => {
  const schema = newSchema();
  await using client = await openNode({ url: server.url, schema, isClient: true });
  await watch(schema);
  const processes = await Promise.all([0, 1].map(() => NodeProcess.start(server.url, schema, "serve")));
  const ends: Promise<void>[] = [];
  const expectEnd = (id: string, output: unknown): void => {
    ends.push(client.engine.waitForCompletion(id).then((end) => expect(end).toMatchObject({ status: "Completed", output })));
  };
  for (let round = 0; round < 6; round++) {
    for (let at = 0; at < 5; at++) {
      expectEnd(await client.engine.start("chain", 30), 30);
      expectEnd(await client.engine.start("spread", 40), 40);
      expectEnd(await client.engine.start("family", 5), 5);
      expectEnd(await client.engine.start("sleep", 700), "woken");
      const waiting = await client.engine.start("wait", "go");
      expectEnd(waiting, `${round} ${at}`);
      ends.push(pause(300 * at).then(() => client.engine.raiseEvent(waiting, "go", `${round} ${at}`)));
    }
    const victim = processes[round % 2];
    await victim?.kill(round % 3 === 2 ? "SIGTERM" : "SIGKILL");
    processes[round % 2] = await NodeProcess.start(server.url, schema, "serve");
  }
  await Promise.all(ends);
  await Promise.all(processes.map((process) => process.kill()));
  expect(await findMisdeeds(schema)).toEqual([]);
});
