// Nothing survives a cancel, and each way of stopping a run ends it as it should: the real command, real signals, and
// processes that do not want to go. What the host alone proves about these shapes is in test/host.

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { type Command, CommandSandbox, stepIn } from "../command/command-sandbox.ts";
import { isThere } from "../command/step-processes.ts";

const host = fileURLToPath(new URL("../fixtures/host", import.meta.url));
const own = fileURLToPath(new URL("shapes", import.meta.url));

/** Each writes the pid of the process that matters, and perhaps a port, to the file that it is given. */
const SHAPES: { readonly [name: string]: string } = {
  trap: `bash ${host}/trap-interrupt.sh "$PID_FILE"`,
  ignore: `bash ${host}/ignore-signals.sh "$PID_FILE"`,
  escape: `python3 ${host}/escape.py "$PID_FILE"`,
  storm: `bash ${host}/fork-storm.sh "$PID_FILE"`,
  npm: `sh -c "sh -c 'node ${own}/port-server.mjs $PID_FILE; :'; :"`,
};
const NAMES = Object.keys(SHAPES);

/** Succeeds if the shape is gone: by pid, a zombie aside, and by what stands in the environment of all that it started. */
const GONE = `
          pid=$(cut -d" " -f1 "$SANDBOX/$SHAPE.pid")
          if [ -e /proc/$pid ] && ! grep -q "^State:.[ZX]" /proc/$pid/status; then echo "$SHAPE is there: $pid"; exit 1; fi
          if grep -lzqs "^SHAPE_OF=$SANDBOX/$SHAPE$" /proc/[0-9]*/environ; then echo "something of $SHAPE is there"; exit 1; fi`;

const CANCELLED = `on: push
jobs:
${NAMES.map(
  (name) => `  ${name}:
    runs-on: ubuntu-latest
    env:
      SHAPE: ${name}
    steps:
      - id: ${name}
        background: true
        env:
          SHAPE_OF: \${{ env.SANDBOX }}
        run: |
          export SHAPE_OF="$SANDBOX/$SHAPE" PID_FILE="$SANDBOX/$SHAPE.pid"
          exec ${SHAPES[name]}
      - run: until [ -s "$SANDBOX/$SHAPE.pid" ]; do sleep 0.01; done
      - cancel: ${name}
      - name: gone
        run: |${GONE}
      - run: test "\${{ steps.${name}.conclusion }}" = cancelled
`,
).join("")}`;

/** Everything at once in one job; a foreground step that waits for ever, a step that always runs, and a post step. */
const STOPPED = `on: push
jobs:
  all:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./actions/tidy
${NAMES.map(
  (name) => `      - id: ${name}
        background: true
        run: |
          echo "$SIGNALBOX_STEP" >> "$LEDGER"
          export SHAPE_OF="$SANDBOX/${name}" PID_FILE="$SANDBOX/${name}.pid"
          exec ${SHAPES[name]}
`,
).join("")}      - id: waits
        name: waits
        run: |
          for name in ${NAMES.join(" ")}; do until [ -s "$SANDBOX/$name.pid" ]; do sleep 0.01; done; done
          echo >> $SANDBOX/all-there
          if [ ! -e $SANDBOX/go ]; then sleep 600; fi
          while found=$(grep -lzs "^SHAPE_OF=$SANDBOX/" /proc/[0-9]*/environ | cut -d/ -f3) && [ -n "$found" ]; do kill -9 $found || :; done
      - name: after
        run: echo after >> $SANDBOX/ran
      - name: always
        if: always()
        run: echo always >> $SANDBOX/ran
`;

/** Steps that go at the first signal: for tests of what comes after. */
const QUICK = `on: push
jobs:
  all:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./actions/tidy
      - id: server
        background: true
        run: sleep 600
      - id: waits
        run: |
          echo >> $SANDBOX/all-there
          if [ ! -e $SANDBOX/go ]; then sleep 600; fi
      - cancel: server
      - run: echo after >> $SANDBOX/ran
      - if: always()
        run: |
          echo always >> $SANDBOX/ran
          if [ -e $SANDBOX/hold ]; then echo > $SANDBOX/holds; sleep 600; fi
`;

/** Post steps run when no background step is left: this one looks. */
const POST = `import { appendFileSync, readdirSync, readFileSync } from "node:fs";
const { SANDBOX } = process.env;
const environment = (pid) => {
  try {
    return readFileSync("/proc/" + pid + "/environ", "latin1");
  } catch {
    return "";
  }
};
const left = readdirSync("/proc").filter((pid) => /^[0-9]+$/.test(pid) && environment(pid).includes("SHAPE_OF=" + SANDBOX));
appendFileSync(SANDBOX + "/ran", left.length === 0 ? "post\\n" : "post beside " + left + "\\n");
`;

const FILES = {
  "cancelled.yml": CANCELLED,
  "stopped.yml": STOPPED,
  "quick.yml": QUICK,
  "actions/tidy/action.yml": "name: tidy\nruns:\n  using: node24\n  main: main.mjs\n  post: post.mjs\n",
  "actions/tidy/main.mjs": "",
  "actions/tidy/post.mjs": POST,
};

