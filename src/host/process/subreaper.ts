// On Linux this process adopts the orphans of the steps that it starts, so that what escapes a step (double fork, setsid,
// emptied environment) stays its descendant. Where the C library cannot be called, orphans go to init and are found by
// session, group and marker only.

import { loadLibc } from "./libc.ts";

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;

type Reap = (pid: number, status: null, options: number) => number;

let waitpid: Reap | undefined;
let isTried = false;

/** Whether this process adopts orphans from now on. Repeated without effect. */
export function becomeSubreaper(): boolean {
  if (isTried) return waitpid !== undefined;
  isTried = true;
  const libc = loadLibc();
  const prctl = libc?.func("int prctl(int option, ulong a, ulong b, ulong c, ulong d)");
  if (prctl?.(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0) waitpid = libc?.func("int waitpid(int pid, void *status, int options)");
  return waitpid !== undefined;
}

/** Takes a dead adopted process out of the table. Never call it for a child that somebody waits for. */
export function reap(pid: number): void {
  waitpid?.(pid, null, WNOHANG);
}
