// Files that are no workflow, each given to the real command: told with its place, nothing run, nothing left behind.

import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";
import { expectRefusal } from "./clear-error.ts";

let built: BuiltCommand;
let sandbox: CommandSandbox;
beforeAll(async () => {
  built = await BuiltCommand.build();
  sandbox = new CommandSandbox(built.program, { "ok.yml": job("- run: true") });
});
afterAll(() => {
  sandbox[Symbol.dispose]();
  built[Symbol.dispose]();
});

/** One job `a` with these steps, in lines of their own. */
function job(...steps: readonly string[]): string {
  return `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n${steps.map((step) => `      ${step}\n`).join("")}`;
}

const JOB = "runs-on: ubuntu-latest, steps: [{run: x}]";

const FILES: { readonly [name: string]: readonly [content: string | Uint8Array, ...said: (string | RegExp)[]] } = {
  "a quote that is not closed": [job('- run: "x'), "bad.yml:7:1: error: Invalid YAML", "quote"],
  "a tab as indentation": ["on: push\njobs:\n\ta: {}\n", /bad\.yml:3:\d+: error: .*[Tt]abs?/],
  "a key that stands twice": [job("- run: x", "  run: y"), /bad\.yml:7:\d+: error: .*run/],
  "an empty file": ["", "bad.yml: error: The file is empty."],
  "a list": ["- 1\n", /bad\.yml:1:1: error: /],
  "bytes that are no text": [randomBytes(4096).fill(0xff, 0, 2), "bad.yml: error: The file is not UTF-8 text."],
  "text in UTF-16": [Buffer.from(job("- run: x"), "utf16le"), /bad\.yml.*: error: /],
  "10,000 nested brackets": [`on: push\njobs: ${"[".repeat(10_000)}${"]".repeat(10_000)}\n`, /bad\.yml:2:\d+: error: .*nested too deeply/],
  "10,000 nested mappings": [
    `on: push\njobs: ${"{a: ".repeat(10_000)}${"}".repeat(10_000)}\n`,
    /bad\.yml:2:\d+: error: .*nested too deeply/,
  ],
  "10,000 brackets that are never closed": [`on: push\njobs: ${"[".repeat(10_000)}\n`, /bad\.yml:2:\d+: error: .*nested too deeply/],
  "10,000 nested parentheses in an expression": [
    `on: push\njobs:\n  a: { if: "${"(".repeat(10_000)}true${")".repeat(10_000)}", ${JOB} }\n`,
    "bad.yml:3:12: error: Exceeded max expression depth 50",
  ],
  "aliases that multiply": [
    `a: &a [${"x,".repeat(9)}]\n${["ab", "bc", "cd", "de", "ef", "fg", "gh"].map(([from, to]) => `${to}: &${to} [${`*${from},`.repeat(9)}]\n`).join("")}on: push\njobs: *h\n`,
    /bad\.yml:\d+:\d+: error: .*aliases/,
  ],
  "an alias that contains itself": ['{"a": &x [*x]}\n', "The alias '*x' contains itself."],
  "an alias of nothing": ["on: push\njobs: *nope\n", "bad.yml:2:7: error: The alias '*nope' names no anchor."],
  "jobs that wait for each other": [
    `on: push\njobs:\n  a: { needs: c, ${JOB} }\n  b: { needs: a, ${JOB} }\n  c: { needs: [b], ${JOB} }\n`,
    /bad\.yml:3:\d+: error: These jobs wait for each other: a -> c -> b -> a\./,
  ],
  "a job that waits for itself": [`on: push\njobs:\n  a: { needs: a, ${JOB} }\n`, "These jobs wait for each other: a -> a."],
  "a need that is no job": [`on: push\njobs:\n  a: { needs: zzz, ${JOB} }\n`, /bad\.yml:3:\d+: error: .*unknown job 'zzz'/],
  "unknown keys, all of them at once": [
    `foo: 1\n${job("- rum: x", "  run: y")}    stepz: 1\n`,
    "bad.yml:1:1: error: Unexpected value 'foo'",
    "bad.yml:7:9: error: Unexpected value 'rum'",
    "bad.yml:9:5: error: Unexpected value 'stepz'",
  ],
  "a function that is not there": [job("- run: echo ${{ nope(1) }}"), /bad\.yml:6:\d+: error: .*nope/],
  "a context that is not there": [job("- run: echo ${{ nope.x }}"), /bad\.yml:6:\d+: error: .*nope/],
  "a wait for a step that is not there": [job("- wait: nope"), "bad.yml:6:15: error: ", "'nope'", "see docs/spec/background.md#validation"],
  "a cancel of a step that is not in the background": [job("- id: one", "  run: x", "- cancel: one"), "bad.yml:8:17: error: ", "'one'"],
  "an id that stands twice": [job("- id: one", "  run: x", "- id: ONE", "  run: y"), /bad\.yml:8:\d+: error: .*ONE/],
  "an action from elsewhere": [
    job("- uses: actions/setup-node@v4"),
    "bad.yml:6:9: error: The action 'actions/setup-node@v4' is not available yet",
    "--action actions/setup-node@v4=DIR",
  ],
  "a machine that this one is not": [
    job("- run: x").replace("ubuntu-latest", "windows-latest"),
    /bad\.yml:4:\d+: error: .*windows-latest/,
    "nothing was started",
    "--unsupported skip",
  ],
};

