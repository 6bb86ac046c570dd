// Names a process so that a later one with the same pid is never mistaken for it: a pid alone is reused, a pid with its
// start time in this boot of the machine is not. A zombie has ended, whatever its entry says: it only waits to be reaped.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in the system's own words; compared, never read. */
  readonly startedAt: string;
}

/** The identity of a living process; undefined if there is none of that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? startOnLinux(pid) : startElsewhere(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

let own: ProcessIdentity | undefined;
export function ownIdentity(): ProcessIdentity {
  own ??= identify(process.pid) ?? { pid: process.pid, startedAt: "unknown" };
  return own;
}

let bootId: string | undefined;

function startOnLinux(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The program's name stands in parentheses and may itself hold spaces and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[19]];
  if (state === "Z" || state === "X" || start === undefined) return undefined;
  bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
  return `${start}.${bootId}`;
}

function startElsewhere(pid: number): string | undefined {
  try {
    const listed = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [state, ...start] = listed.trim().split(/\s+/);
    return state === undefined || state === "" || state.startsWith("Z") ? undefined : start.join(" ");
  } catch {
    return undefined;
  }
}
