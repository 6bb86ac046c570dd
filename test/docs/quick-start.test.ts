// The quick start for JavaScript is what this test runs: its listings are the files of the example, byte by byte.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { openTestServer } from "../durable-task/server-fixture.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/javascript-sdk/${name}`, import.meta.url));
const page = readFileSync(new URL("../../docs/quick-starts/javascript.md", import.meta.url), "utf8");

test("the listings of the page are the programs of the example", () => {
  const listings = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, listing]) => listing);
  expect(listings).toEqual(["worker.mjs", "client.mjs"].map((name) => readFileSync(example(name), "utf8")));
});

test("a worker and a client with the JavaScript SDK, as programs of their own", async () => {
  await using server = await openTestServer({ store: await openMemoryStore() });
  const worker = spawn(process.execPath, [example("worker.mjs"), server.address], { stdio: "ignore" });
  const ended = once(worker, "exit");
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [example("client.mjs"), server.address, "A7"]);
    const [, output] = /^COMPLETED (.*)$/m.exec(stdout) ?? [];
    expect(JSON.parse(output ?? stdout)).toEqual({ state: "shipped", from: "shelf-A7", tracking: "T-A7" });
    expect(page).toContain('COMPLETED {"state":"shipped","from":"shelf-A1","tracking":"T-A1"}');
    expect(await server.engine.hub("shop").get("order-A7", false)).toMatchObject({ name: "sell", status: "Completed" });
  } finally {
    worker.kill("SIGTERM");
  }
  // It has drained, and ends by itself.
  expect(await ended).toEqual([0, null]);
});
