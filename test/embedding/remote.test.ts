import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { openTestServer } from "../durable-task/server-fixture.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/remote/${name}`, import.meta.url));

test("the example of the documentation: a client and a worker of a server, as programs of their own", async () => {
  await using server = await openTestServer({ store: await openMemoryStore() });
  const worker = spawn(process.execPath, [example("worker.ts"), server.address], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(worker, "exit");
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [example("client.ts"), server.address, "A7", "chair"]);
    expect(stdout).toBe('Completed: {"state":"shipped","tracking":"T-A7"}\nleft on the shelf: 7\n');
  } finally {
    worker.kill("SIGTERM");
  }
  // It has drained, and ends by itself.
  expect(await ended).toEqual([0, null]);
});
