// A server, its readiness step, a kill, and a resume under each policy; and a resume a day later.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { type Command, CommandSandbox, stepIn } from "../command/command-sandbox.ts";

let built: BuiltCommand;
beforeAll(async () => {
  built = await BuiltCommand.build({ killed: "test/kill-anywhere/killed-command.ts" });
});
afterAll(() => built[Symbol.dispose]());

/** The server answers on a FIFO beside the workspace; it needs a file that a step before it has made. */
const SERVER = `on: push
jobs:
  serve:
    runs-on: ubuntu-latest
    timeout-minutes: 2
    env:
      # A server that was killed may still be a zombie, which has no environment.
      SERVES: '[ -e serving ] && grep -qs /server/ "/proc/$(cat serving)/environ"'
    steps:
      - id: make
        name: make
        run: |
          echo "$SIGNALBOX_STEP" >> "$LEDGER"
          echo made >> made
      - id: server
        name: server
        background: true
        timeout-minutes: 1
        run: |
          echo "$SIGNALBOX_STEP" >> "$LEDGER"
          test "$(cat made)" = made
          rm -f asks answers; mkfifo asks answers
          echo $$ > serving
          while read -r line < asks; do echo "answer to $line from $$" > answers; done
      - id: ready
        name: ready
        run: |
          echo "$SIGNALBOX_STEP" >> "$LEDGER"
          until \${{ env.SERVES }}; do sleep 0.005; done
      - id: test
        name: test
        timeout-minutes: 1
        run: |
          echo "$SIGNALBOX_STEP" >> "$LEDGER"
          until \${{ env.SERVES }}; do sleep 0.005; done
          if [ ! -e "$SANDBOX/go" ]; then echo > "$SANDBOX/waits"; sleep 600; fi
          echo ping > asks
          read -r answer < answers; echo "$answer" | sed 's/[0-9]*$//'
      - id: stop
        cancel: server
      - id: always
        name: always
        if: always()
        run: |
          echo "$SIGNALBOX_STEP" >> "$LEDGER"
          echo "server \${{ steps.server.conclusion }}, test \${{ steps.test.conclusion }}"
`;

class ServerRun extends CommandSandbox {
  constructor() {
    super(built.program, { "server.yml": SERVER });
  }

  async killedInTest(): Promise<void> {
    const command = this.startRun("server.yml", ["--ui", "none"]);
    await this.made("waits", command);
    expect((await command.killed()).signal).toBe("SIGKILL");
    this.write("../go", "");
  }

  /** How often each step has executed: its attempts, a job that starts over counted on. */
  executions(): { readonly [step: string]: number } {
    const count: { [step: string]: number } = {};
    for (const line of this.ledger()) {
      const step = line.split("/")[2] ?? "";
      count[step] = (count[step] ?? 0) + 1;
    }
    return count;
  }

  async log(id: string): Promise<string> {
    const { output } = await this.run(["logs", "latest", "--step", id]);
    return output;
  }
}

