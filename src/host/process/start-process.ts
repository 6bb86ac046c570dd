// A step's process: a session and process group of its own, closed stdin, and its output as bytes. It has ended when it
// has exited and its streams are at their end, or a moment after its exit where something that it left behind holds them.

import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { posixSpawn } from "./posix-spawn.ts";
import type { ProcessEnd, SpawnedProcess, SpawnOptions } from "./spawned-process.ts";

export interface StartProcess extends SpawnOptions {
  readonly onStdout: (bytes: Buffer) => void;
  readonly onStderr: (bytes: Buffer) => void;
  /** How long output is still read after the exit, if somebody else holds the streams. */
  readonly drainMs: number;
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
  const spawned = posixSpawn(options) ?? nodeSpawn(options);
  return "reason" in spawned ? spawned : { kind: "started", process: follow(spawned, options) };
}

function follow(spawned: SpawnedProcess, { onStdout, onStderr, drainMs }: StartProcess): StartedProcess {
  const { pid, stdout, stderr, exit } = spawned;
  const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
  const open = new Set([stdout, stderr]);
  let end: ProcessEnd | undefined;
  let drain: NodeJS.Timeout | undefined;
  const finish = (): void => {
    clearTimeout(drain);
    if (end === undefined || open.size > 0) release(spawned);
    resolve(end ?? {});
  };
  const isOver = (stream: Readable): void => {
    open.delete(stream);
    if (open.size === 0 && end !== undefined) finish();
  };
  stdout.on("data", onStdout);
  stderr.on("data", onStderr);
  for (const stream of [stdout, stderr]) stream.once("end", () => isOver(stream)).on("error", () => isOver(stream));
  void exit.then((ended) => {
    end = ended;
    if (open.size === 0) finish();
    // Streams are at their end in the next moment, as a rule: a timer is armed for those that are not.
    else drain = setTimeout(finish, drainMs);
  });
  return { pid, isAlive: () => end === undefined, ended: promise, abandon: finish };
}

function nodeSpawn({ command, args, cwd, env }: SpawnOptions): SpawnedProcess | Extract<StartResult, { kind: "refused" }> {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const { pid, stdout, stderr } = child;
  if (pid === undefined) return { kind: "refused", reason: new Promise((resolve) => child.once("error", resolve)) };
  child.on("error", () => undefined);
  const exit = new Promise<ProcessEnd>((resolve) => {
    child.once("exit", (code, signal) => resolve({ ...(code === null ? {} : { exitCode: code }), ...(signal === null ? {} : { signal }) }));
  });
  return { pid, stdout, stderr, exit, forget: () => child.unref() };
}

/** Who still writes is read and not listened to: a closed pipe would kill a server that the step left behind. */
function release({ stdout, stderr, forget }: SpawnedProcess): void {
  for (const stream of [stdout, stderr]) {
    stream.removeAllListeners("data").resume();
    if ("unref" in stream && typeof stream.unref === "function") stream.unref();
  }
  forget();
}
