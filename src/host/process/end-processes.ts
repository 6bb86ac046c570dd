// Ends everything that a finder finds: SIGINT, SIGTERM, SIGKILL, each with its grace, until two passes find nothing. What
// cannot be signalled or does not die is reported, never waited for without end.

import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import type { ProcessEntry } from "./process-table.ts";

export interface Graces {
  /** From SIGINT to SIGTERM. */
  readonly interruptMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number;
  /** From SIGKILL to giving up. */
  readonly killMs: number;
}

/** As on GitHub's runner; it gives up at once after SIGKILL. */
export const DEFAULT_GRACES: Graces = { interruptMs: 7_500, terminateMs: 2_500, killMs: 5_000 };

export interface Survivor {
  readonly pid: number;
  readonly reason: string;
}

export interface EndProcesses {
  readonly find: () => readonly ProcessEntry[];
  /** Signalled as a whole, and never member by member before SIGKILL. */
  readonly group?: number;
  readonly graces: Graces;
}

const FIRST_LOOK_MS = 2;
const LONGEST_LOOK_MS = 50;

export async function endProcesses(options: EndProcesses): Promise<readonly Survivor[]> {
  const { graces } = options;
  for (const [signal, graceMs] of [
    ["SIGINT", graces.interruptMs],
    ["SIGTERM", graces.terminateMs],
  ] as const) {
    if (graceMs <= 0) continue;
    const { found } = signalAll(options, signal);
    if (await areGoneWithin(options.find, graceMs, found === 0 ? 1 : 0)) return [];
  }
  return killAll(options);
}

/** SIGKILL, again and again: a fork storm makes new ones while the others die. */
async function killAll(options: EndProcesses): Promise<readonly Survivor[]> {
  const deadline = performance.now() + options.graces.killMs;
  let refused = new Map<number, string>();
  let emptyPasses = 0;
  for (;;) {
    ({ refused } = signalAll(options, "SIGKILL"));
    const found = options.find();
    emptyPasses = found.length === 0 ? emptyPasses + 1 : 0;
    if (emptyPasses === 2) return [];
    if (performance.now() >= deadline) return found.map((entry) => ({ pid: entry.pid, reason: reasonOf(entry, refused, options.graces) }));
    if (found.every((entry) => refused.has(entry.pid) || entry.state === "D")) await pause(LONGEST_LOOK_MS);
    else await nextTurn();
  }
}

function signalAll(
  { find, group }: EndProcesses,
  signal: NodeJS.Signals,
): { readonly found: number; readonly refused: Map<number, string> } {
  const refused = new Map<number, string>();
  const found = find();
  const isGroupThere = group !== undefined && found.some((entry) => entry.group === group);
  if (isGroupThere) send(-group, signal);
  for (const { pid, group: itsGroup } of found) {
    if (isGroupThere && itsGroup === group && signal !== "SIGKILL") continue;
    const problem = send(pid, signal);
    if (problem !== undefined) refused.set(pid, problem);
  }
  return { found: found.length, refused };
}

/** Undefined: sent, or there is nobody any more. */
function send(pid: number, signal: NodeJS.Signals): string | undefined {
  try {
    process.kill(pid, signal);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ESRCH") return undefined;
    return code === "EPERM" ? "it belongs to another user and cannot be signalled" : `it cannot be signalled (${String(code)})`;
  }
}

/** `emptyPasses`: of those that have just been made. */
async function areGoneWithin(find: EndProcesses["find"], graceMs: number, emptyPasses: number): Promise<boolean> {
  const deadline = performance.now() + graceMs;
  let lookMs = FIRST_LOOK_MS;
  for (let empty = emptyPasses; ; ) {
    empty = find().length === 0 ? empty + 1 : 0;
    if (empty === 2) return true;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    if (empty > 0) await nextTurn();
    else {
      await pause(Math.min(lookMs, leftMs));
      lookMs = Math.min(lookMs * 2, LONGEST_LOOK_MS);
    }
  }
}

function reasonOf(entry: ProcessEntry, refused: ReadonlyMap<number, string>, graces: Graces): string {
  const refusal = refused.get(entry.pid);
  if (refusal !== undefined) return refusal;
  return entry.state === "D"
    ? "it waits in the kernel and cannot be interrupted (state D)"
    : `it did not end within ${graces.killMs / 1000} s of SIGKILL`;
}
