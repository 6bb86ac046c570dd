// Several runs of one repository at once, and several terminals on one run.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunView } from "../../src/model/run-view.ts";
import { BuiltCommand } from "../command/built-command.ts";
import { type Command, CommandSandbox, eventsIn } from "../command/command-sandbox.ts";
import { isThere } from "../command/step-processes.ts";

/** Waits in $SANDBOX for $OTHER, made by a run beside it or by the test. */
const MEET = `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: meet
        name: meet
        run: |
          for n in $(seq 100); do echo "early $n"; done
          echo "$GITHUB_RUN_ID" > "$SANDBOX/$MINE"
          until [ -e "$SANDBOX/$OTHER" ]; do sleep 0.005; done
          for n in $(seq 100); do echo "late $n"; done
          echo "file: $(cat here.txt)"; echo "$MINE" > here.txt
`;

const group = (more: string): string => `on: push
concurrency:
  group: deploy
${more}
jobs:
  a:
    runs-on: ubuntu-latest
    concurrency:
      group: inner
${more.replaceAll(/^/gm, "    ")}
    steps:
      - id: inside
        run: |
          echo "enter $MINE" >> "$SANDBOX/inside"
          echo > "$SANDBOX/$MINE"
          if [ -n "$OTHER" ]; then until [ -e "$SANDBOX/$OTHER" ]; do sleep 0.005; done; fi
          kill -0 $PPID 2> /dev/null && echo "leave $MINE" >> "$SANDBOX/inside" || :
`;

const FILES = {
  "meet.yml": MEET,
  "one.yml": group("  queue: single"),
  "max.yml": group("  queue: max"),
  "newest.yml": group("  cancel-in-progress: true"),
  "here.txt": "as committed",
};

let built: BuiltCommand;
beforeAll(async () => {
  built = await BuiltCommand.build({ killed: "test/kill-anywhere/killed-command.ts" });
});
afterAll(() => built[Symbol.dispose]());

class Machine extends CommandSandbox {
  constructor() {
    super(built.program, FILES);
  }

  begin(file: string, mine: string, other = "", more: Parameters<CommandSandbox["startRun"]>[2] = {}): Command {
    return this.startRun(file, ["--ui", "stream", "--env", `MINE=${mine}`, "--env", `OTHER=${other}`], more);
  }

  inside(): readonly string[] {
    return readFileSync(join(this.root, "inside"), "utf8").trim().split("\n");
  }

  /** Nobody enters while another is inside, the dead one aside. */
  neverTwoInside(dead?: string): void {
    let inside: string | undefined;
    for (const line of this.inside()) {
      const [what, who] = line.split(" ");
      if (what === "enter") {
        expect([who, inside === undefined || inside === dead || inside === who]).toEqual([who, true]);
        inside = who;
      } else if (inside === who) inside = undefined;
    }
  }
}

describe.runIf(process.platform === "linux")("runs side by side", () => {
  test("two runs in one repository work at once, each in its own workspace", async () => {
    using machine = new Machine();
    const runs = [machine.begin("meet.yml", "one", "two"), machine.begin("meet.yml", "two", "one")];
    const ended = await Promise.all(runs.map((run) => run.ended));
    expect(ended).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
    for (const { output } of ended) expect(output).toContain("file: as committed");
    const listed = JSON.parse((await machine.run(["list", "--json"])).output);
    expect(listed).toMatchObject([{ conclusion: "success" }, { conclusion: "success" }]);
    expect(new Set(listed.map(({ id }: { readonly id: string }) => id)).size).toBe(2);
  });

  test("show, list and logs -f from another terminal reach a live run; logs -f has each line once", async () => {
    using machine = new Machine();
    const run = machine.begin("meet.yml", "one", "go");
    await machine.made("one", run);
    const follower = machine.start(["logs", "latest", "-f"]);
    await follower.prints("early 100");
    const view: RunView = JSON.parse((await machine.run(["show", "latest", "--json"])).output);
    expect(view).toMatchObject({ status: "in_progress", conclusion: null });
    expect(view.jobs[0]?.steps.find(({ id }) => id === "meet")).toMatchObject({ status: "in_progress", attempt: 1 });
    const [listed] = JSON.parse((await machine.run(["list", "--json"])).output);
    expect(listed).toMatchObject({ status: "in_progress" });
    expect((await machine.run(["resume", "latest"])).exitCode).toBe(2);
    expect((await machine.run(["rm", "latest"])).exitCode).toBe(2);
    machine.write("../go", "");
    expect((await run.ended).exitCode).toBe(0);
    const followed = await follower.ended;
    expect(followed.exitCode).toBe(0);
    for (const word of ["early", "late"])
      for (let n = 1; n <= 100; n += 1) expect(followed.output.match(new RegExp(`${word} ${n}$`, "gm"))).toHaveLength(1);
  });

  test("what a reader of --json missed, `show --events --from-seq` gives, without a gap or a repetition", async () => {
    using machine = new Machine();
    const run = machine.startRun("meet.yml", ["--json", "--env", "MINE=one", "--env", "OTHER=go"]);
    await machine.made("one", run);
    const early = eventsIn((await machine.run(["show", "latest", "--events"])).output);
    machine.write("../go", "");
    const all = eventsIn((await run.ended).output);
    const rest = eventsIn((await machine.run(["show", "latest", "--from-seq", String(early.length)])).output);
    expect([...early, ...rest]).toEqual(all);
  });

  test("logs -f ends when the run's process dies", async () => {
    using machine = new Machine();
    const run = machine.begin("meet.yml", "one", "never");
    await machine.made("one", run);
    const follower = machine.start(["logs", "latest", "-f"]);
    await follower.prints("early 100");
    await run.killed();
    expect((await follower.ended).signal).toBeNull();
  });

  test("--in-place: a second run is refused while the first one works in the tree", async () => {
    using machine = new Machine();
    const first = machine.startRun("meet.yml", ["--in-place", "--ui", "none", "--env", "MINE=one", "--env", "OTHER=go"]);
    await machine.made("one", first);
    const second = await machine.startRun("meet.yml", ["--in-place", "--ui", "none", "--env", "MINE=two", "--env", "OTHER=go"]).ended;
    expect([second.exitCode, second.errors]).toEqual([2, expect.stringContaining("in place")]);
    machine.write("../go", "");
    expect((await first.ended).exitCode).toBe(0);
  });
});