describe.runIf(process.platform === "linux")("a server, its readiness step, a kill", () => {
  test("rerun: the server begins again first, the resume names what ran beside it, and the test goes on", async () => {
    using run = new ServerRun();
    await run.killedInTest();
    expect(run.processes().length).toBeGreaterThan(1);
    const resumed = await run.run(["resume", "--json"]);
    expect(resumed).toMatchObject({ exitCode: 0, errors: "" });
    expect(run.executions()).toEqual({ make: 1, server: 2, ready: 1, test: 2, always: 1 });
    const view = await run.view();
    expect([stepIn(view, "server"), stepIn(view, "test")]).toMatchObject([
      { attempt: 2, conclusion: "cancelled" },
      { attempt: 2, conclusion: "success" },
    ]);
    expect(await run.log("test")).toContain("answer to ping from ");
    expect(resumed.output).toContain('The background step \\"server\\" begins again first.');
    expect(resumed.output).toMatch(/not repeated: (make, )?ready/);
    expect(run.processes()).toEqual([]);
  });

  test("rerun-job: the whole job starts over in a fresh workspace", async () => {
    using run = new ServerRun();
    await run.killedInTest();
    expect(await run.run(["resume", "--ui", "none", "--on-interrupt", "rerun-job"])).toMatchObject({ exitCode: 0, errors: "" });
    // The server needs a file with one line: a second one in the same workspace would have failed it.
    expect(run.executions()).toEqual({ make: 2, server: 2, ready: 2, test: 2, always: 1 });
    expect((await run.view()).conclusion).toBe("success");
    expect(run.processes()).toEqual([]);
  });

  test("fail: what was interrupted has failed, what must run runs, and nothing is attempted again", async () => {
    using run = new ServerRun();
    await run.killedInTest();
    expect(await run.run(["resume", "--ui", "none", "--on-interrupt", "fail"])).toMatchObject({ exitCode: 1 });
    expect(run.executions()).toEqual({ make: 1, server: 1, ready: 1, test: 1, always: 1 });
    expect(await run.log("always")).toContain("server failure, test failure");
    expect(stepIn(await run.view(), "test").message).toContain("interrupted in attempt 1");
    expect(await run.log("test")).toContain("sleep 600");
    expect(run.processes()).toEqual([]);
  });

  test("the policy of the run holds where the resume gives none", async () => {
    using run = new ServerRun();
    const command = run.startRun("server.yml", ["--ui", "none", "--on-interrupt", "fail"]);
    await run.made("waits", command);
    await command.killed();
    expect(await run.run(["resume", "--ui", "none"])).toMatchObject({ exitCode: 1 });
    expect(run.executions()).toEqual({ make: 1, server: 1, ready: 1, test: 1, always: 1 });
  });

  test("killed three times in the same step, and resumed: each attempt counts", async () => {
    using run = new ServerRun();
    const again = async (command: Command): Promise<void> => {
      await run.made("waits", command);
      await command.killed();
      run.remove("waits");
    };
    await again(run.startRun("server.yml", ["--ui", "none"]));
    for (let kill = 0; kill < 2; kill += 1) await again(run.start(["resume", "--ui", "none"]));
    run.write("../go", "");
    expect(await run.run(["resume", "--ui", "none"])).toMatchObject({ exitCode: 0, errors: "" });
    expect(run.executions()).toEqual({ make: 1, server: 4, ready: 1, test: 4, always: 1 });
  });

  test("a resume a day later does not time out: a new attempt has a fresh clock, the job's stood still", async () => {
    using run = new ServerRun();
    await run.killedInTest();
    const environment = { CLOCK_AHEAD_MS: String(24 * 3_600_000) };
    const resumed = await run.run(["resume", "--ui", "none"], { program: built.entry("killed"), environment });
    expect(resumed).toMatchObject({ exitCode: 0, errors: "" });
    const view = await run.view();
    expect(Date.parse(stepIn(view, "test").endedAt ?? "") - Date.parse(stepIn(view, "make").endedAt ?? "")).toBeGreaterThan(23 * 3_600_000);
  });

  test("the job's timeout counts the time in which the run was owned, over several processes", async () => {
    using run = new CommandSandbox(built.program, {
      "slow.yml":
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 0.02\n    steps:\n      - run: echo > $SANDBOX/waits; sleep 600\n",
    });
    const command = run.startRun("slow.yml", ["--ui", "none"]);
    await run.made("waits", command);
    await command.killed();
    const environment = { CLOCK_AHEAD_MS: String(24 * 3_600_000) };
    expect((await run.run(["resume", "--ui", "none"], { program: built.entry("killed"), environment })).exitCode).toBe(1);
    const [job] = (await run.view()).jobs;
    expect(job).toMatchObject({ conclusion: expect.stringMatching(/failure|timed_out|cancelled/) });
    expect(job?.steps.at(-1)?.attempt).toBe(2);
  });
});
