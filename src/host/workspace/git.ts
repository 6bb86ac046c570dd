// Runs git on the user's repository: never writes into it, never asks, and is not misled by the variables that git sets
// for its hooks (a run that is started from a hook would otherwise work on the hook's index).

import { spawn } from "node:child_process";
import { SignalboxError } from "../../model/errors.ts";

/** What `git rev-parse --local-env-vars` names: they point git at one repository. */
const LOCAL_VARIABLES = [
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_CONFIG",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_PARAMETERS",
  "GIT_DIR",
  "GIT_GRAFT_FILE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_INTERNAL_SUPER_PREFIX",
  "GIT_NAMESPACE",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_QUARANTINE_PATH",
  "GIT_REPLACE_REF_BASE",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
];

/** Read-only towards the repository: no daemon, no shared index, no hook, no background maintenance. */
const SETTINGS = ["core.fsmonitor=false", "core.splitIndex=false", "core.hooksPath=/dev/null", "core.safecrlf=false", "gc.auto=0"];

export interface GitCall {
  readonly cwd: string;
  readonly environment?: { readonly [name: string]: string };
  readonly input?: string;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

let localEnvironment: NodeJS.ProcessEnv | undefined;

function gitEnvironment(): NodeJS.ProcessEnv {
  if (localEnvironment === undefined) {
    localEnvironment = { ...process.env, LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0" };
    for (const name of LOCAL_VARIABLES) delete localEnvironment[name];
  }
  return localEnvironment;
}

/** Any exit code is a result. */
export function tryGit(args: readonly string[], call: GitCall): Promise<GitResult> {
  const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
  return new Promise((resolve, reject) => {
    const child = spawn("git", [...settings, ...args], {
      cwd: call.cwd,
      env: { ...gitEnvironment(), ...call.environment },
      stdio: [call.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (bytes: Buffer) => stdout.push(bytes));
    child.stderr?.on("data", (bytes: Buffer) => stderr.push(bytes));
    child.once("error", (cause) => reject(cannotStart(call.cwd, cause)));
    child.once("close", (code) => resolve({ code: code ?? -1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }));
    // git may leave without reading it all; its exit code tells.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(call.input);
  });
}

/** Fails with git's own words. */
export async function git(args: readonly string[], call: GitCall): Promise<Buffer> {
  const result = await tryGit(args, call);
  if (result.code !== 0) throw gitFailed(args, call.cwd, result);
  return result.stdout;
}

export function gitFailed(args: readonly string[], cwd: string, result: GitResult): SignalboxError {
  const reason = result.stderr.trim() || `exit code ${result.code}`;
  return new SignalboxError("FAILED_PRECONDITION", `git ${args[0] ?? ""} failed in ${cwd}: ${reason}`);
}

function cannotStart(cwd: string, cause: Error): SignalboxError {
  const isMissing = "code" in cause && cause.code === "ENOENT";
  const message = isMissing
    ? `git was not found, or ${cwd} is gone. Install git and see that it is on the PATH.`
    : `git cannot be started: ${cause.message}`;
  return new SignalboxError("UNSUPPORTED", message, { cause });
}
