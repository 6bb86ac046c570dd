// A step's process: a session and process group of its own, closed stdin, and its output as bytes. It has ended when it
// has exited and its streams are at their end, or a moment after its exit where something that it left behind holds them.

import { type ChildProcess, spawn } from "node:child_process";

export interface StartProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  readonly onStdout: (bytes: Buffer) => void;
  readonly onStderr: (bytes: Buffer) => void;
  /** How long output is still read after the exit, if somebody else holds the streams. */
  readonly drainMs: number;
}

export interface ProcessEnd {
  readonly exitCode?: number;
  readonly signal?: string;
}

export interface StartedProcess {
  readonly pid: number;
  readonly isAlive: () => boolean;
  readonly ended: Promise<ProcessEnd>;
  /** Ends the wait for streams: nobody is there to write any more, or nobody can be ended. */
  readonly abandon: () => void;
}

/** Undefined with the reason: nothing was started. */
export type StartResult =
  | { readonly kind: "started"; readonly process: StartedProcess }
  | { readonly kind: "refused"; readonly reason: Promise<Error> };

export function startProcess(options: StartProcess): StartResult {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) return { kind: "refused", reason: new Promise((resolve) => child.once("error", resolve)) };
  child.stdout.on("data", options.onStdout);
  child.stderr.on("data", options.onStderr);
  const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
  let drain: NodeJS.Timeout | undefined;
  const finish = (): void => {
    clearTimeout(drain);
    if (child.exitCode === null && child.signalCode === null) release(child);
    else if (!child.stdout.readableEnded || !child.stderr.readableEnded) release(child);
    resolve({
      ...(child.exitCode === null ? {} : { exitCode: child.exitCode }),
      ...(child.signalCode === null ? {} : { signal: child.signalCode }),
    });
  };
  child.on("error", () => undefined);
  child.once("close", finish);
  child.once("exit", () => {
    // Streams are at their end in the next moment, as a rule: a timer is armed for those that are not.
    if (!child.stdout.readableEnded || !child.stderr.readableEnded) drain = setTimeout(finish, options.drainMs);
  });
  return {
    kind: "started",
    process: { pid, isAlive: () => child.exitCode === null && child.signalCode === null, ended: promise, abandon: finish },
  };
}

/** Who still writes is read and not listened to: a closed pipe would kill a server that the step left behind. */
function release(child: ChildProcess): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    stream.removeAllListeners("data").resume();
    if ("unref" in stream && typeof stream.unref === "function") stream.unref();
  }
  child.unref();
}
