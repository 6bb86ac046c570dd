// A host is killed at a chosen moment; what recover says of the step agrees with what the step itself did.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createLocalHost } from "../../src/host/local-host.ts";
import { isZombie, readProcess } from "../../src/host/process/process-table.ts";
import { runMark } from "../../src/host/run-mark.ts";
import type { OpenJob } from "../../src/model/host-port.ts";
import { openTestJob, runStep, text } from "./open-job.ts";

const program = fileURLToPath(new URL("../fixtures/host/host-process.ts", import.meta.url));

interface Killed extends Disposable {
  readonly directory: string;
  readonly request: OpenJob;
}

/** Runs the script at a host that is killed when `until` holds. */
async function killWhen(script: string, until: (seen: { directory: string; output: string }) => boolean, shell?: string): Promise<Killed> {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-recover-"));
  const request: OpenJob = {
    runId: `run-${directory.slice(-6)}`,
    job: "build",
    directories: { run: directory, workspace: join(directory, "work"), temp: join(directory, "temp"), toolCache: join(directory, "tools") },
    inPlace: false,
    baseEnvironment: { PATH: process.env["PATH"] ?? "" },
    contexts: {},
    workflowDefaults: {},
    jobDefaults: {},
    steps: [runStep("one", script, shell === undefined ? {} : { shell: text(shell) })],
    secrets: [],
    sealedMasks: [],
    sealKey: Buffer.alloc(32).toString("base64"),
    actionFolders: {},
  };
  const child = spawn(process.execPath, [program, JSON.stringify({ request, step: "one" })], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => (output += bytes.toString()));
  while (!until({ directory, output })) await pause(1);
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
  return { directory, request, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

async function recover({ request, directory }: Killed) {
  await using host = createLocalHost();
  return host.recover({ runId: request.runId, runDirectory: directory });
}

const COUNTED = 'echo x >> "$RUNNER_TEMP/runs"';
const runs = ({ directory }: { directory: string }): number => {
  const file = join(directory, "temp", "runs");
  return existsSync(file) ? readFileSync(file, "utf8").length / 2 : 0;
};

describe("recover", () => {
  for (const shell of [undefined, "bash", "sh", "bash -x {0}"]) {
    test(`an attempt that had begun is interrupted, and nothing of it is alive (${shell ?? "default shell"})`, async () => {
      const script = `${COUNTED}; sleep 600 & echo $! > "$RUNNER_TEMP/pid"; sleep 600`;
      const hasBegun = ({ directory }: { directory: string }) =>
        existsSync(join(directory, "temp", "pid")) && existsSync(join(directory, "logs", "build", "one.1.log"));
      using killed = await killWhen(script, hasBegun, shell);
      const left = await recover(killed);
      expect(left).toEqual({
        ended: [],
        interrupted: [{ job: "build", step: "one", attempt: 1, killed: expect.any(Number), log: expect.any(Object) }],
      });
      expect(left.interrupted[0]?.log?.file).toBe("logs/build/one.1.log");
      expect(left.interrupted[0]?.killed).toBeGreaterThanOrEqual(2);
      expect(runs(killed)).toBe(1);
      const entry = readProcess(Number(readFileSync(join(killed.directory, "temp", "pid"), "utf8")));
      expect(entry === undefined || isZombie(entry)).toBe(true);
    });
  }

  test("an end that is in the spool is an end, whatever the engine has heard", async () => {
    using killed = await killWhen(`${COUNTED}; echo "v=1" >> $GITHUB_OUTPUT`, ({ output }) => output.includes("ended"));
    const left = await recover(killed);
    expect(left.interrupted).toEqual([]);
    expect(left.ended).toMatchObject([{ job: "build", step: "one", result: { attempt: 1, outcome: "success", outputs: { v: "1" } } }]);
  });

  test("B4: a mask of an attempt that was killed holds for everything that the job runs after it", async () => {
    const script =
      'echo "::add-mask::s3cret-token"; echo "seen"; until grep -qsx seen "$RUNNER_TEMP/../logs/build/one.1.log"; do :; done; echo > "$RUNNER_TEMP/go"; sleep 600';
    using killed = await killWhen(script, ({ directory }) => existsSync(join(directory, "temp", "go")));
    await recover(killed);
    await using host = createLocalHost();
    await host.openJob({ ...killed.request, steps: [runStep("two", "echo the s3cret-token")] });
    const at = { position: 0, from: 0, published: [], jobStatus: "success" as const };
    const result = await host.runStep({ ...killed.request, step: "two", at, attempt: 1 }, () => undefined);
    expect(readFileSync(join(killed.directory, result.log.file), "utf8")).toContain("\nthe ***\n");
    expect(readFileSync(join(killed.directory, "spool", "build", "one.1.masks"), "utf8")).not.toContain("s3cret");
    await host.closeJob(killed.request);
  });

  test("a run that has the same id in another directory is another run: nothing of it is ended", async () => {
    await using host = createLocalHost();
    await using job = await openTestJob(host, [runStep("one", 'echo "$$" > "$RUNNER_TEMP/pid"; exec sleep 600')]);
    const running = job.walk("one").catch(() => undefined);
    const pidFile = join(job.directory, "temp", "pid");
    while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") await pause(1);
    const other = mkdtempSync(join(tmpdir(), "signalbox-recover-"));
    await using newcomer = createLocalHost();
    expect(await newcomer.recover({ runId: job.request.runId, runDirectory: other })).toEqual({ ended: [], interrupted: [] });
    expect(readProcess(Number(readFileSync(pidFile, "utf8")))).toBeDefined();
    rmSync(other, { recursive: true });
    await job.cancel("one");
    await running;
  });

  test("at whatever moment the host is killed, attempts that count and executions agree", async () => {
    for (let delay = 0; delay < 12; delay++) {
      let opened: number | undefined;
      using killed = await killWhen(COUNTED, ({ directory }) => {
        if (existsSync(join(directory, "spool", "build"))) opened ??= performance.now();
        return opened !== undefined && performance.now() - opened >= delay * 2;
      });
      const left = await recover(killed);
      const counted = left.ended.length + left.interrupted.length;
      // Begun and killed before its first line: it counts, and has done nothing.
      expect(runs(killed)).toBeLessThanOrEqual(counted);
      await pause(5);
      expect(runs(killed)).toBeLessThanOrEqual(counted);
      expect(
        existsSync(join("/dev/shm", `signalbox-${process.getuid?.() ?? 0}`, "scripts", runMark(killed.request.runId, killed.directory))),
      ).toBe(false);
    }
  });
});
