// Actions by the command: folders that `--action` names, and what is recorded of action files over a crash.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { StreamedEvent } from "../../src/model/run-view.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const job = (steps: string) => `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n${steps.trim().replace(/^/gm, "      ")}\n`;
const note = (stage: string) =>
  `require("fs").appendFileSync(process.env.LEDGER, "${stage} " + process.env.INPUT_WHO + " " + (process.env.STATE_by ?? "-") + "\\n");
require("fs").appendFileSync(process.env.GITHUB_STATE, "by=${stage}\\n");\n`;

/** `acme/tools`: an action at its root, one inside, and a composite action that uses them. */
function writeTools(folder: string): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const stage of ["pre", "main", "post"]) write(`${stage}.js`, note(stage));
  write("action.yml", "{ name: t, inputs: { who: {} }, runs: { using: node24, pre: pre.js, main: main.js, post: post.js } }");
  write("inner/main.js", note("inner"));
  write("inner/action.yaml", "{ name: i, inputs: { who: { default: someone } }, runs: { using: node20, main: main.js } }");
}

test("--action: actions of a folder run with pre, main and post, at its root and inside, and the run shows them", async () => {
  using sandbox = new CommandSandbox(MAIN, {
    "ci.yml": job(`
- { id: i, uses: acme/tools/inner@v1 }
- { id: t, background: true, uses: acme/tools@v1, with: { who: me } }
`),
  });
  writeTools(join(sandbox.root, "tools"));
  const { exitCode, output, errors } = await sandbox.startRun("ci.yml", ["--action", "acme/tools@v1=../tools", "--json"]).ended;
  expect(errors).toBe("");
  expect(exitCode).toBe(0);
  expect(sandbox.ledger()).toEqual(["pre me -", "inner someone -", "main me pre", "post me main"]);
  const events = output
    .trim()
    .split("\n")
    .map((line): StreamedEvent => JSON.parse(line));
  const started = events.flatMap((event) => (event.type === "step.started" ? [`${event.kind} ${event.name} < ${event.parent ?? ""}`] : []));
  expect(started).toEqual([
    "setup Set up job < ",
    "pre Pre Run acme/tools@v1 < t",
    "uses Run acme/tools/inner@v1 < ",
    "uses Run acme/tools@v1 < ",
    "wait-all Wait for all background steps < ",
    "post Post Run acme/tools@v1 < t",
  ]);
  const shown = await sandbox.run(["show", "latest"]);
  expect(shown.output).toContain("Pre Run acme/tools@v1");
});

test("--action: a folder that is not there, and an action that no folder gives, are errors before anything runs", async () => {
  using sandbox = new CommandSandbox(MAIN, { "ci.yml": job("- run: echo ran >> $LEDGER\n- uses: acme/tools@v1") });
  const gone = await sandbox.startRun("ci.yml", ["--action", "acme/tools@v1=../tools"]).ended;
  expect([gone.exitCode, gone.errors]).toEqual([2, expect.stringContaining("is not a folder")]);
  const missing = await sandbox.startRun("ci.yml").ended;
  expect([missing.exitCode, missing.errors]).toEqual([2, expect.stringContaining("acme/tools@v1")]);
  expect(sandbox.ledger()).toEqual([]);
});

test("checkout: a key that is not supported is an error that names it, before the job starts", async () => {
  using sandbox = new CommandSandbox(MAIN, {
    "ci.yml": job("- run: echo ran >> $LEDGER\n- uses: actions/checkout@v4\n  with: { lfs: true }"),
  });
  const { exitCode, errors } = await sandbox.startRun("ci.yml").ended;
  expect([exitCode, errors]).toEqual([2, expect.stringMatching(/ci\.yml:\d+:\d+.*'lfs'/)]);
  expect(sandbox.ledger()).toEqual([]);
});

