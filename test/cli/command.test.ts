// The real command as a process: its signals, its pipes, and the machine that it refuses.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StreamedEvent } from "../../src/model/run-view.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const bootstrap = fileURLToPath(new URL("../../src/bootstrap.js", import.meta.url));
const run = promisify(execFile);

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "signalbox-command-"));
  folder = join(home, "repository");
  mkdirSync(folder);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const environment = () => ({ ...process.env, XDG_STATE_HOME: join(home, "state"), SIGNALBOX_KEY: undefined });

function signalbox(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], { cwd: folder, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

/** Calls back with each event; resolves with all of them. */
async function eventsOf(child: ChildProcess, onEvent: (event: StreamedEvent) => void): Promise<readonly StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  if (child.stdout === null) return events;
  for await (const line of createInterface({ input: child.stdout })) {
    const event: StreamedEvent = JSON.parse(line);
    events.push(event);
    onEvent(event);
  }
  return events;
}

const LONG = `on: push
jobs:
  long:
    runs-on: ubuntu-latest
    steps:
      - run: echo "attempt" >> "$COUNT"
      - run: |
          echo ready
          test -e "$GO" || sleep 300
      - if: always()
        run: echo "always runs"
`;

const isReady = (event: StreamedEvent) => event.type === "step.log" && event.text === "ready";
const logOf = (events: readonly StreamedEvent[]) => events.flatMap((event) => (event.type === "step.log" ? [event.text] : []));

function startLong(): ChildProcess {
  writeFileSync(join(folder, "long.yml"), LONG);
  return signalbox("run", "long.yml", "--json", "--env", `COUNT=${join(home, "count")}`, "--env", `GO=${join(home, "go")}`);
}

describe("signals", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("%s cancels: what always runs runs, and the exit code is 3", async (signal) => {
    const child = startLong();
    const events = await eventsOf(child, (event) => isReady(event) && child.kill(signal));
    expect(await exitOf(child)).toBe(3);
    expect(logOf(events)).toContain("always runs");
    expect(events.at(-1)).toMatchObject({ type: "run.finished", conclusion: "cancelled" });
  });

  test("SIGHUP leaves the run interrupted, without a last line, and resume goes on from the step", async () => {
    const child = startLong();
    const before = await eventsOf(child, (event) => isReady(event) && child.kill("SIGHUP"));
    expect(await exitOf(child)).toBe(130);
    expect(before.some((event) => event.type === "run.finished")).toBe(false);
    writeFileSync(join(home, "go"), "");
    const resumed = signalbox("resume", "--json");
    const after = await eventsOf(resumed, () => {});
    expect(await exitOf(resumed)).toBe(0);
    expect(after[0]?.type).toBe("run.resumed");
    expect(after.at(-1)).toMatchObject({ type: "run.finished", conclusion: "success" });
    const { stdout } = await run("wc", ["-l", join(home, "count")]);
    expect(stdout.trim()).toMatch(/^1 /);
    const seqs = [...before, ...after].map((event) => event.seq);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  });

  test("the second Ctrl-C leaves at once with 130", async () => {
    writeFileSync(join(folder, "long.yml"), LONG.replace('run: echo "always runs"', 'run: "echo again; sleep 300"'));
    const child = signalbox("run", "long.yml", "--json", "--env", `COUNT=${join(home, "count")}`, "--env", `GO=${join(home, "go")}`);
    await eventsOf(child, (event) => {
      if (isReady(event) || (event.type === "step.log" && event.text === "again")) child.kill("SIGINT");
    });
    expect(await exitOf(child)).toBe(130);
  });
});

describe("pipes", () => {
  test("a reader that goes away does not end the run", async () => {
    writeFileSync(join(folder, "hello.yml"), `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: seq 2000\n`);
    const { stdout } = await run(
      "bash",
      ["-c", `"$0" "$1" run hello.yml --ui stream | head -n 1; exit "\${PIPESTATUS[0]}"`, process.execPath, main],
      {
        cwd: folder,
        env: environment(),
      },
    );
    expect(stdout).toBe("signalbox hello.yml\n");
    const { stdout: listed } = await run(process.execPath, [main, "list", "--json"], { cwd: folder, env: environment() });
    expect(JSON.parse(listed)).toMatchObject([{ status: "completed", conclusion: "success" }]);
  });
});

describe("the machine", () => {
  test.each([
    ["process.versions, 'node', { value: '20.1.0' }", /needs Node 24 or newer; this is Node 20\.1\.0/],
    ["process, 'platform', { value: 'win32' }", /runs on Linux and macOS; this is win32/],
  ])("refuses by a sentence: %s", async (property, message) => {
    const script = `Object.defineProperty(${property}); import(${JSON.stringify(pathToFileURL(bootstrap).href)})`;
    await expect(run(process.execPath, ["-e", script])).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});
