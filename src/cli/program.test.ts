import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StreamedEvent } from "../model/run-view.ts";
import { type FakeTerminal, type FakeTerminalOptions, fakeTerminal } from "./fake-terminal.ts";
import { runProgram } from "./program.ts";
import type { ProgramContext } from "./server-program.ts";
import { type FakeRun, type FakeSessions, fakeJob, fakeSessions, fakeStep, fakeTime, fakeView } from "./session/fake-sessions.ts";
import type { StopSignal } from "./terminal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-cli-"));
  mkdirSync(join(folder, ".git"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HELLO = "on: push\njobs:\n  hello:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo hello\n";

function put(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

interface Ran {
  readonly exitCode: number;
  readonly terminal: FakeTerminal;
  readonly sessions: FakeSessions;
  readonly left: readonly number[];
}

interface Setting extends FakeTerminalOptions {
  readonly runs?: readonly FakeRun[];
  readonly environment?: { readonly [name: string]: string };
  /** Called when the command has begun. */
  readonly during?: (terminal: FakeTerminal) => void;
}

async function signalbox(args: readonly string[], setting: Setting = {}): Promise<Ran> {
  const terminal = fakeTerminal(setting);
  const sessions = fakeSessions(setting.runs ?? [DONE]);
  const left: number[] = [];
  const context: ProgramContext = {
    terminal,
    environment: { HOME: join(tmpdir(), "nobody"), PATH: process.env["PATH"] ?? "", ...setting.environment },
    workingDirectory: folder,
    version: "1.2.3",
    ownFolders: [],
    now: () => Date.parse(fakeTime(12)),
    openSessions: () => Promise.resolve(sessions),
    loadServerCommands: async () => (await import("./server-commands.ts")).serverCommands,
    leave: (code) => left.push(code),
  };
  const ended = runProgram(args, context);
  setting.during?.(terminal);
  const exitCode = await ended;
  expect(terminal.listenerCount()).toBe(0);
  return { exitCode, terminal, sessions, left };
}

function events(...list: readonly unknown[]): readonly StreamedEvent[] {
  return list.map((event, index) => ({ schemaVersion: 1, seq: index + 1, at: fakeTime(index), ...(event as object) }) as StreamedEvent);
}

const STEP = { job: "hello", step: "__1", number: 1, name: "Run echo", kind: "run", background: false, attempt: 1 };
const EVENTS = events(
  { type: "run.started", runId: "4g7k2xb", file: "ci.yml", event: "push", name: "CI" },
  { type: "job.queued", job: "hello", name: "hello" },
  { type: "job.started", job: "hello", name: "hello" },
  { type: "step.started", ...STEP },
  { type: "step.log", job: "hello", step: "__1", attempt: 1, offset: 0, text: "\u001b[32mhi\u001b[0m\u001b[2J" },
  { type: "step.annotation", job: "hello", step: "__1", annotation: { level: "warning", message: "careful", file: "a.js", line: 3 } },
  { type: "step.finished", job: "hello", step: "__1", attempt: 1, outcome: "success", conclusion: "success", outputs: {} },
  { type: "job.finished", job: "hello", conclusion: "success", outputs: {} },
  { type: "run.finished", runId: "4g7k2xb", status: "completed", conclusion: "success" },
);
const DONE: FakeRun = {
  directory: "/nowhere",
  events: EVENTS,
  view: fakeView({ jobs: [fakeJob({ key: "hello", steps: [fakeStep({ number: 1, name: "Run echo" })] })] }),
};

describe("run", () => {
  test("the only file is run, in plain ordered lines off a terminal, without one escape sequence", async () => {
    put(".github/workflows/ci.yml", HELLO);
    const { exitCode, terminal, sessions } = await signalbox(["run"]);
    expect(exitCode).toBe(0);
    expect(terminal.output()).not.toContain("\u001b");
    expect(terminal.output().split("\n")).toEqual([
      "signalbox .github/workflows/ci.yml",
      "Run 4g7k2xb: CI (push)",
      "▸ hello",
      "▸ hello › Run echo",
      "hello › Run echo warning: careful (a.js:3)",
      "✓ hello › Run echo  succeeded in 3.0s",
      "✓ hello succeeded in 5.0s",
      "✓ CI succeeded in 3.0s",
      "  signalbox show 4g7k2xb   each step with its times",
      "  signalbox logs 4g7k2xb   what the steps wrote",
      "",
    ]);
    expect(sessions.started[0]?.plan.jobs.map((job) => job.id)).toEqual(["hello"]);
  });

  test("--ui stream shows each log line with its job and step", async () => {
    put("ci.yml", HELLO);
    const { terminal } = await signalbox(["run", "ci.yml", "--ui", "stream"]);
    expect(terminal.output()).toContain("hello › Run echo | hi\n");
  });

  test("--json writes the events, one a line, and nothing else", async () => {
    put("ci.yml", HELLO);
    const { terminal } = await signalbox(["run", "ci.yml", "--json"]);
    const lines = terminal.output().trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(EVENTS);
    expect(lines.every((line) => line.startsWith('{"schemaVersion":1,"seq":'))).toBe(true);
  });

  test("--ui none writes nothing", async () => {
    put("ci.yml", HELLO);
    expect((await signalbox(["run", "ci.yml", "--ui", "none"])).terminal.output()).toBe("");
  });

  test("on a terminal the tree is painted, and stands still at the end with the cursor given back", async () => {
    put("ci.yml", HELLO);
    const { terminal } = await signalbox(["run", "ci.yml"], { isLive: true, hasColor: true });
    expect(terminal.output()).toContain("\u001b[?25l");
    expect(terminal.output().lastIndexOf("\u001b[?25h")).toBeGreaterThan(terminal.output().lastIndexOf("\u001b[?25l"));
    expect(terminal.output().split("\u001b[?25h")[1]).toMatch(/hello[^]*Run echo[^]*succeeded/);
  });

  test("several files: a choice on a terminal, else an error that lists them", async () => {
    put(".github/workflows/a.yml", HELLO);
    put(".github/workflows/b.yaml", HELLO);
    const asked = await signalbox(["run"], { answers: ["7", "2"] });
    expect(asked.sessions.started[0]?.file).toBe(join(folder, ".github/workflows/b.yaml"));
    const refused = await signalbox(["run"]);
    expect(refused.exitCode).toBe(2);
    expect(refused.terminal.errors()).toContain("signalbox run .github/workflows/a.yml\n  signalbox run .github/workflows/b.yaml");
  });

  test("options become the run's recorded inputs; secrets by name and source only", async () => {
    put(
      "ci.yml",
      `on:\n  workflow_dispatch:\n    inputs:\n      dry:\n        type: boolean\n        default: false\n${HELLO.slice("on: push\n".length)}    strategy: { matrix: { os: ["linux:x", mac] } }\n`,
    );
    put("secrets.env", "TOKEN=from-file\nKEY='two\nlines'\n");
    mkdirSync(join(folder, "cache"));
    const { sessions, exitCode, terminal } = await signalbox(
      "run ci.yml --input dry=true --var A=1 --var B=x=y --secret TOKEN=plain --secret OTHER --secrets-file secrets.env --env FOO --env BAR=baz --action actions/cache@v4=cache --max-jobs 3 --job hello --matrix os:linux:x --on-interrupt fail --unsupported skip --in-place".split(
        " ",
      ),
      { environment: { OTHER: "o", FOO: "foo", UNSEEN: "x", npm_config_x: "y" } },
    );
    expect(terminal.errors()).toBe("");
    expect(exitCode).toBe(0);
    const [request] = sessions.started;
    expect(request?.secrets.values).toEqual({ TOKEN: "plain", KEY: "two\nlines", OTHER: "o" });
    expect(request?.inputs).toMatchObject({
      event: "workflow_dispatch",
      inputs: { dry: true },
      vars: { A: "1", B: "x=y" },
      secrets: expect.arrayContaining([
        { name: "TOKEN", source: "option" },
        { name: "KEY", source: `file:${join(folder, "secrets.env")}` },
        { name: "OTHER", source: "environment" },
      ]),
      options: {
        jobs: ["hello"],
        matrix: [{ key: "os", value: "linux:x" }],
        maxJobs: 3,
        maxBackground: 10,
        inPlace: true,
        unsupported: "skip",
        onInterrupt: "fail",
        actionFolders: { "actions/cache@v4": join(folder, "cache") },
      },
    });
    expect(request?.inputs.baseEnvironment).toMatchObject({ FOO: "foo", BAR: "baz", HOME: join(tmpdir(), "nobody") });
    expect(Object.keys(request?.inputs.baseEnvironment ?? {})).not.toContain("UNSEEN");
    expect(JSON.stringify(request?.inputs)).not.toContain("plain");
  });

  test("secrets that nobody gave and filters that nobody asked for are said first", async () => {
    put(
      "ci.yml",
      HELLO.replace("on: push", "on:\n  push:\n    branches: [main]").replace("echo hello", "echo ${{ secrets.A }} ${{ secrets['B'] }}"),
    );
    const { sessions } = await signalbox(["run", "ci.yml", "--secret", "b=1"]);
    expect(sessions.started[0]?.notices).toEqual([
      "Empty, because nobody gave them: secrets A (--secret NAME, --secrets-file FILE).",
      "The filters of 'push' are not looked at; --event push applies them.",
    ]);
  });

  test("--event applies the filters", async () => {
    put("ci.yml", HELLO.replace("on: push", "on:\n  push:\n    branches: [main]"));
    put("event.json", '{"ref":"refs/heads/other"}');
    const { exitCode, terminal, sessions } = await signalbox(["run", "ci.yml", "--event-file", "event.json"]);
    expect(exitCode).toBe(2);
    expect(terminal.errors()).toContain("'other' does not pass");
    expect(sessions.started).toEqual([]);
  });

  test("what this machine cannot run is an error before anything starts", async () => {
    put("ci.yml", HELLO.replace("ubuntu-latest", "windows-latest").replace("run: echo hello", "uses: docker://alpine"));
    const { exitCode, terminal, sessions } = await signalbox(["run", "ci.yml"]);
    expect(exitCode).toBe(2);
    expect(terminal.errors()).toMatch(/ci\.yml:6:\d+: error: 'docker:\/\/alpine'/);
    expect(terminal.errors()).toMatch(/ci\.yml:4:\d+: error: .*indows/);
    expect(terminal.errors()).toContain("--unsupported skip");
    expect(sessions.started).toEqual([]);
  });

  test("a mistake in the file is shown with its line, and nothing runs", async () => {
    put("ci.yml", HELLO.replace("run: echo hello", "runn: echo hello"));
    const { exitCode, terminal, sessions } = await signalbox(["run", "ci.yml"]);
    expect(exitCode).toBe(2);
    expect(terminal.errors()).toContain("ci.yml:6:9: error: ");
    expect(terminal.errors()).toContain("> 6 |       - runn: echo hello\n    |         ^");
    expect(sessions.started).toEqual([]);
  });
});

describe("bad input is an error of one kind: exit code 2, what, where and what to do, no stack", () => {
  test.each<readonly [readonly string[], RegExp]>([
    [["run", "nowhere.yml"], /nowhere\.yml: there is no such file/],
    [["run"], /There is no workflow file in .*workflows/],
    [["run", "."], /is not a file/],
    [["run", "big.yml"], /2 MiB: a workflow file has at most 1 MiB/],
    [["run", "binary.yml"], /binary\.yml/],
    [["run", "nested.yml"], /nested\.yml/],
    [["run", "ok.yml", "--job", "nope"], /--job nope: ok\.yml has no such job\. It has: hello/],
    [["run", "ok.yml", "--event", "issues"], /'issues'.*push/],
    [["run", "ok.yml", "--event-file", "nowhere.json"], /--event-file: cannot read .*nowhere\.json: there is no such file/],
    [["run", "ok.yml", "--event-file", "ok.yml"], /--event-file: .*ok\.yml is not JSON/],
    [["run", "ok.yml", "--event-file", "list.json"], /must hold a JSON object/],
    [["run", "ok.yml", "--input", "a=b"], /--input a: only workflow_dispatch has inputs/],
    [["run", "ok.yml", "--input", "a"], /--input <name=value>.*It must be NAME=value/],
    [["run", "ok.yml", "--secret", "NOT_THERE"], /--secret NOT_THERE: the environment has no variable/],
    [["run", "ok.yml", "--secret", "a-b=hidden"], /--secret takes NAME or NAME=value/],
    [["run", "ok.yml", "--secrets-file", "nowhere"], /--secrets-file: cannot read .*nowhere/],
    [["run", "ok.yml", "--secrets-file", "list.json"], /list\.json:1 is no NAME=value/],
    [["run", "ok.yml", "--env", "NOT_THERE"], /--env NOT_THERE/],
    [["run", "ok.yml", "--var", "X"], /It must be NAME=value/],
    [["run", "ok.yml", "--matrix", "node"], /It must be KEY:VALUE/],
    [["run", "ok.yml", "--action", "cache=here"], /It must be owner\/repo@ref=DIR/],
    [["run", "ok.yml", "--action", "a/b@v1=nowhere"], /nowhere is not a folder/],
    [["run", "ok.yml", "--max-jobs", "0"], /It must be a whole number from 1 to 1000/],
    [["run", "ok.yml", "--max-background", "ten"], /It must be a whole number/],
    [["run", "ok.yml", "--unsupported", "maybe"], /Allowed choices are fail, skip/],
    [["run", "ok.yml", "--on-interrupt", "x"], /Allowed choices are rerun, rerun-job, fail/],
    [["run", "ok.yml", "--ui", "x"], /Allowed choices are tree, stream, json, none/],
    [["run", "ok.yml", "--state", "here"], /lies inside the repository .*Give --state a folder outside/],
    [["run", "ok.yml", "extra"], /too many arguments/],
    [["rum"], /unknown command 'rum'[^]*Did you mean one of rm, run/],
    [["run", "--jon"], /unknown option '--jon'/],
    [["show"], /missing required argument 'run'/],
    [["show", "zzz"], /There is no run 'zzz'/],
    [["show", "latest", "--from-seq", "-1"], /--from-seq/],
    [["logs", "latest", "--job", "zzz"], /--job zzz: the run has no such job\. It has: hello/],
    [["logs", "latest", "--step", "zzz"], /--step zzz: there is no such step[^]*1 Run echo/],
    [["resume", "x", "--all"], /not both/],
    [["resume"], /No run is interrupted/],
    [["rm"], /missing required argument/],
    [["rm", "latest", "zzz"], /There is no run 'zzz'/],
    [["prune"], /--keep N/],
    [["prune", "--older-than", "7"], /a number with a unit/],
    [["completion", "tcsh"], /one of bash, zsh, fish/],
  ])("signalbox %j", async (args, message) => {
    put("ok.yml", HELLO);
    put("list.json", "[]");
    put("big.yml", " ".repeat(2 * 1024 * 1024));
    put("binary.yml", Buffer.from([0, 1, 2, 255, 254, 0, 7]));
    put("nested.yml", "[".repeat(10_000));
    const { exitCode, terminal, sessions } = await signalbox(args);
    expect(terminal.errors()).toMatch(message);
    expect(exitCode).toBe(2);
    expect(terminal.errors()).not.toMatch(/\n\s+at /);
    expect(terminal.errors()).not.toContain("hidden");
    expect([sessions.started, sessions.removed]).toEqual([[], []]);
  });
});

/** Each as soon as the text is on the screen. */
async function press(terminal: FakeTerminal, ...presses: readonly (readonly [string, StopSignal])[]): Promise<void> {
  for (const [text, signal] of presses) {
    while (!terminal.output().includes(text)) await new Promise((resolve) => setImmediate(resolve));
    terminal.press(signal);
  }
}

describe("signals", () => {
  const endless: FakeRun = { ...DONE, isEndless: true };

  test("the first cancels and says so, the second leaves with 130", async () => {
    put("ci.yml", HELLO);
    const { exitCode, terminal } = await signalbox(["run", "ci.yml"], {
      runs: [endless],
      during: (terminal) => void press(terminal, ["Run 4g7k2xb", "SIGTERM"], ["Cancelling", "SIGINT"]),
    });
    expect(terminal.output()).toContain("Cancelling: always() and post steps still run");
    expect(exitCode).toBe(130);
  });

  test("one that comes before there is a run is kept for it; a second then leaves at once", async () => {
    put("ci.yml", HELLO);
    const { left, terminal } = await signalbox(["run", "ci.yml"], {
      runs: [endless],
      during: (terminal) => void press(terminal, ["signalbox ci.yml", "SIGINT"], ["signalbox ci.yml", "SIGINT"], ["Cancelling", "SIGINT"]),
    });
    expect(left).toEqual([130]);
    expect(terminal.output()).toContain("Cancelling");
  });

  test("SIGHUP interrupts without cancelling", async () => {
    const { exitCode, terminal } = await signalbox(["resume", "latest"], {
      runs: [endless],
      during: (terminal) => void press(terminal, ["Run 4g7k2xb", "SIGHUP"]),
    });
    expect(exitCode).toBe(130);
    expect(terminal.output()).not.toContain("Cancelling");
  });
});

describe("looking at runs", () => {
  const log = "logs/hello-1.log";
  const failed = (): FakeRun => {
    put(log, `${Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\n")}\n`);
    return {
      ...DONE,
      directory: folder,
      exitCode: 1,
      view: fakeView({
        conclusion: "failure",
        jobs: [
          fakeJob({
            key: "hello",
            conclusion: "failure",
            steps: [
              fakeStep({
                number: 1,
                name: "Run tests",
                id: "tests",
                outcome: "failure",
                conclusion: "failure",
                exitCode: 7,
                message: "Process completed with exit code 7.",
                log: { file: log, bytes: 100 },
                source: { file: "ci.yml", line: 6, column: 9 },
              }),
              fakeStep({ number: 2, name: "Wait", kind: "wait", outcome: "failure", conclusion: "failure" }),
            ],
          }),
        ],
      }),
    };
  };

  test("the failure block is last: step, exit code, place, last lines, and what to type next", async () => {
    put("ci.yml", HELLO);
    const { exitCode, terminal } = await signalbox(["run", "ci.yml", "--state", "/tmp/my state"], { runs: [failed()] });
    expect(exitCode).toBe(1);
    const block = terminal.output().slice(terminal.output().indexOf("✗ hello › Run tests"));
    expect(block.split("\n")).toEqual([
      "✗ hello › Run tests: exit code 7",
      "  in ci.yml:6:9",
      ...Array.from({ length: 10 }, (_, line) => `  │ line ${line + 20}`),
      "  whole log: signalbox logs 4g7k2xb --step tests --state '/tmp/my state'",
      "",
      "run again what failed: signalbox rerun 4g7k2xb --failed --state '/tmp/my state'",
      "",
    ]);
  });

  test("show, show --json, show --events --from-seq and list", async () => {
    const runs = [failed()];
    const shown = await signalbox(["show", "latest"], { runs });
    expect(shown.terminal.output()).toMatch(/^run 4g7k2xb\n\.github\/workflows\/ci\.yml {2}push/);
    expect(shown.terminal.output()).toMatch(/waited {6}ran {2}blocked\n✗ hello/);
    const json = await signalbox(["show", "latest", "--json"], { runs });
    expect(JSON.parse(json.terminal.output())).toEqual(runs[0]?.view);
    const missed = await signalbox(["show", "latest", "--events", "--from-seq", "8"], { runs });
    expect(missed.terminal.output().split("\n").length).toBe(3);
    const listed = await signalbox(["list", "--json"], { runs });
    expect(JSON.parse(listed.terminal.output())).toMatchObject([{ id: "4g7k2xb", status: "completed", conclusion: "failure" }]);
    const table = await signalbox(["list"], { runs, columns: 100 });
    expect(table.terminal.output()).toMatch(/^STATUS +RUN +NAME[^]*✗ failed +4g7k2xb +CI/);
    expect((await signalbox(["list", "-q"], { runs })).terminal.output()).toBe("4g7k2xb\n");
  });

  test("logs of one step are its bytes, without what moves the cursor", async () => {
    const runs = [failed()];
    put(log, "a\n\u001b[2Jb\nno newline");
    expect((await signalbox(["logs", "latest", "--step", "tests"], { runs })).terminal.output()).toBe("a\nb\nno newline\n");
    expect((await signalbox(["logs", "latest", "-f", "--job", "hello"])).terminal.output()).toBe("hello › Run echo | hi\n");
  });

  test("cancel, rm, prune and rerun reach the runs", async () => {
    expect((await signalbox(["cancel", "latest"])).sessions.cancelled).toEqual(["4g7k2xb"]);
    expect((await signalbox(["rm", "latest", "4g7k2xb"])).sessions.removed).toEqual(["4g7k2xb"]);
    expect((await signalbox(["prune", "--keep", "3", "--older-than", "2d"])).sessions.pruned).toEqual([
      { keep: 3, olderThanMs: 172_800_000 },
    ]);
    expect((await signalbox(["rerun", "latest", "--failed"])).sessions.rerunWith).toMatchObject([{ failedOnly: true, fresh: false }]);
  });
});

describe("plan, validate and the rest", () => {
  test("plan shows jobs in their order, cells, kinds, groups and the implicit wait", async () => {
    put(
      "ci.yml",
      `on: push
jobs:
  late:
    needs: early
    runs-on: ubuntu-latest
    strategy: { matrix: { node: [22, 24] } }
    steps:
      - { id: server, run: serve, background: true }
      - { name: Checks, run: "true", if: always() }
      - parallel:
          - run: one
          - run: two
  early: { runs-on: ubuntu-latest, steps: [{ run: ls }] }
`,
    );
    const { exitCode, terminal } = await signalbox(["plan", "ci.yml"]);
    expect(terminal.errors()).toBe("");
    expect(exitCode).toBe(0);
    expect(
      terminal
        .output()
        .split("\n")
        .map((line) => line.trimEnd()),
    ).toEqual([
      "ci.yml  ci.yml  push",
      "● early",
      "  · Run ls  run",
      "● late  needs early, 2 of (22), (24)",
      "  · Run serve  run, background, id server",
      "  · Checks  run, if always()",
      "  · Parallel group  parallel, waits for 2 steps",
      "    · Run one  run",
      "    · Run two  run",
      "  · Wait for all background steps  wait-all, implicit",
      "",
    ]);
    expect(JSON.parse((await signalbox(["plan", "ci.yml", "--json"])).terminal.output())).toMatchObject({
      schemaVersion: 1,
      jobs: [{ id: "early" }, {}],
    });
  });

  test("validate says of each file whether it is valid", async () => {
    put("good.yml", HELLO);
    put("bad.yml", "on: push\njobs: {}\n");
    const { exitCode, terminal } = await signalbox(["validate", "good.yml", "bad.yml"]);
    expect(exitCode).toBe(2);
    expect(terminal.output()).toBe("✓ good.yml is valid\n✗ bad.yml is not valid\n");
    expect((await signalbox(["validate", "good.yml"])).exitCode).toBe(0);
  });

  test("doctor looks at each thing that a run needs", async () => {
    const { exitCode, terminal } = await signalbox(["doctor", "--state", join(folder, "state")]);
    expect(exitCode).toBe(0);
    for (const name of ["Node", "git", "bash", "state directory", "SQLite", "escaped processes", "memory storage"]) {
      expect(terminal.output()).toMatch(new RegExp(`^[✓!] (?:ok|warn) +${name} `, "m"));
    }
    put("file", "");
    const refused = await signalbox(["doctor", "--state", join(folder, "file", "below")]);
    expect(refused.exitCode).toBe(1);
    expect(refused.terminal.output()).toMatch(/✗ fail state directory +.*not a directory\n +Give a folder/);
  });

  test("completion scripts are programs of their shells", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { terminal } = await signalbox(["completion", shell]);
      for (const command of ["run", "resume", "prune"]) expect(terminal.output()).toContain(command);
      if (shell === "bash") execFileSync("bash", ["-n"], { input: terminal.output() });
    }
    const { terminal } = await signalbox(["completion", "bash"]);
    const complete = (words: string) =>
      execFileSync(
        "bash",
        ["-c", `${terminal.output()}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _signalbox; echo "\${COMPREPLY[*]}"`],
        {
          encoding: "utf8",
        },
      ).trim();
    expect(complete("signalbox re")).toBe("resume rerun");
    expect(complete("signalbox run --max-")).toBe("--max-jobs --max-background");
    expect(complete("signalbox run --on-interrupt rerun-")).toBe("rerun-job");
    expect(complete("signalbox instances re")).toBe("resume restart rewind");
    expect(complete("signalbox instances list --to")).toBe("--token-file");
    expect(complete("signalbox completion z")).toBe("zsh");
  });

  test("--help and --version end well", async () => {
    expect((await signalbox(["--version"])).terminal.output()).toBe("1.2.3\n");
    for (const command of ["run", "show", "prune"]) {
      const { exitCode, terminal } = await signalbox([command, "--help"]);
      expect([exitCode, terminal.errors()]).toEqual([0, ""]);
      expect(terminal.output()).toContain(`Usage: signalbox ${command}`);
    }
  });

  test("a fault says that it is one, and shows its stack only to who asks", async () => {
    put("ci.yml", HELLO);
    const broken = {
      ...DONE,
      get view(): never {
        throw new Error("disk on fire");
      },
    };
    const told = await signalbox(["list"], { runs: [broken] });
    expect([told.exitCode, told.terminal.errors()]).toEqual([5, expect.stringMatching(/^signalbox: disk on fire\nThis is a fault/)]);
    const debugged = await signalbox(["list"], { runs: [broken], environment: { SIGNALBOX_DEBUG: "1" } });
    expect(debugged.terminal.errors()).toMatch(/\n\s+at /);
  });
});