describe.runIf(process.platform === "linux")("concurrency groups between processes", () => {
  test("one runs, one waits, and a newer one takes the waiting place", async () => {
    using machine = new Machine();
    const first = machine.begin("one.yml", "first", "go");
    await machine.made("first", first);
    const second = machine.begin("one.yml", "second");
    await second.prints('Waits for the concurrency group "deploy"');
    const third = machine.begin("one.yml", "third");
    expect((await second.ended).exitCode).toBe(3);
    machine.write("../go", "");
    expect([(await first.ended).exitCode, (await third.ended).exitCode]).toEqual([0, 0]);
    expect(machine.inside()).toEqual(["enter first", "leave first", "enter third", "leave third"]);
  });

  test("cancel-in-progress: the newer one cancels the one that runs, in another process", async () => {
    using machine = new Machine();
    const first = machine.begin("newest.yml", "first", "never");
    await machine.made("first", first);
    const second = machine.begin("newest.yml", "second");
    expect([(await first.ended).exitCode, (await second.ended).exitCode]).toEqual([3, 0]);
    expect(machine.inside()).toEqual(["enter first", "enter second", "leave second"]);
  });

  test("queue: max keeps all of them, one at a time", async () => {
    using machine = new Machine();
    const runs = ["a", "b", "c", "d", "e"].map((name) => machine.begin("max.yml", name));
    const ended = await Promise.all(runs.map((run) => run.ended));
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    machine.neverTwoInside();
    expect(machine.inside()).toHaveLength(10);
  });

  test("steps of a holder that was killed are gone when the next one enters", async () => {
    using machine = new Machine();
    const first = machine.begin("max.yml", "first", "never");
    await machine.made("first", first);
    const alive = machine.processes().map(({ pid }) => pid);
    const second = machine.begin("max.yml", "second", "go");
    await second.prints('Waits for the concurrency group "deploy"');
    await first.killed();
    await machine.made("second", second);
    expect(alive.filter((pid) => isThere(pid))).toEqual([]);
    machine.write("../go", "");
    machine.write("../never", "");
    const ended = await second.ended;
    expect([ended.exitCode, ended.output]).toEqual([
      0,
      expect.stringMatching(/Took the concurrency group "deploy" from run \w+: its process/),
    ]);
    expect(await machine.run(["resume", "--ui", "none"])).toMatchObject({ exitCode: 0, errors: "" });
  });

  test("the holder is killed at every commit, taking and releasing included: the next one goes on, and so does its resume", {
    timeout: 300_000,
  }, async () => {
    const kills = ["before", "after"].flatMap((moment) => Array.from({ length: 18 }, (_unused, commit) => `${moment}:${commit + 1}`));
    const left = kills.values();
    const work = async (): Promise<void> => {
      for (const at of left) {
        using machine = new Machine();
        const doomed = machine.begin("max.yml", "doomed", "", { program: built.entry("killed"), environment: { DIE_AT: at } });
        const next = machine.begin("max.yml", "next");
        const [{ signal }, ended] = await Promise.all([doomed.ended, next.ended]);
        expect([at, ended.exitCode, ended.errors]).toEqual([at, 0, ""]);
        const interrupted = (await (await machine.sessions()).list()).find(({ status }) => status === "interrupted");
        if (signal === "SIGKILL" && interrupted !== undefined)
          expect([at, await machine.run(["resume", "--ui", "none"])]).toMatchObject([at, { exitCode: 0, errors: "" }]);
        machine.neverTwoInside("doomed");
        expect(machine.processes()).toEqual([]);
        const last = await machine.begin("max.yml", "last").ended;
        expect([at, last.exitCode]).toEqual([at, 0]);
      }
    };
    await Promise.all([work(), work()]);
  });
});
