import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** A program of this folder in a process of its own. */
export interface TestProcess extends AsyncDisposable {
  /** Its first line. */
  readonly said: string;
  readonly exited: Promise<void>;
  /** As `kill -9` does it; resolves when it is gone. */
  kill(): Promise<void>;
}

export async function startProcess(program: string, ...args: readonly string[]): Promise<TestProcess> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").then(() => {});
  const said = await firstLine(child, exited, program);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return { said, exited, kill, [Symbol.asyncDispose]: kill };
}

function firstLine(child: ChildProcessByStdio<null, Readable, null>, exited: Promise<void>, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once("error", reject);
    void exited.then(() => reject(new Error(`${program} ended before it said anything.`)));
  });
}
