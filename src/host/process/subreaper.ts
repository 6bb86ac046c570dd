// On Linux this process adopts the orphans of the steps that it starts, so that what escapes a step (double fork, setsid,
// emptied environment) stays its descendant. Node has no call for it: prctl and waitpid come through koffi, which takes
// about 10 ms to load, most of it while the first step runs. Where it cannot be loaded, orphans go to init and are found
// by session, group and marker only.

import { createRequire } from "node:module";
import type koffiModule from "koffi";

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;

interface Native {
  readonly waitpid: (pid: number, status: null, options: number) => number;
}

let native: Native | undefined;
let isTried = false;

/** Whether this process adopts orphans from now on. Repeated without effect. */
export function becomeSubreaper(): boolean {
  if (isTried || process.platform !== "linux") return native !== undefined;
  isTried = true;
  try {
    // koffi's types come with its module; `require` gives the same object.
    const koffi: typeof koffiModule = createRequire(import.meta.url)("koffi");
    const libc = koffi.load(null);
    const prctl = libc.func("int prctl(int option, ulong a, ulong b, ulong c, ulong d)");
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0) {
      native = { waitpid: libc.func("int waitpid(int pid, void *status, int options)") };
    }
  } catch {
    native = undefined;
  }
  return native !== undefined;
}

/** Takes a dead adopted process out of the table. Never call it for a child that Node waits for. */
export function reap(pid: number): void {
  native?.waitpid(pid, null, WNOHANG);
}
