// Workflow files with real processes: the front end, the engine on a memory store, and the host of this process with
// short graces. Barriers are FIFOs and files in $BARRIERS.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadExpressions } from "../../src/expressions/official-packages.ts";
import { createLocalHost } from "../../src/host/local-host.ts";
import type { Host } from "../../src/model/host-port.ts";
import type { StepView } from "../../src/model/run-view.ts";
import { createJobExpressions } from "../../src/workflow/actions/job-expressions.ts";
import { planWorkflow } from "../../src/workflow/actions/plan-workflow.ts";
import type { WorkflowOutcome } from "../../src/workflow/run/records.ts";
import { RunBench, type RunBenchOptions } from "../workflow-runs/run-bench.ts";

export class FileRun implements AsyncDisposable {
  readonly directory: string;
  readonly bench: RunBench;
  readonly #host: Host;

  private constructor(directory: string, bench: RunBench, host: Host) {
    this.directory = directory;
    this.bench = bench;
    this.#host = host;
  }

  /** `steps` is the YAML of one job's steps. */
  static async open(steps: string, options: Partial<RunBenchOptions> = {}): Promise<FileRun> {
    const directory = mkdtempSync(join(tmpdir(), "signalbox-background-"));
    using unfinished = new DisposableStack();
    unfinished.defer(() => rmSync(directory, { recursive: true, force: true }));
    for (const folder of ["barriers", "logs", "spool", "work"]) mkdirSync(join(directory, folder));
    const text = `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env:\n      BARRIERS: ${directory}/barriers\n    steps:\n${indent(steps)}`;
    const { plan, diagnostics } = await planWorkflow({ file: "test.yml", text });
    const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
    if (plan === undefined || errors.length > 0) throw new Error(errors.join("\n"));
    await loadExpressions();
    const host = options.host ?? createLocalHost({ graces: { interruptMs: 400, terminateMs: 400, killMs: 2_000 }, drainMs: 500 });
    const bench = await RunBench.open({
      plan,
      expressions: createJobExpressions({
        machine: { platform: "linux", arch: process.arch },
        actionFolders: options.options?.actionFolders ?? {},
      }),
      baseEnvironment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: directory },
      ...options,
      host,
      opening: (job) => ({
        directories: {
          run: directory,
          workspace: join(directory, "work", job),
          temp: join(directory, "temp", job),
          toolCache: join(directory, "tools"),
        },
        contexts: { github: { ref: "refs/heads/main", job: "a" }, job: { status: "success" }, runner: { os: "Linux" } },
        sealKey: randomBytes(32).toString("base64"),
      }),
    });
    unfinished.move();
    return new FileRun(directory, bench, host);
  }

  static async run(steps: string, options: Partial<RunBenchOptions> = {}): Promise<FileRun & { readonly outcome: WorkflowOutcome }> {
    const run = await FileRun.open(steps, options);
    try {
      return Object.assign(run, { outcome: await run.bench.run() });
    } catch (error) {
      await run[Symbol.asyncDispose]();
      throw error;
    }
  }

  step(key: string): StepView {
    const found = this.bench.view().jobs[0]?.steps.find((step) => step.key === key);
    if (found === undefined) throw new Error(`there is no step ${key}`);
    return found;
  }

  /** What a step printed, without the head that shows its script. */
  printed(key: string): string {
    const { log } = this.step(key);
    const text = log === null ? "" : readFileSync(join(this.directory, log.file), "utf8");
    return text.slice(text.indexOf("##[endgroup]\n") + "##[endgroup]\n".length);
  }

  /** What the engine printed for a control step. */
  lines(key: string): readonly string[] {
    return this.bench.events.flatMap((event) => (event.type === "step.log" && event.step === key ? [event.text] : []));
  }

  /** A FIFO: `read < $BARRIERS/name` in a step waits for `open` here. */
  barrier(name: string): { readonly open: () => void } {
    const path = join(this.directory, "barriers", name);
    execFileSync("mkfifo", [path]);
    return { open: () => writeFileSync(path, "\n") };
  }

  /** Resolves when a step has made the file `$BARRIERS/name`. */
  async made(name: string): Promise<string> {
    const folder = join(this.directory, "barriers");
    const path = join(folder, name);
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = watch(folder, () => existsSync(path) && resolve());
    if (existsSync(path)) resolve();
    await promise;
    watcher.close();
    return readFileSync(path, "utf8").trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#host[Symbol.asyncDispose]();
      await this.bench[Symbol.asyncDispose]();
    } finally {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}

const indent = (text: string): string =>
  text
    .replaceAll(/^\n|\s+$/g, "")
    .split("\n")
    .map((line) => `      ${line}`)
    .join("\n");

/** A zombie is dead: only its parent has not asked yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/stat") || !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
