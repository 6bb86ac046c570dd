// Names that shells, terminals and file systems stumble over, a path of 200 characters, and commands that meet at one run.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";
import { expectNoStack, expectRefusal } from "./clear-error.ts";

const ODD = `name: "odd \\u001b[31mred\\u0007 \\u202e name"
on: push
jobs:
  a-B_3:
    name: "job 'quoted' \\"twice\\"\\nand a line"
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: "step with\\nnewline, \\ttab, \\u001b[2J escape and 日本語 🚂"
        run: |
          test -f "it's a \\"file\\" 日本.txt"
          pwd
          echo "$GITHUB_WORKSPACE" | grep -F "$PWD"
      - name: "   "
        shell: bash
        run: echo 'ünïcödé'
      - name: ::error::not a command
        run: echo done
`;

const LONG = `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo first >> "$LEDGER"
      - run: |
          echo waiting
          until test -e "$SANDBOX/go"; do sleep 0.1; done
      - run: echo last >> "$LEDGER"
`;

let built: BuiltCommand;
let sandbox: CommandSandbox;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(() => built[Symbol.dispose]());
beforeEach(() => {
  sandbox = new CommandSandbox(built.program, { "long.yml": LONG });
});
afterEach(() => {
  expect(sandbox.processes()).toEqual([]);
  sandbox[Symbol.dispose]();
});

/** A character that would move a terminal's cursor, ring its bell or turn its text around. */
function controlIn(text: string): string | undefined {
  return Array.from(text).find((character) => {
    const code = character.codePointAt(0) ?? 0;
    return (code < 0x20 && character !== "\n" && character !== "\t") || (code >= 0x7f && code < 0xa0) || code === 0x202e;
  });
}

describe("odd names", () => {
  test.each([
    ["spaces and quotes", 'it\'s a "repository" $HOME `id` ; rm'],
    ["a line break", "two\nlines"],
    ["unicode", "dépôt 日本語 🚂"],
    ["200 characters", "x".repeat(200)],
    ["a dash in front", "--in-place"],
  ])("a repository whose path has %s runs, is shown and resumed", async (_, name) => {
    const repository = join(sandbox.root, name);
    mkdirSync(repository);
    const file = "work flow's 日本.yml";
    writeFileSync(join(repository, file), ODD);
    writeFileSync(join(repository, 'it\'s a "file" 日本.txt'), "");
    const git = (...args: readonly string[]) =>
      execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], { cwd: repository, stdio: "pipe" });
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "--message=odd");
    const at = { directory: repository };
    const ended = await sandbox.run(["run", file], at);
    expectNoStack(ended);
    expect(ended).toMatchObject({ exitCode: 0, errors: "" });
    for (const args of [["list"], ["show", "latest"], ["logs", "latest"], ["plan", file]]) {
      const shown = await sandbox.run(args, { ...at, hasState: args[0] !== "plan" });
      expectNoStack(shown);
      expect(shown.exitCode).toBe(0);
      expect(controlIn(shown.output)).toBeUndefined();
    }
    expect(controlIn(ended.output)).toBeUndefined();
    const view = JSON.parse((await sandbox.run(["show", "latest", "--json"], at)).output);
    expect(view.jobs[0].steps.every((step: { conclusion: string }) => step.conclusion === "success")).toBe(true);
  });

  test("a file name with a line break is said in one line", async () => {
    sandbox.write("two\nlines.yml", "on: push\njobs: 1\n");
    const ended = await sandbox.run(["run", "two\nlines.yml"]);
    expectRefusal(ended, 2, /^two.lines\.yml:2:7: error: /);
  });
});

describe("commands that meet at one run", () => {
  async function runningRun() {
    const running = sandbox.startRun("long.yml", ["--ui", "stream"]);
    await running.prints("waiting\n");
    return { running, id: (await sandbox.latest())?.id ?? "" };
  }
  const release = () => writeFileSync(join(sandbox.root, "go"), "");

  test("a run that is going cannot be removed, resumed or pruned, and goes on", async () => {
    const { running, id } = await runningRun();
    expectRefusal(await sandbox.run(["rm", id]), 2, id, `signalbox cancel ${id}`);
    expectRefusal(
      await sandbox.run(["resume", id]),
      2,
      `Run ${id} is being carried out by process ${running.pid}`,
      `signalbox logs -f ${id}`,
    );
    expectRefusal(await sandbox.run(["resume"]), 2, "No run is interrupted");
    expect(await sandbox.run(["prune", "--keep", "0"])).toMatchObject({ exitCode: 0 });
    release();
    expect(await running.ended).toMatchObject({ exitCode: 0 });
    expect(sandbox.ledger()).toEqual(["first", "last"]);
    expect(await sandbox.run(["rm", id])).toMatchObject({ exitCode: 0 });
    expectRefusal(await sandbox.run(["show", id]), 2, `There is no run "${id}"`);
  });

  test("of two resumes at once one goes on with the run and the other says so", async () => {
    const { running, id } = await runningRun();
    await running.killed();
    release();
    const both = await Promise.all([sandbox.run(["resume", id]), sandbox.run(["resume", id])]);
    for (const ended of both) expectNoStack(ended);
    expect(both.map(({ exitCode }) => exitCode).toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 2]);
    expect(both.find(({ exitCode }) => exitCode === 2)?.errors).toMatch(
      /carried out by (?:process \d+|another process)\. signalbox logs -f|has ended/,
    );
    expect(sandbox.ledger()).toEqual(["first", "last"]);
  });

  test("a copy of a repository knows nothing of the runs of the other", async () => {
    const { running } = await runningRun();
    release();
    await running.ended;
    cpSync(sandbox.repository, join(sandbox.root, "copy"), { recursive: true });
    const elsewhere = await sandbox.run(["list"], { directory: join(sandbox.root, "copy") });
    expect(elsewhere).toMatchObject({ exitCode: 0, output: "" });
    expect(readdirSync(sandbox.state)).toHaveLength(1);
  });
});