const NAMES = Object.keys(FILES);

describe("a workflow file that is wrong is refused with its place, and nothing is run", () => {
  test.each(NAMES)("%s", async (name) => {
    const [content = "", ...said] = FILES[name] ?? [];
    sandbox.write("bad.yml", content);
    expectRefusal(await sandbox.run(["run", "bad.yml"]), 2, ...said);
    expect(await sandbox.latest()).toBeUndefined();
    expect(sandbox.stateFiles()).toEqual([]);
  });
});

test("a file of 100 MB is refused before it is read, by run, plan and validate", async () => {
  sandbox.write("bad.yml", "");
  truncateSync(join(sandbox.repository, "bad.yml"), 100 * 1024 * 1024);
  for (const command of ["run", "plan", "validate"]) {
    const ended = await sandbox.run([command, "bad.yml"], { hasState: command === "run" });
    expectRefusal(ended, 2, "bad.yml has 100 MiB: a workflow file has at most 1 MiB");
  }
  expect(sandbox.stateFiles()).toEqual([]);
});

test("what is no file is said to be none", async () => {
  mkdirSync(join(sandbox.repository, "folder.yml"));
  expectRefusal(await sandbox.run(["run", "folder.yml"]), 2, "folder.yml is not a file");
  expectRefusal(await sandbox.run(["run", ""]), 2, "there is no such file");
  expectRefusal(await sandbox.run(["run", "nope.yml"]), 2, "nope.yml: there is no such file");
  expectRefusal(await sandbox.run(["run"]), 2, "There is no workflow file in", "signalbox run FILE");
  rmSync(join(sandbox.repository, "folder.yml"), { recursive: true });
});

describe("what only a step can find out fails that step, with its place", () => {
  test.each([
    ["a shell that is not there", "- { run: x, shell: 'nosuchshell {0}' }", "nosuchshell: command not found"],
    ["a shell without a place for the script", "- { run: x, shell: 'bash -e' }", "{0}"],
    ["a local action that is not there", "- uses: ./nope", "Can't find 'action.yml' or 'action.yaml' for './nope'"],
    ["a working directory that is not there", "- { run: x, working-directory: nope }", "nope"],
    ["fromJSON of what is no JSON", "- run: echo ${{ fromJSON('{') }}", "JSON"],
  ])("%s", async (_, step, said) => {
    sandbox.write("bad.yml", job(step));
    const { exitCode, output, errors, signal } = await sandbox.run(["run", "bad.yml"]);
    if (exitCode === 2) return expectRefusal({ exitCode, output, errors, signal }, 2, "bad.yml:6:", said);
    expectRefusal({ exitCode, output, errors: output, signal }, 1, said, "in bad.yml:6:9");
    expect(sandbox.processes()).toEqual([]);
  });
});
