// A machine that will not do: a state directory that cannot be written or is no directory, a disk that fills up, a store
// that is damaged or newer. Each is told, ends with 5, and what was recorded is there afterwards.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox, type Ended, eventsIn } from "../command/command-sandbox.ts";
import { expectNoStack, expectRefusal } from "./clear-error.ts";

const NOBODY = 65_534;

const SHORT = `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo hi
`;

/** Two steps that end, and one that waits until it is released. */
const LONG = `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo "first $SIGNALBOX_STEP" >> "$LEDGER"
      - run: seq 1 2000
      - run: |
          echo waiting
          until test -e "$SANDBOX/go"; do sleep 0.1; done
      - run: echo "last $SIGNALBOX_STEP" >> "$LEDGER"
`;

/** Each step adds to what is kept. */
const CHATTY = `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
${[1, 2, 3, 4, 5, 6, 7, 8].map((step) => `      - run: echo "step ${step}" >> "$LEDGER"; seq 1 20000\n`).join("")}`;

let built: BuiltCommand;
let sandbox: CommandSandbox;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(() => built[Symbol.dispose]());
beforeEach(() => {
  sandbox = new CommandSandbox(built.program, { "short.yml": SHORT, "long.yml": LONG, "chatty.yml": CHATTY });
});
afterEach(() => {
  expect(sandbox.processes()).toEqual([]);
  sandbox[Symbol.dispose]();
});

describe("a state directory that cannot be used", () => {
  test("a file in its place", async () => {
    rmSync(sandbox.state, { recursive: true });
    writeFileSync(sandbox.state, "not a folder");
    for (const args of [["run", "short.yml"], ["list"], ["show", "latest"], ["resume"], ["prune", "--keep", "1"], ["rm", "latest"]]) {
      expectRefusal(await sandbox.run(args), 5, `The state directory ${sandbox.state}`, "a file and not a folder", "--state DIR");
    }
    const examined = await sandbox.run(["doctor"]);
    expectNoStack(examined);
    expect(examined).toMatchObject({ exitCode: 1, output: expect.stringMatching(/fail.*state directory.*a file is in its place/) });
    expect(readFileSync(sandbox.state, "utf8")).toBe("not a folder");
  });

  const asNobody = canBeNobody() ? test : test.skip;
  asNobody("one that this user may not write, and one that this user may not read", async () => {
    // The repository and the command are anybody's to read; the state directory is root's.
    chmodSync(sandbox.root, 0o755);
    chmodSync(built.folder, 0o755);
    const user = { uid: NOBODY };
    expectRefusal(
      await sandbox.run(["run", "short.yml"], user),
      5,
      `The state directory ${sandbox.state}`,
      "permission denied",
      "--state DIR",
    );
    expect(await sandbox.run(["list"], user)).toMatchObject({ exitCode: 0 });

    expect(await sandbox.run(["run", "short.yml"])).toMatchObject({ exitCode: 0 });
    for (const args of [["list"], ["show", "latest"], ["logs", "latest"], ["resume"], ["rm", "latest"]]) {
      expectRefusal(await sandbox.run(args, user), 5, "cannot be read: permission denied");
    }
    expect(await sandbox.latest()).toMatchObject({ status: "completed", conclusion: "success" });
  });
});

describe("a disk that fills up under a run", () => {
  test.each([16, 64, 200, 400, 1000])(
    "no file may pass %i KiB: a clear error, and the run goes on where there is room",
    async (fileKiB) => {
      const command = sandbox.startRun("chatty.yml", ["--json"], { through: ["bash", "-c", `ulimit -f ${fileKiB}; exec "$@"`, "bash"] });
      const ended = await command.ended;
      await expectGoesOn(ended);
    },
  );

  const mountsDisks = canMount() ? test : test.skip;
  mountsDisks("a small disk that is full", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=600k", "tmpfs", sandbox.state]);
    try {
      const ended = await sandbox.startRun("chatty.yml", ["--json"]).ended;
      expect(ended.exitCode).not.toBe(0);
      execFileSync("mount", ["-o", "remount,size=64m", sandbox.state]);
      await expectGoesOn(ended);
    } finally {
      execFileSync("umount", ["--lazy", sandbox.state]);
    }
  });

  /** Every step that was said to have ended is there, has run once, and the rest runs when there is room. */
  async function expectGoesOn(ended: Ended): Promise<void> {
    expectNoStack({ ...ended, output: "" });
    const told = eventsIn(ended.output.slice(0, ended.output.lastIndexOf("\n") + 1));
    const endedSteps = told.flatMap((event) => (event.type === "step.finished" ? [event.step] : []));
    const run = await sandbox.latest();
    if (run === undefined) {
      // Too early for there to be a run.
      expectRefusal(ended, 5, /disk|full|larger than the system allows/);
      return expect(endedSteps).toEqual([]);
    }
    if (run.status === "completed") return expect([ended.exitCode, run.conclusion]).toEqual([0, "success"]);
    expectRefusal(ended, 5, /disk|full|larger than the system allows/, ...(told.length === 0 ? [] : [`signalbox resume ${run.id}`]));
    expect(run.status).toBe("interrupted");
    const resumed = await sandbox.run(["resume", run.id]);
    expectNoStack(resumed);
    const steps = (await sandbox.view()).jobs.flatMap((job) => job.steps);
    expect(resumed).toMatchObject({ exitCode: 0, errors: "" });
    expect(steps.every(({ status, conclusion }) => status === "completed" && conclusion === "success")).toBe(true);
    for (const step of steps) if (endedSteps.includes(step.key)) expect(step.attempt).toBe(1);
  }
});

