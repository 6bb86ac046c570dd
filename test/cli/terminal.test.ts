// The command on a real terminal, as `script` gives one: what it asks is read there, and what it paints is painted.

import { spawn, spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";

const workflow = (text: string): string => `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo ${text}
          until test -e "$SANDBOX/go"; do sleep 0.1; done
`;

let built: BuiltCommand;
let sandbox: CommandSandbox;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(() => built[Symbol.dispose]());
beforeEach(() => {
  sandbox = new CommandSandbox(built.program, {
    ".github/workflows/one.yml": workflow("first"),
    ".github/workflows/two.yml": workflow("second"),
  });
});
afterEach(() => sandbox[Symbol.dispose]());

const hasTerminals = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;

test.skipIf(!hasTerminals)("a question stands on its line, and its answer chooses; the tree is painted in place", async () => {
  const screen = onTerminal(["run", "--state", sandbox.state, "--env", `SANDBOX=${sandbox.root}`]);
  // A cursor that goes to the line's start and clears it comes before the question, never after it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is sent
  await screen.shows(
    /1 {2}\.github\/workflows\/one\.yml\r\n {2}2 {2}\.github\/workflows\/two\.yml\r\n(?:\u001b\[[\d;?]*\w)*Which one\? \[1-2\] (?:\u001b\[18G)?$/,
  );
  screen.types("2\n");
  await screen.shows(/signalbox.*two\.yml/);
  await screen.shows(/Run echo second/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is sent
  await screen.shows(/\u001b\[\d*A/);
  sandbox.write("../go", "");
  expect(await screen.ended).toBe(0);
});

function onTerminal(args: readonly string[]) {
  const line = [process.execPath, built.program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn("script", ["--quiet", "--return", "--flush", "--command", line, "/dev/null"], {
    cwd: sandbox.repository,
    env: { ...sandbox.environment, TERM: "xterm-256color" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  let heard: () => void = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    heard();
  });
  let hasEnded = false;
  const ended = new Promise<number | null>((resolve) =>
    child.once("close", (code) => {
      hasEnded = true;
      heard();
      resolve(code);
    }),
  );
  return {
    ended,
    types: (text: string) => child.stdin.write(text),
    async shows(what: RegExp) {
      while (!what.test(output)) {
        if (hasEnded) throw new Error(`the terminal never showed ${what}:\n${output}`);
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}
