// Options and names that mean nothing: each is told what it takes, and nothing is run.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";
import { expectNoStack, expectRefusal } from "./clear-error.ts";

const OK = `on: { push: {}, workflow_dispatch: { inputs: { size: { type: choice, options: [s, m] } } } }
jobs:
  a:
    runs-on: ubuntu-latest
    strategy: { matrix: { v: [1, 2] } }
    steps:
      - run: echo hi
  late:
    needs: a
    runs-on: ubuntu-latest
    steps:
      - run: echo late
`;

/** What is typed, and what is said of it. */
type Refusal = readonly [line: string, ...said: string[]];

let built: BuiltCommand;
let sandbox: CommandSandbox;
beforeAll(async () => {
  built = await BuiltCommand.build();
  sandbox = new CommandSandbox(built.program, {
    "ok.yml": OK,
    "text.json": "no\u001b[2J json{\n",
    "list.json": "[1]",
    "bad.env": "no equals sign\n",
  });
});
afterAll(() => {
  sandbox[Symbol.dispose]();
  built[Symbol.dispose]();
});

const RUN: readonly Refusal[] = [
  ["--nope", "unknown option '--nope'"],
  ["--max-jobs 0", "--max-jobs", "from 1 to 1000"],
  ["--max-jobs many", "--max-jobs", "from 1 to 1000"],
  ["--max-background -1", "--max-background", "from 1 to 1000"],
  ["--ui fancy", "tree, stream, json, none"],
  ["--unsupported maybe", "fail, skip"],
  ["--on-interrupt maybe", "rerun, rerun-job, fail"],
  ["--job zzz", "--job zzz: ok.yml has no such job. It has: a, late."],
  ["--matrix nope:1", "--matrix nope:1: ", "The matrices have: v."],
  ["--matrix v:9", "--matrix v:9: ", "It has: 1, 2."],
  ["--matrix v", "KEY:VALUE"],
  ["--input size=s", "--event workflow_dispatch"],
  ["--event workflow_dispatch --input nope=1", "nope", "size"],
  ["--event workflow_dispatch --input size=xl", "size", "s, m"],
  ["--input size", "NAME=value"],
  ["--secret NOT_IN_ENV", "NOT_IN_ENV", "--secrets-file FILE"],
  ["--secret a-b=1", "letters, digits and '_'"],
  ["--secrets-file nope", "nope: there is no such file"],
  ["--secrets-file .", "it is a directory"],
  ["--secrets-file bad.env", "bad.env:1 is no NAME=value", "NAME=value"],
  ["--event nope", "nope", "It lists: push, workflow_dispatch"],
  ["--event-file nope", "nope: there is no such file"],
  ["--event-file text.json", "text.json is not JSON: "],
  ["--event-file list.json", "list.json must hold a JSON object"],
  ["--var x", "NAME=value"],
  ["--env =x", "--env takes NAME or NAME=value"],
  ["--env NOT_IN_ENV", "--env NOT_IN_ENV=value"],
  ["--action foo=bar", "owner/repo@ref=DIR"],
  ["--action a/b@v1=/nope", "/nope is not a folder"],
  ["one-more", "too many arguments"],
];

describe("an option of run that means nothing is refused before anything runs", () => {
  test.each(RUN)("%s", async (option, ...said) => {
    expectRefusal(await sandbox.run(["run", "ok.yml", ...option.split(" ")]), 2, ...said);
    expect(await sandbox.latest()).toBeUndefined();
    expect(sandbox.stateFiles()).toEqual([]);
  });
});

test("a run, job or step that is not there is refused by each command that takes one, with what there is", async () => {
  const done = await sandbox.run(["run", "ok.yml", "--ui", "none"]);
  expect(done).toMatchObject({ exitCode: 0, output: "", errors: "" });
  const { id = "" } = (await sandbox.latest()) ?? {};
  for (const command of ["show", "logs", "resume", "rerun", "cancel", "rm"]) {
    expectRefusal(await sandbox.run([command, "zzz"]), 2, 'There is no run "zzz"', id);
  }
  expectRefusal(await sandbox.run(["logs", "latest", "--job", "zzz"]), 2, "It has: a (1), a (2), late.");
  expectRefusal(await sandbox.run(["logs", "latest", "--step", "zzz"]), 2, "--step zzz: there is no such step", "Run echo late");
  expectRefusal(await sandbox.run(["resume", id]), 2, `Run ${id} has ended (success)`, `signalbox rerun ${id}`);
  expectRefusal(await sandbox.run(["cancel", id]), 2, `Run ${id} has ended`);
  expectRefusal(await sandbox.run(["rm", id, "zzz"]), 2, 'There is no run "zzz"');
  expectRefusal(await sandbox.run(["resume", "--secret", "A"]), 2, "No run is interrupted");
  // Nothing of all this has changed the run.
  expect(await sandbox.latest()).toMatchObject({ id, status: "completed", conclusion: "success" });
});

const OTHERS: readonly Refusal[] = [
  ["nope", "unknown command 'nope'", "--help"],
  ["rnu ok.yml", "Did you mean run?"],
  ["show", "missing required argument 'run'"],
  ["show latest --from-seq x", "a whole number, 0 or more"],
  ["logs", "missing required argument 'run'"],
  ["resume one --all", "not both"],
  ["rm", "missing required argument 'runs'"],
  ["prune", "--keep N", "--older-than D"],
  ["prune --keep x", "--keep"],
  ["prune --older-than 5y", "90s, 30m, 12h, 7d or 2w"],
  ["completion tcsh", "bash, zsh, fish"],
  ["plan ok.yml --job zzz", "It has: a, late."],
  ["validate nope ok.yml", "nope: there is no such file"],
];

describe("other commands say what they take", () => {
  test.each(OTHERS)("%s", async (line, ...said) => {
    expectRefusal(await sandbox.run(line.split(" "), { hasState: false }), 2, ...said);
  });
});

test("a reader that goes away does not end the run", async () => {
  const ended = await sandbox.run(["run", "ok.yml", "--ui", "stream"], {
    through: ["bash", "-c", '"$@" | head -n 1; exit "${PIPESTATUS[0]}"', "bash"],
  });
  expectNoStack(ended);
  expect(ended).toMatchObject({ exitCode: 0, errors: "", output: "signalbox ok.yml\n" });
  expect(await sandbox.latest()).toMatchObject({ status: "completed", conclusion: "success" });
  for (const args of [["show", "latest"], ["logs", "latest"], ["list"], ["show", "latest", "--events"]]) {
    const cut = await sandbox.run(args, { through: ["bash", "-c", '"$@" | true; exit "${PIPESTATUS[0]}"', "bash"] });
    expectNoStack(cut);
    expect(cut).toMatchObject({ exitCode: 0, errors: "" });
  }
});
