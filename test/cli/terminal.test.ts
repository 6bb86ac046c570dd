// The command on a real terminal, as `script` gives one: what it asks is read there, and what it paints is painted.

import { spawn, spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";

const ESCAPE = "\u001b";
const CLEARED_LINE = `${ESCAPE}[1G${ESCAPE}[0J`;

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
  using screen = onTerminal(["run", "--state", sandbox.state, "--env", `SANDBOX=${sandbox.root}`]);
  await screen.shows((text) => {
    // Readline clears the line before it writes the question, never after it.
    const [list = "", question = ""] = text.split(CLEARED_LINE);
    return list.endsWith("2  .github/workflows/two.yml\r\n") && question.includes("Which one? [1-2] ");
  });
  screen.types("2\n");
  await screen.shows((text) => /signalbox.*two\.yml/.test(text));
  // The step's line, and later the cursor going up to paint it anew.
  await screen.shows((text) => (text.split("Run echo second")[1] ?? "").includes(`${ESCAPE}[3A`));
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
    /** The terminal is closed: whoever is on it hears SIGHUP. */
    [Symbol.dispose]: () => void child.kill("SIGHUP"),
    ended,
    types: (text: string) => child.stdin.write(text),
    async shows(what: (text: string) => boolean) {
      while (!what(output)) {
        if (hasEnded) throw new Error(`the terminal never showed it:\n${output}`);
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}
