import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { newSchema, useServer } from "./backend.ts";
import { type Node, openNode } from "./nodes.ts";
import { keepOwnershipLog, misdeeds } from "./ownership-log.ts";
import { withClient } from "./server.ts";

const server = useServer();
const PROGRAM = fileURLToPath(new URL("./node-program.ts", import.meta.url));

async function startProcess(schema: string, count: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROGRAM, server.url, schema, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
  await Promise.race([once(child.stdout ?? child, "data"), once(child, "exit").then(() => Promise.reject(new Error("the node ended")))]);
  return child;
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}

function allEnd(node: Node, count: number): Promise<readonly string[]> {
  return Promise.all(Array.from({ length: count }, async (_, at) => (await node.engine.waitForCompletion(`i${at}`)).status));
}

test("what 1,000 instances of a killed process were about goes on at another node within five seconds", async () => {
  const schema = newSchema();
  await using b = await openNode({ url: server.url, schema });
  await withClient(server.url, (client) => keepOwnershipLog(client, schema));
  const child = await startProcess(schema, 1_000);
  try {
    const ended = allEnd(b, 1_000);
    await kill(child, "SIGKILL");
    const killedAt = performance.now();
    expect((await ended).every((status) => status === "Completed")).toBe(true);
    expect(performance.now() - killedAt).toBeLessThan(5_000);
    expect(await withClient(server.url, (client) => misdeeds(client, schema))).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a process that stands still is a dead one: what it does when it wakes has no effect", async () => {
  const schema = newSchema();
  await using b = await openNode({ url: server.url, schema });
  await withClient(server.url, (client) => keepOwnershipLog(client, schema));
  const child = await startProcess(schema, 50);
  try {
    const ended = allEnd(b, 50);
    child.kill("SIGSTOP");
    expect((await ended).every((status) => status === "Completed")).toBe(true);
    const before = await withClient(server.url, (client) => client.query(`SELECT * FROM ${schema}.history ORDER BY ref, first`));
    const exit = once(child, "exit");
    child.kill("SIGCONT");
    // It finds that it is dead, and ends.
    await exit;
    const after = await withClient(server.url, (client) => client.query(`SELECT * FROM ${schema}.history ORDER BY ref, first`));
    expect(after.rows).toEqual(before.rows);
    expect(await withClient(server.url, (client) => misdeeds(client, schema))).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
});