test("an attempt after a crash runs the action files that were recorded, not what stands in the workspace by then", async () => {
  const composite = (text: string) => `
name: act
runs:
  using: composite
  steps:
    - uses: ./act/inner
    - run: 'echo ${text} >> $LEDGER; [ -e $SANDBOX/go ] || { echo > $SANDBOX/here; exec sleep 1000; }'
      shell: bash
`;
  const inner = (text: string) => `{ name: inner, runs: { using: composite, steps: [{ run: 'echo ${text} >> $LEDGER', shell: bash }] } }`;
  using sandbox = new CommandSandbox(MAIN, {
    "ci.yml": job("- uses: actions/checkout@v4\n- { id: a, uses: ./act }\n- { id: again, uses: ./act }"),
    "act/action.yml": composite("outer"),
    "act/inner/action.yml": inner("inner"),
  });
  const first = sandbox.startRun("ci.yml");
  await sandbox.made("here", first);
  first.kill("SIGKILL");
  await first.ended;
  writeFileSync(join(sandbox.root, "go"), "");
  const workspace = readdirSync(sandbox.state, { recursive: true, encoding: "utf8" }).find((path) =>
    /\/work\/.*\/act\/action\.yml$/.test(path),
  );
  if (workspace === undefined) throw new Error("the workspace has no action");
  const act = dirname(join(sandbox.state, workspace));
  expect(readFileSync(join(act, "action.yml"), "utf8")).toContain("outer");
  writeFileSync(join(act, "action.yml"), composite("outer changed"));
  writeFileSync(join(act, "inner/action.yml"), inner("inner changed"));
  const resumed = await sandbox.run(["resume"]);
  expect([resumed.exitCode, resumed.errors]).toEqual([0, ""]);
  // The next step is reached after the crash: it is resolved to what is there.
  expect(sandbox.ledger()).toEqual(["inner", "outer", "inner", "outer", "inner changed", "outer changed"]);
});

test("B15 over a crash: a pre step that had ended is not repeated, one that was interrupted is attempted again, main has both states", async () => {
  using sandbox = new CommandSandbox(MAIN, {
    "ci.yml": job("- { id: a, uses: acme/tools@v1, with: { who: a } }\n- { id: b, uses: acme/waits@v1, with: { who: b } }"),
  });
  writeTools(join(sandbox.root, "tools"));
  writeTools(join(sandbox.root, "waits"));
  const wait = `
const { existsSync, writeFileSync } = require("fs");
console.log("::add-mask::made-by-pre");
require("fs").appendFileSync(process.env.GITHUB_STATE, "token=made-by-pre\\n");
if (!existsSync(process.env.SANDBOX + "/go")) { writeFileSync(process.env.SANDBOX + "/here", ""); setInterval(() => {}, 1000); }
`;
  writeFileSync(join(sandbox.root, "waits/pre.js"), note("pre") + wait);
  writeFileSync(join(sandbox.root, "waits/main.js"), `${note("main")}console.log("token is", process.env.STATE_token);`);
  const folders = ["--action", "acme/tools@v1=../tools", "--action", "acme/waits@v1=../waits"];
  const first = sandbox.startRun("ci.yml", folders);
  await sandbox.made("here", first);
  first.kill("SIGKILL");
  await first.ended;
  writeFileSync(join(sandbox.root, "go"), "");
  const resumed = await sandbox.run(["resume"]);
  expect([resumed.exitCode, resumed.errors]).toEqual([0, ""]);
  expect(sandbox.ledger()).toEqual(["pre a -", "pre b -", "pre b -", "main a pre", "main b pre", "post b main", "post a main"]);
  const steps = (await sandbox.view()).jobs[0]?.steps ?? [];
  expect(steps.map(({ key, attempt }) => `${key} ${attempt}`)).toEqual([
    "__setup 1",
    "__pre_a 1",
    "__pre_b 2",
    "a 1",
    "b 1",
    "__post_b 1",
    "__post_a 1",
  ]);
  expect((await sandbox.run(["logs", "latest"])).output).toContain("token is ***");
  const kept = sandbox.stateFiles().filter((file) => readFileSync(file, "latin1").includes("made-by-pre"));
  expect(kept).toEqual([]);
});
