// What is alive of a sandbox, seen from outside: by the environment that each of its processes was given. Read with code
// of its own, so that a fault in how the product finds processes is not repeated here.

import { readdirSync, readFileSync } from "node:fs";

export interface StepProcess {
  readonly pid: number;
  /** `<run>/<job>/<step>/<attempt>` */
  readonly marker: string | undefined;
}

/** Each process of a step has SANDBOX in its environment, by `--env`; the command itself has not. */
export function processesOf(sandbox: string): readonly StepProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const environment = readOr(`/proc/${name}/environ`).split("\0");
    if (!environment.includes(`SANDBOX=${sandbox}`) || !isThere(Number(name))) return [];
    const marker = environment.find((entry) => entry.startsWith("SIGNALBOX_STEP="))?.slice("SIGNALBOX_STEP=".length);
    return [{ pid: Number(name), marker }];
  });
}

/** Alive, and not a zombie that waits for its parent. */
export function isThere(pid: number): boolean {
  const stat = readOr(`/proc/${pid}/stat`);
  const state = stat.slice(stat.lastIndexOf(")") + 2)[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
