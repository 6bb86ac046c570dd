// The machine's processes. On Linux read from /proc; elsewhere from ps, which knows no more than it prints.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** One letter; Z is a zombie, D cannot be interrupted. */
  readonly state: string;
  /** On Linux ticks since boot, elsewhere 0: with the pid it names one process for ever. */
  readonly startedAt: number;
}

export const isZombie = (entry: ProcessEntry): boolean => entry.state === "Z" || entry.state === "X";

/** Ticks of /proc/PID/stat in a second: fixed in the kernel's interface. */
const TICKS_PER_SECOND = 100;

export function readProcessTable(): readonly ProcessEntry[] {
  if (process.platform !== "linux") return readPs().map(({ entry }) => entry);
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    const first = name.charCodeAt(0);
    if (first < 48 || first > 57) continue;
    const entry = readProcess(Number(name));
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** Undefined: it is gone. Linux only. */
export function readProcess(pid: number): ProcessEntry | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name stands in parentheses and may hold any character, parentheses too: fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0] ?? "X",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startedAt: Number(fields[19]),
  };
}

let bootOffsetMs: number | undefined;

/** A moment ago, as `startedAt` counts: nothing that starts from now on is below it. Time in suspension only widens that. */
export function nowInTicks(): number {
  if (process.platform !== "linux") return 0;
  bootOffsetMs ??= Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1_000 - performance.now();
  return Math.floor(((bootOffsetMs + performance.now()) / 1_000) * TICKS_PER_SECOND) - 2;
}

/** A variable of the process's first environment; undefined also where it may not be read. */
export function readEnvironmentVariable(pid: number, name: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  let environment: string;
  try {
    environment = readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return undefined;
  }
  const prefix = `${name}=`;
  const at = environment.startsWith(prefix) ? 0 : environment.indexOf(`\0${prefix}`) + 1;
  if (at === 0 && !environment.startsWith(prefix)) return undefined;
  const end = environment.indexOf("\0", at);
  return environment.slice(at + prefix.length, end < 0 ? undefined : end);
}

/** All processes that carry the variable, with its value. */
export function findByVariable(name: string): readonly { readonly entry: ProcessEntry; readonly value: string }[] {
  if (process.platform === "linux") {
    return readProcessTable().flatMap((entry) => {
      const value = isZombie(entry) ? undefined : readEnvironmentVariable(entry.pid, name);
      return value === undefined ? [] : [{ entry, value }];
    });
  }
  return readPs().flatMap(({ entry, command }) => {
    const value = new RegExp(`(?:^| )${name}=(\\S*)`).exec(command)?.[1];
    return value === undefined ? [] : [{ entry, value }];
  });
}

/** `E` appends the environment to the command of processes of the same user. */
function readPs(): readonly { readonly entry: ProcessEntry; readonly command: string }[] {
  const text = execFileSync("ps", ["-axEww", "-o", "pid=,ppid=,pgid=,stat=,command="], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return text.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null) return [];
    const [, pid, parent, group, stat, command = ""] = match;
    const entry = { pid: Number(pid), parent: Number(parent), group: Number(group), session: 0, state: stat?.[0] ?? "?", startedAt: 0 };
    return [{ entry, command }];
  });
}
