// Starts the owner fixture as a real process, under the shell where a limit is to be set, and reads its lines.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const FIXTURE = fileURLToPath(new URL("./owner.fixture.ts", import.meta.url));

export interface Owner extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly stderr: () => string;
  /** Kills it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>;
  /** Waits for its end by itself. */
  ended(): Promise<number | null>;
}

export function startOwner(parameters: readonly string[], shellPrefix = ""): Owner {
  const child = spawn("bash", ["-c", `${shellPrefix} exec "$0" "$@"`, process.execPath, FIXTURE, ...parameters], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = "";
  child.stderr.on("data", (bytes) => {
    stderr += String(bytes);
  });
  const exit = once(child, "close");
  const ended = async (): Promise<number | null> => {
    await exit;
    return child.exitCode;
  };
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exit;
  };
  return { process: child, lines, stderr: () => stderr, kill, ended, [Symbol.asyncDispose]: kill };
}
