// The server crashes and comes back while nodes commit: what had landed is not done again, and what had not is.

import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { newSchema, useServer } from "./backend.ts";
import { NodeProcess } from "./node-process.ts";
import { openNode } from "./nodes.ts";
import { keepOwnershipLog, misdeeds } from "./ownership-log.ts";
import { withClient } from "./server.ts";

const server = useServer();
const CRASHES = 3;
const STEPS = 40;

test("a server that crashes under two nodes loses nothing, and nothing is done twice", async (context) => {
  const { restart } = server.server;
  if (restart === undefined) {
    context.skip("the server is not ours to crash");
    return;
  }
  const schema = newSchema();
  await using client = await openNode({ url: server.url, schema, isClient: true });
  const { engine } = client;
  await withClient(server.url, (sql) => keepOwnershipLog(sql, schema));
  await using a = await NodeProcess.start(server.url, schema, "serve");
  await using b = await NodeProcess.start(server.url, schema, "serve");

  const ends: Promise<void>[] = [];
  const expectEnd = (id: string, output: unknown, activities: number): void => {
    const check = async (): Promise<void> => {
      expect(await engine.waitForCompletion(id)).toMatchObject({ status: "Completed", output });
      const history = await engine.history(id);
      const resolved = history.flatMap((event) => (event.kind === "TaskCompleted" ? [event.taskScheduledId] : []));
      expect(resolved).toHaveLength(activities);
      expect(new Set(resolved).size).toBe(activities);
    };
    ends.push(check());
  };
  for (let crash = 0; crash < CRASHES; crash += 1) {
    for (let at = 0; at < 5; at += 1) {
      expectEnd(await engine.start("chain", STEPS), STEPS, STEPS);
      expectEnd(await engine.start("spread", STEPS), STEPS, STEPS);
      expectEnd(await engine.start("sleep", 300), "woken", 0);
      const waiting = await engine.start("wait", "go");
      expectEnd(waiting, at, 0);
      ends.push(pause(20 * at).then(() => engine.raiseEvent(waiting, "go", at)));
    }
    // In the middle of it.
    await pause(30 + 40 * crash);
    await restart();
  }
  await Promise.all(ends);
  expect(await withClient(server.url, (sql) => misdeeds(sql, schema))).toEqual([]);
  // A server that is away is no reason for nodes to give each other up.
  expect([a, b].map(({ child }) => child.exitCode)).toEqual([null, null]);
});
