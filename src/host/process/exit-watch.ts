// Waits for children that Node does not know: at each SIGCHLD it asks for each of them. Node's own children are not
// touched, and a signal that stands for several children loses none.

import type { Libc } from "./libc.ts";
import type { ProcessEnd } from "./spawned-process.ts";

const WNOHANG = 1;
/** A timer that never matters holds the event loop open while somebody waits. */
const FOREVER_MS = 2 ** 31 - 1;

export interface ExitWatch {
  watch(pid: number): { readonly ended: Promise<ProcessEnd>; readonly forget: () => void };
}

export function exitWatch(libc: Libc, signals: { readonly [name: string]: number }): ExitWatch {
  const waitpid: (pid: number, status: [number | null], options: number) => number = libc.func(
    "int waitpid(int pid, _Out_ int *status, int options)",
  );
  const names = new Map(Object.entries(signals).map(([name, number]) => [number, name]));
  const watched = new Map<number, (end: ProcessEnd) => void>();
  /** Those that somebody waits for: the others may outlive this process. */
  const awaited = new Set<number>();
  const hold = setInterval(() => undefined, FOREVER_MS).unref();
  const forget = (pid: number): void => {
    awaited.delete(pid);
    if (awaited.size === 0) hold.unref();
  };
  process.on("SIGCHLD", () => {
    for (const [pid, settle] of watched) {
      const status: [number | null] = [null];
      if (waitpid(pid, status, WNOHANG) === 0) continue;
      watched.delete(pid);
      forget(pid);
      settle(endOf(status[0] ?? 0, names));
    }
  });
  return {
    watch(pid) {
      const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
      watched.set(pid, resolve);
      awaited.add(pid);
      hold.ref();
      return { ended: promise, forget: () => forget(pid) };
    },
  };
}

/** As the kernel writes it: the signal in the low seven bits, or the exit code above them. */
function endOf(status: number, names: ReadonlyMap<number, string>): ProcessEnd {
  const number = status & 0x7f;
  if (number === 0) return { exitCode: (status >> 8) & 0xff };
  return { signal: names.get(number) ?? `SIG${number}` };
}
