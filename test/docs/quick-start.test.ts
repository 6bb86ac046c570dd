// The quick start for JavaScript is what this test runs: the server by its command, and programs that are the listings of the
// page, byte by byte.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const signalbox = join(root, "src", "main.ts");
const example = (name: string): string => join(root, "examples", "javascript-sdk", name);
const page = readFileSync(join(root, "docs", "quick-starts", "javascript.md"), "utf8");

const children: ChildProcess[] = [];
const start = (...args: readonly string[]): ChildProcess => {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  return child;
};
/** In good order; answers the exit code. */
async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
  return child.exitCode;
}
afterEach(async () => {
  for (const child of children.splice(0)) await stop(child);
});

test("the listings of the page are the programs of the example", () => {
  const listings = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, listing]) => listing);
  expect(listings).toEqual(["worker.mjs", "client.mjs"].map((name) => readFileSync(example(name), "utf8")));
});

test("a server, a worker and a client with the JavaScript SDK, as the page says", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-quick-start-"));
  try {
    const server = start(signalbox, "serve", "--store", join(folder, "shop.db"), "--listen", "127.0.0.1:0", "--http", "off");
    const address = await addressOf(server);
    const worker = start(example("worker.mjs"), address);
    const { stdout } = await run(process.execPath, [example("client.mjs"), address, "A1"]);
    const line = /^COMPLETED .*$/m.exec(stdout)?.[0];
    expect(line, stdout).toBeDefined();
    expect(page).toContain(`\n${line}\n`);
    const instances = await run(process.execPath, [signalbox, "instances", "list", "--server", address, "--hub", "shop", "--quiet"]);
    expect(instances.stdout).toBe("order-A1\n");
    // What they have is finished, and they end by themselves.
    expect([await stop(worker), await stop(server)]).toEqual([0, 0]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

async function addressOf(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error("a server without output");
  for await (const line of createInterface({ input: server.stdout })) {
    const [, address] = / at (\S+:\d+)/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error("The server ended before it listened.");
}
