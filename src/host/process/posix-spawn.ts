// Starts a process on Linux without a copy of this one. Node forks, which copies the tables of all its memory: 0.3 ms for an
// idle process, 7 µs more for each megabyte, and as much again in faults afterwards. posix_spawn borrows the memory until
// the program is loaded: 0.1 ms whatever the size. Its streams are pipes and not sockets, so that a script can open
// /dev/stdout and /dev/stderr by name.

import { Socket } from "node:net";
import { constants } from "node:os";
import { type ExitWatch, exitWatch } from "./exit-watch.ts";
import { type Libc, loadLibc } from "./libc.ts";
import type { SpawnedProcess, SpawnOptions } from "./spawned-process.ts";

// The same numbers in glibc and musl, on all machines that Node 24 runs on.
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
const O_CLOEXEC = 0o2000000;
const O_RDONLY = 0;

/** More than either library needs for the structures that it keeps there. */
const ATTRIBUTES_BYTES = 512;
const ACTIONS_BYTES = 256;
const SIGNAL_SET_BYTES = 128;

interface Calls {
  readonly spawn: (pid: [number | null], path: string, actions: Buffer, attributes: Buffer, argv: CStrings, envp: CStrings) => number;
  readonly initActions: (actions: Buffer) => number;
  readonly addOpen: (actions: Buffer, descriptor: number, path: string, flags: number, mode: number) => number;
  readonly addDup2: (actions: Buffer, from: number, to: number) => number;
  readonly addChdir: (actions: Buffer, path: string) => number;
  readonly destroyActions: (actions: Buffer) => number;
  readonly pipe2: (descriptors: Int32Array, flags: number) => number;
  readonly close: (descriptor: number) => number;
  /** A session of its own, no signal ignored or blocked. */
  readonly attributes: Buffer;
  readonly exits: ExitWatch;
}

type CStrings = readonly (string | null)[];

let calls: Calls | undefined;
let isTried = false;

/** Undefined: Node's own spawn must try, and say what is wrong. */
export function posixSpawn(options: SpawnOptions): SpawnedProcess | undefined {
  if (!isTried) {
    isTried = true;
    calls = declareCalls();
  }
  if (calls === undefined || !options.command.includes("/")) return undefined;
  const argv = [options.command, ...options.args];
  const envp = environmentTexts(options.env);
  // C ends a text there; Node refuses it.
  if (envp === undefined || options.cwd.includes("\0") || argv.some((text) => text.includes("\0"))) return undefined;
  const stdout = openPipe(calls);
  const stderr = openPipe(calls);
  const pid = stdout && stderr ? spawnOnto(calls, { ...options, argv, envp }, stdout.write, stderr.write) : undefined;
  for (const pipe of [stdout, stderr]) if (pipe) calls.close(pipe.write);
  if (pid === undefined || stdout === undefined || stderr === undefined) {
    for (const pipe of [stdout, stderr]) if (pipe) calls.close(pipe.read);
    return undefined;
  }
  const exit = calls.exits.watch(pid);
  return { pid, stdout: reader(stdout.read), stderr: reader(stderr.read), exit: exit.ended, forget: exit.forget };
}

/** Undefined: a NUL is in it. In a loop, which takes a quarter of the time of a chain of calls. */
function environmentTexts(env: SpawnOptions["env"]): readonly string[] | undefined {
  const texts: string[] = [];
  for (const name of Object.keys(env)) {
    const value = env[name] ?? "";
    if (name.includes("\0") || value.includes("\0")) return undefined;
    texts.push(`${name}=${value}`);
  }
  return texts;
}

interface Program extends SpawnOptions {
  readonly argv: readonly string[];
  readonly envp: readonly string[];
}

function spawnOnto(c: Calls, { command, cwd, argv, envp }: Program, stdout: number, stderr: number): number | undefined {
  const actions = Buffer.alloc(ACTIONS_BYTES);
  if (c.initActions(actions) !== 0) return undefined;
  try {
    const isReady =
      c.addOpen(actions, 0, "/dev/null", O_RDONLY, 0) === 0 &&
      c.addDup2(actions, stdout, 1) === 0 &&
      c.addDup2(actions, stderr, 2) === 0 &&
      c.addChdir(actions, cwd) === 0;
    const pid: [number | null] = [null];
    if (!isReady || c.spawn(pid, command, actions, c.attributes, [...argv, null], [...envp, null]) !== 0) return undefined;
    return pid[0] ?? undefined;
  } finally {
    c.destroyActions(actions);
  }
}

function openPipe(c: Calls): { readonly read: number; readonly write: number } | undefined {
  const descriptors = new Int32Array(2);
  if (c.pipe2(descriptors, O_CLOEXEC) !== 0) return undefined;
  const [read = -1, write = -1] = descriptors;
  return { read, write };
}

function reader(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

/** Undefined: a library without one of them, such as a glibc older than 2.29. */
function declareCalls(): Calls | undefined {
  const libc = loadLibc();
  if (libc === undefined) return undefined;
  try {
    return {
      spawn: libc.func(
        "int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **envp)",
      ),
      initActions: libc.func("int posix_spawn_file_actions_init(void *actions)"),
      addOpen: libc.func("int posix_spawn_file_actions_addopen(void *actions, int descriptor, const char *path, int flags, int mode)"),
      addDup2: libc.func("int posix_spawn_file_actions_adddup2(void *actions, int from, int to)"),
      addChdir: libc.func("int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)"),
      destroyActions: libc.func("int posix_spawn_file_actions_destroy(void *actions)"),
      pipe2: libc.func("int pipe2(void *descriptors, int flags)"),
      close: libc.func("int close(int descriptor)"),
      attributes: makeAttributes(libc),
      exits: exitWatch(libc, constants.signals),
    };
  } catch {
    return undefined;
  }
}

function makeAttributes(libc: Libc): Buffer {
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  const flags = SETSID | SETSIGDEF | SETSIGMASK;
  const results = [
    libc.func("int posix_spawnattr_init(void *attributes)")(attributes),
    libc.func("int posix_spawnattr_setflags(void *attributes, short flags)")(attributes, flags),
    libc.func("int posix_spawnattr_setsigdefault(void *attributes, void *signals)")(attributes, Buffer.alloc(SIGNAL_SET_BYTES, 0xff)),
    libc.func("int posix_spawnattr_setsigmask(void *attributes, void *signals)")(attributes, Buffer.alloc(SIGNAL_SET_BYTES)),
  ];
  if (results.some((result) => result !== 0)) throw new Error("posix_spawn takes no attributes here");
  return attributes;
}
