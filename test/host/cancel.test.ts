// "Nothing survives a cancel": real processes, real signals (B10).

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createLocalHost } from "../../src/host/local-host.ts";
import { isZombie, readProcess, readProcessTable } from "../../src/host/process/process-table.ts";
import { openTestJob, runStep, type TestJob } from "./open-job.ts";

const fixtures = fileURLToPath(new URL("../fixtures/host", import.meta.url));
const SHORT = { interruptMs: 150, terminateMs: 100, killMs: 5_000 };

async function pidFrom(file: string): Promise<number> {
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
    if (text !== "") return Number(text);
    await pause(2);
  }
}

const isThere = (pid: number): boolean => {
  const entry = readProcess(pid);
  return entry !== undefined && !isZombie(entry);
};

/** Whatever of this process's children is not in our own session came from a step. */
function strangers(): readonly number[] {
  const table = readProcessTable();
  const own = table.find(({ pid }) => pid === process.pid)?.session;
  return table.filter((entry) => entry.parent === process.pid && entry.session !== own && !isZombie(entry)).map(({ pid }) => pid);
}

async function cancelWhen(job: TestJob, pidFile: string) {
  await job.prepare("one");
  const running = job.run("one");
  const pid = await pidFrom(pidFile);
  const { survivors } = await job.cancel("one");
  expect(survivors).toEqual([]);
  expect(isThere(pid)).toBe(false);
  expect(strangers()).toEqual([]);
  return running;
}

describe.runIf(process.platform === "linux")("nothing survives a cancel", () => {
  for (const shape of ["trap-interrupt.sh", "ignore-signals.sh", "escape.py", "fork-storm.sh", "wrapper.sh"]) {
    test(`B10: ${shape} is gone when the cancel ends`, async () => {
      await using host = createLocalHost({ graces: SHORT });
      const program = shape.endsWith(".py") ? "python3" : "bash";
      await using job = await openTestJob(host, [runStep("one", `${program} ${fixtures}/${shape} "$RUNNER_TEMP/pid"`)]);
      const result = await cancelWhen(job, join(job.directory, "temp", "pid"));
      expect(result).toMatchObject({ outcome: "cancelled", timedOut: false });
    });
  }

  test("B10: at the true graces a step that ends on SIGINT is gone at once", async () => {
    await using host = createLocalHost();
    await using job = await openTestJob(host, [runStep("one", `exec bash ${fixtures}/trap-interrupt.sh "$RUNNER_TEMP/pid"`)]);
    const before = performance.now();
    const result = await cancelWhen(job, join(job.directory, "temp", "pid"));
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(readFileSync(join(job.directory, result.log.file), "utf8")).toContain("tidied\n");
  });

  test("a cancel of one step leaves another one alone", async () => {
    await using host = createLocalHost({ graces: SHORT });
    await using job = await openTestJob(host, [
      runStep("one", `bash ${fixtures}/ignore-signals.sh "$RUNNER_TEMP/pid"`),
      runStep("two", 'setsid sh -c "echo \\$\\$ > $RUNNER_TEMP/pid2; exec sleep 600" & wait'),
    ]);
    await job.prepare("two");
    const two = job.run("two");
    const other = await pidFrom(join(job.directory, "temp", "pid2"));
    await job.prepare("one");
    const one = job.run("one");
    await pidFrom(join(job.directory, "temp", "pid"));
    expect(await job.cancel("one")).toEqual({ survivors: [] });
    expect((await one).outcome).toBe("cancelled");
    expect(isThere(other)).toBe(true);
    await job.cancel("two");
    expect((await two).outcome).toBe("cancelled");
    expect(isThere(other)).toBe(false);
  });

  test("what a step leaves behind lives until its job closes", async () => {
    await using host = createLocalHost({ drainMs: 20 });
    const job = await openTestJob(host, [runStep("one", 'sleep 600 & echo $! > "$RUNNER_TEMP/pid"')]);
    expect((await job.walk("one")).outcome).toBe("success");
    const pid = await pidFrom(join(job.directory, "temp", "pid"));
    expect(isThere(pid)).toBe(true);
    await job[Symbol.asyncDispose]();
    expect(isThere(pid)).toBe(false);
  });

  test("B3: a timeout is a failure that says so, and ends the step", async () => {
    await using host = createLocalHost({ graces: SHORT });
    await using job = await openTestJob(host, [runStep("one", "sleep 600", { timeoutMinutes: { kind: "number", value: 0.002 } })]);
    const result = await job.walk("one");
    expect(result).toMatchObject({ outcome: "failure", timedOut: true, message: expect.stringContaining("timed out after 0.002 minutes") });
  });
});
