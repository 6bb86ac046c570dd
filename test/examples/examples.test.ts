// Every example is run by the real command in a repository of its own, and does what its comment says.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StreamedEvent } from "../../src/model/run-view.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const files = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".yml"));

let home: string;
let folder: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "signalbox-examples-"));
  folder = join(home, "repository");
  cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
  const git = (...args: readonly string[]) =>
    execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], { cwd: folder });
  git("init", "--quiet", "--initial-branch=main");
  git("add", ".");
  git("commit", "--quiet", "--message=examples");
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly exitCode: number | null;
  readonly events: readonly StreamedEvent[];
  /** All that the steps wrote. */
  readonly log: string;
  readonly errors: string;
}

async function runExample(name: string, ...options: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, "src", "main.ts"), "run", `examples/${name}`, "--json", ...options], {
    cwd: folder,
    env: { ...process.env, XDG_STATE_HOME: join(home, "state"), SIGNALBOX_KEY: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const events = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line): StreamedEvent => JSON.parse(line));
  const log = events.flatMap((event) => (event.type === "step.log" ? [event.text] : [])).join("\n");
  return { exitCode: await ended, events, log, errors };
}

/** What each example is for; an example without an entry fails the test below. */
const EXPECTED: { readonly [file: string]: { readonly exitCode?: number; readonly says: readonly (string | RegExp)[] } } = {
  "main.yml": { says: ["The server says 2.5.0", "64"] },
  "hello.yml": { says: ["Hello, world"] },
  "server.yml": { says: ["The server answers as it should", "The server's conclusion is cancelled"] },
  "parallel.yml": { says: ["lines 1000, sum 5050"] },
  "wait-all.yml": { says: ["small is '' so far", "small is 10, LARGE is ''", "large is 1000, LARGE is 'here'"] },
  "matrix.yml": { says: ["building web (release)", "building server (debug)", "building server (release) -O2", "building docs (release)"] },
  "matrix-from-output.yml": { says: ["testing core (0 of 3)", "testing web (2 of 3)"] },
  "failing.yml": { exitCode: 1, says: ["collecting", "the tests had the outcome failure", "test was a failure"] },
  "reusable.yml": { says: ["not signed: no key was given", "publishing signal-2.tgz"] },
  "composite-action.yml": { says: ["the action said 'Hello, Ada'", "said by the action in greet"] },
  "javascript-action.yml": { says: ["Stopwatch for 'The whole job' is running", /started at \d{4}-/] },
  "values.yml": { says: ["answer 42, color green, level step, for nobody", "signals are too", "a tool of this job"] },
  "secrets.yml": { says: ["no token was given", "logged in as ***", "the next step sees 24 characters: ***"] },
  "timeouts.yml": { says: ["slow: failure counts as success", "flaky: failure counts as success"] },
  "concurrency.yml": { says: ["deploying main, nobody else does"] },
};

describe("examples", () => {
  test("each has an entry here, says what it shows, and there are a dozen or more", () => {
    expect(files.toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
    expect(files.length).toBeGreaterThanOrEqual(12);
    for (const file of files) expect(readFileSync(join(root, "examples", file), "utf8")).toMatch(/^# \S/);
  });

  test.each(Object.entries(EXPECTED))("%s", async (file, { exitCode = 0, says }) => {
    const ended = await runExample(file);
    const failed = ended.events.flatMap((event) => ("message" in event && event.message !== undefined ? [event.message] : []));
    expect([ended.errors, ended.exitCode], failed.join("\n")).toEqual(["", exitCode]);
    for (const line of says) expect(ended.log).toMatch(line);
    expect(ended.events[0]?.type).toBe("run.started");
    expect(ended.events.at(-1)).toMatchObject({ type: "run.finished", conclusion: exitCode === 0 ? "success" : "failure" });
    expect(ended.events.map((event) => event.seq)).toEqual(ended.events.map((event) => event.seq).toSorted((a, b) => a - b));
  });

  test("a secret that is given is used and never shown", async () => {
    const ended = await runExample("secrets.yml", "--secret", "TOKEN=open-sesame");
    expect(ended.exitCode).toBe(0);
    expect(ended.log).toContain("the token is ***");
    expect(JSON.stringify(ended.events)).not.toContain("open-sesame");
  });

  test("the failing one leaves out what needs it, and says where and why", async () => {
    const { events } = await runExample("failing.yml");
    const jobs = events.flatMap((event) => (event.type === "job.finished" ? [[event.job, event.conclusion]] : []));
    expect(Object.fromEntries(jobs)).toEqual({ test: "failure", deploy: "skipped", report: "success" });
    expect(events.find((event) => event.type === "step.annotation")).toMatchObject({
      annotation: { level: "failure", file: "examples/app/server.mjs", line: 7 },
    });
    expect(events.find((event) => event.type === "step.finished" && event.exitCode === 7)).toBeDefined();
  });
});