let built: BuiltCommand;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(() => built[Symbol.dispose]());

class StopSandbox extends CommandSandbox {
  constructor() {
    super(built.program, FILES);
  }

  /** The run, once everything in it is there. */
  async underWay(file: string): Promise<Command> {
    const command = this.startRun(file, ["--ui", "stream"]);
    await this.made("all-there", command);
    return command;
  }

  /** No shape has begun a second time, only to be ended. */
  onlyCancelled(): void {
    expect(
      this.ledger()
        .map((marker) => marker.split("/").slice(2).join("/"))
        .toSorted(),
    ).toEqual(NAMES.map((name) => `${name}/1`).toSorted());
  }

  ran(): string {
    return existsSync(join(this.root, "ran")) ? readFileSync(join(this.root, "ran"), "utf8") : "";
  }

  /** Nothing of the shapes is alive, by pid and by environment, and the port of the server is free. */
  async isClean(): Promise<void> {
    expect(this.processes()).toEqual([]);
    for (const name of NAMES) {
      const file = join(this.root, `${name}.pid`);
      if (!existsSync(file)) continue;
      const [pid, port] = readFileSync(file, "utf8").trim().split(" ").map(Number);
      expect([name, pid, isThere(pid ?? 0)]).toEqual([name, pid, false]);
      if (port !== undefined) await isFree(port);
    }
  }
}

function isFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve()));
  });
}

const took = async (work: () => Promise<unknown>): Promise<number> => {
  const before = performance.now();
  await work();
  return performance.now() - before;
};

describe.runIf(process.platform === "linux").concurrent("nothing survives a cancel", { timeout: 180_000 }, () => {
  test("B10: a cancel step has ended every shape when it ends, and its job goes on", async () => {
    using sandbox = new StopSandbox();
    let ended: Awaited<Command["ended"]> | undefined;
    const elapsedMs = await took(async () => {
      ended = await sandbox.startRun("cancelled.yml", ["--ui", "stream", "--max-jobs", "5"]).ended;
    });
    expect([ended?.exitCode, ended?.output]).toEqual([0, expect.any(String)]);
    const view = await sandbox.view();
    for (const name of NAMES) expect([name, stepIn(view, name).conclusion]).toEqual([name, "cancelled"]);
    // SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL.
    expect(elapsedMs).toBeLessThan(20_000);
    await sandbox.isClean();
  });

  test("a terminal's Ctrl-C cancels in order: always() steps run, post steps when all has gone, exit 3", async () => {
    using sandbox = new StopSandbox();
    const command = await sandbox.underWay("stopped.yml");
    command.kill("SIGINT");
    await command.prints("Cancelling: always() and post steps still run");
    const { exitCode, output } = await command.ended;
    expect([exitCode, output]).toEqual([3, expect.stringContaining("cancelled")]);
    expect(sandbox.ran()).toBe("always\npost\n");
    expect((await sandbox.view()).conclusion).toBe("cancelled");
    await sandbox.isClean();
  });

  test("the second Ctrl-C kills the steps and leaves at once, exit 130; resume finishes the cancellation", async () => {
    using sandbox = new StopSandbox();
    const command = await sandbox.underWay("stopped.yml");
    command.kill("SIGINT");
    await command.prints("Cancelling");
    const elapsedMs = await took(async () => {
      command.kill("SIGINT");
      expect((await command.ended).exitCode).toBe(130);
    });
    expect(elapsedMs).toBeLessThan(5_000);
    await sandbox.isClean();
    expect([sandbox.ran(), (await sandbox.latest())?.status]).toEqual(["", "interrupted"]);
    const resumed = await sandbox.run(["resume", "--ui", "none"]);
    expect([resumed.exitCode, resumed.errors]).toEqual([3, ""]);
    expect(sandbox.ran()).toBe("always\npost\n");
    sandbox.onlyCancelled();
    expect((await sandbox.view()).conclusion).toBe("cancelled");
    for (const name of NAMES) expect(stepIn(await sandbox.view(), name)).toMatchObject({ attempt: 1, conclusion: "cancelled" });
    await sandbox.isClean();
  });

  test("SIGHUP ends the steps without cancelling: interrupted, and a resume goes on from the step", async () => {
    using sandbox = new StopSandbox();
    const command = await sandbox.underWay("stopped.yml");
    command.kill("SIGHUP");
    expect((await command.ended).exitCode).toBe(130);
    await sandbox.isClean();
    expect([sandbox.ran(), (await sandbox.latest())?.status]).toEqual(["", "interrupted"]);
    for (const name of NAMES) sandbox.remove(`${name}.pid`);
    sandbox.write("../go", "");
    const resumed = await sandbox.run(["resume", "--ui", "none"]);
    // The shapes were killed by the step that waited for them, so they have failed; the run was not cancelled.
    expect([resumed.exitCode, resumed.errors]).toEqual([1, ""]);
    expect(sandbox.ran()).toBe("after\nalways\npost\n");
    await sandbox.isClean();
  });

  test("`cancel` on an interrupted run opens it, ends what is left, runs what must run, and concludes cancelled", async () => {
    using sandbox = new StopSandbox();
    const command = await sandbox.underWay("stopped.yml");
    await command.killed();
    // With the host that had adopted it gone, nothing names this one any more: a limit, and not left to the machine.
    process.kill(Number(readFileSync(join(sandbox.root, "escape.pid"), "utf8")), "SIGKILL");
    expect(sandbox.processes().length).toBeGreaterThan(NAMES.length);
    const cancelled = await sandbox.run(["cancel", "latest"]);
    expect([cancelled.exitCode, cancelled.errors]).toEqual([0, ""]);
    expect(sandbox.ran()).toBe("always\npost\n");
    sandbox.onlyCancelled();
    expect((await sandbox.view()).conclusion).toBe("cancelled");
    for (const name of NAMES) expect(stepIn(await sandbox.view(), name)).toMatchObject({ attempt: 1, conclusion: "cancelled" });
    expect(sandbox.processes()).toEqual([]);
    expect((await sandbox.run(["cancel", "latest"])).exitCode).toBe(2);
  });
});

