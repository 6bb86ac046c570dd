import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./node-program.ts", import.meta.url));

/** A node in a process of its own, ready; killed with its test at the latest. */
export class NodeProcess implements AsyncDisposable {
  readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  static async start(url: string, schema: string, ...mode: readonly string[]): Promise<NodeProcess> {
    const child = spawn(process.execPath, [PROGRAM, url, schema, ...mode], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit").then(() => Promise.reject(new Error("the node ended before it was ready")));
    await Promise.race([once(child.stdout ?? child, "data"), ended]);
    ended.catch(() => undefined);
    return new NodeProcess(child);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, "exit");
    this.child.kill(signal);
    await exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
