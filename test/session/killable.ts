// A run in a process of its own, followed by what it prints, killed without a warning.

import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { StartRequest } from "../../src/cli/session/session.ts";
import type { StreamedEvent } from "../../src/model/run-view.ts";
import type { Sandbox } from "./sandbox.ts";

const PROGRAM = fileURLToPath(new URL("fixtures/run-workflow.ts", import.meta.url));

export class Killable implements AsyncDisposable {
  output = "";
  errors = "";
  readonly #child: ChildProcess;
  readonly #events: StreamedEvent[] = [];
  readonly #exit: Promise<unknown>;
  #heard: () => void = () => {};
  #hasEnded = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = new Promise((resolve) => child.once("close", resolve));
    child.once("close", () => {
      this.#hasEnded = true;
      this.#heard();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    if (child.stdout === null) throw new Error("the process has no output");
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.output += `${line}\n`;
      this.#events.push(JSON.parse(line));
      this.#heard();
    });
  }

  /** `fileKiB`: no file may become larger, as on a full disk. */
  static async start(sandbox: Sandbox, { source, ...rest }: StartRequest, fileKiB?: number): Promise<Killable> {
    const request = join(sandbox.root, "request.json");
    writeFileSync(request, JSON.stringify({ ...rest, source: Buffer.from(source).toString("base64") }));
    const limit = fileKiB === undefined ? "" : `ulimit -f ${fileKiB}; `;
    const command = [process.execPath, PROGRAM, sandbox.state, sandbox.repository, request];
    const child = spawn("bash", ["-c", `${limit}exec "$@"`, "bash", ...command], {
      env: { ...sandbox.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new Killable(child);
  }

  /** Waits for an event; answers the run's id. */
  async until(fits: (event: StreamedEvent) => boolean): Promise<string> {
    while (!this.#events.some(fits)) {
      if (this.#hasEnded) throw new Error(`the run ended before that:\n${this.output}${this.errors}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    const [started] = this.#events;
    if (started === undefined || !("runId" in started)) throw new Error("the stream does not begin with the run");
    return started.runId;
  }

  /** Of its own accord. */
  async ended(): Promise<number | null> {
    await this.#exit;
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