describe.runIf(process.platform === "linux").concurrent("ways to stop", () => {
  test("SIGTERM cancels as the first Ctrl-C does", async () => {
    using sandbox = new StopSandbox();
    const command = await sandbox.underWay("quick.yml");
    command.kill("SIGTERM");
    expect((await command.ended).exitCode).toBe(3);
    expect(sandbox.ran()).toBe("always\npost\n");
    expect(sandbox.processes()).toEqual([]);
  });

  test("`cancel` from another terminal reaches the live run, which ends with 3", async () => {
    using sandbox = new StopSandbox();
    const command = await sandbox.underWay("quick.yml");
    const cancel = await sandbox.run(["cancel", "latest"]);
    expect([cancel.exitCode, cancel.output]).toEqual([0, expect.stringContaining("was asked to cancel")]);
    expect((await command.ended).exitCode).toBe(3);
    expect(sandbox.ran()).toBe("always\npost\n");
  });

  test("a second Ctrl-C while an always() step runs: the resume finishes the cancellation with that step", async () => {
    using sandbox = new StopSandbox();
    sandbox.write("../hold", "");
    const command = await sandbox.underWay("quick.yml");
    command.kill("SIGINT");
    await sandbox.made("holds", command);
    command.kill("SIGINT");
    expect((await command.ended).exitCode).toBe(130);
    expect(sandbox.processes()).toEqual([]);
    sandbox.remove("hold");
    expect((await sandbox.run(["resume", "--ui", "none"])).exitCode).toBe(3);
    expect(sandbox.ran()).toBe("always\nalways\npost\n");
  });

  test("`cancel` on a run that was killed in an always() step runs that step again: it must run", async () => {
    using sandbox = new StopSandbox();
    sandbox.write("../hold", "");
    sandbox.write("../go", "");
    const command = sandbox.startRun("quick.yml", ["--ui", "none"]);
    await sandbox.made("holds", command);
    await command.killed();
    sandbox.remove("hold");
    expect((await sandbox.run(["cancel", "latest"])).exitCode).toBe(0);
    expect(sandbox.ran()).toBe("after\nalways\nalways\npost\n");
    expect((await sandbox.view()).conclusion).toBe("cancelled");
  });

  test("a kill -9 right after the cancel was recorded: the resume finishes the cancellation", async () => {
    using sandbox = new StopSandbox();
    sandbox.write("../hold", "");
    const command = await sandbox.underWay("quick.yml");
    command.kill("SIGINT");
    await sandbox.made("holds", command);
    await command.killed();
    sandbox.remove("hold");
    expect((await sandbox.run(["resume", "--ui", "none"])).exitCode).toBe(3);
    expect(sandbox.ran()).toBe("always\nalways\npost\n");
    expect(sandbox.processes()).toEqual([]);
  });

  test("after an interruption `rerun` starts anew", async () => {
    using sandbox = new StopSandbox();
    const command = await sandbox.underWay("quick.yml");
    command.kill("SIGHUP");
    expect((await command.ended).exitCode).toBe(130);
    sandbox.write("../go", "");
    expect((await sandbox.run(["rerun", "latest", "--ui", "none"])).exitCode).toBe(0);
    expect(sandbox.ran()).toBe("after\nalways\npost\n");
  });

  test("--json tells an interruption by what is missing, and the resume goes on counting", async () => {
    using sandbox = new StopSandbox();
    const command = sandbox.startRun("quick.yml", ["--json"]);
    await sandbox.made("all-there", command);
    command.kill("SIGHUP");
    const { output } = await command.ended;
    expect(output).not.toContain('"run.finished"');
    sandbox.write("../go", "");
    const resumed = await sandbox.run(["resume", "--json"]);
    const seqs = [...output.trim().split("\n"), ...resumed.output.trim().split("\n")].map((line) => JSON.parse(line).seq);
    expect(seqs).toEqual(seqs.map((_seq, index) => index));
    expect(resumed.output.trim().split("\n").at(-1)).toContain('"run.finished"');
  });
});
