// A program of the tests in a process of its own, which says by its first line of output that it is ready. It ends with its
// input or by a signal to its own pid.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export class ChildProgram implements AsyncDisposable {
  /** Its first line of output. */
  readonly ready: Promise<string>;
  readonly ended: Promise<void>;
  errors = "";
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #heard: () => void = () => undefined;
  #isOver = false;

  /** The file stands beside this one; `configuration` becomes its only argument. */
  constructor(file: string, configuration: object) {
    const program = fileURLToPath(new URL(file, import.meta.url));
    const child = spawn(process.execPath, [program, JSON.stringify(configuration)], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    // It may be killed while something is written to it.
    child.stdin.on("error", () => undefined);
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#heard();
    });
    this.ended = once(child, "close").then(() => {
      this.#isOver = true;
      this.#heard();
    });
    this.ready = this.line(() => true);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The first line that fits, of those that were printed and of those to come. */
  async line(fits: (line: string) => boolean): Promise<string> {
    for (;;) {
      const line = this.#lines.find(fits);
      if (line !== undefined) return line;
      if (this.#isOver) throw new Error(`The program ended before that:\n${this.#lines.join("\n")}\n${this.errors}`);
      await new Promise<void>((resolve) => {
        const before = this.#heard;
        this.#heard = () => {
          before();
          resolve();
        };
      });
    }
  }

  /** A line for the program. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** It stands still until the answer is called. */
  freeze(): () => void {
    this.#child.kill("SIGSTOP");
    return () => void this.#child.kill("SIGCONT");
  }

  /** Ends it in good order. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