describe("a store that is not as it was left", () => {
  test.each<readonly [string, (store: string) => void]>([
    ["overwritten", (store) => writeFileSync(store, Buffer.alloc(statSync(store).size, 0x5a))],
    ["cut off in the middle", (store) => truncateSync(store, 6000)],
    [
      "a folder",
      (store) => {
        rmSync(store);
        mkdirSync(store);
      },
    ],
    ["gone", (store) => rmSync(store)],
  ])("%s: resume says so and leaves it", async (_, damage) => {
    const { id, store } = await interruptedRun();
    for (const file of [`${store}-wal`, `${store}-shm`]) rmSync(file, { force: true });
    damage(store);
    expectRefusal(await sandbox.run(["resume"]), 5, "store.db", /damaged|corrupt|unable to open|is not there/);
    expectRefusal(await sandbox.run(["cancel", id]), 5, "store.db");
    expectNoStack(await sandbox.run(["show", id]));
    // The others of the repository are not touched by it, and it can be removed.
    expect(await sandbox.run(["run", "short.yml"])).toMatchObject({ exitCode: 0 });
    expect(await sandbox.run(["list"])).toMatchObject({ exitCode: 0, output: expect.stringContaining(id) });
    expect(await sandbox.run(["rm", id])).toMatchObject({ exitCode: 0 });
  });

  test("written by a newer version: refused as it is, and resumed where that version is", async () => {
    const { id, store } = await interruptedRun();
    const change = (sql: string) => {
      const database = new DatabaseSync(store);
      database.exec(sql);
      database.close();
    };
    change("INSERT INTO schema_version VALUES (9999)");
    expectRefusal(await sandbox.run(["resume", id]), 5, "store.db", "has schema 9999", "Use the newer version that wrote it");
    change("DELETE FROM schema_version WHERE version = 9999");
    writeFileSync(join(sandbox.root, "go"), "");
    expect(await sandbox.run(["resume", id])).toMatchObject({ exitCode: 0 });
    expect(sandbox.ledger()).toHaveLength(2);
  });

  /** A run that was killed in its third step, with a closed store. */
  async function interruptedRun(): Promise<{ readonly id: string; readonly store: string }> {
    const running = sandbox.startRun("long.yml", ["--ui", "stream"]);
    await running.prints("waiting\n");
    await running.killed();
    const run = await sandbox.latest();
    for (const { pid } of sandbox.processes()) process.kill(pid, "SIGKILL");
    const store = join(run?.directory ?? "", "store.db");
    // What the killed process had committed goes from the log into the file itself.
    const database = new DatabaseSync(store);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    return { id: run?.id ?? "", store };
  }
});

function canBeNobody(): boolean {
  if (process.getuid?.() !== 0) return leftOut("a state directory of another user", "only root can be another user");
  const { status } = spawnSync(process.execPath, ["--version"], { uid: NOBODY, gid: NOBODY, cwd: "/" });
  return status === 0 || leftOut("a state directory of another user", "another user cannot start this Node");
}

function canMount(): boolean {
  const { status } = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
  return status === 0 || leftOut("a small disk that is full", "this machine does not let us mount one");
}

function leftOut(name: string, why: string): false {
  process.stderr.write(`left out: ${name}: ${why}\n`);
  return false;
}
