// After a crash of the engine: ends what is alive of a run, and tells of each step whether its last attempt ended, began,
// or never did. The scripts' folder is gone before: a process that was on its way can no longer begin.

import { statSync } from "node:fs";
import { join } from "node:path";
import type { InterruptedAttempt, Leftovers } from "../model/host-port.ts";
import { endProcesses } from "./process/end-processes.ts";
import { findByVariable, isZombie, nowInTicks, type ProcessEntry, readProcessTable } from "./process/process-table.ts";
import { MARKER } from "./process/step-processes.ts";
import { attemptLogFile } from "./step/attempt-log-file.ts";
import { Spool, type SpooledAttempt, type SpooledLeader } from "./step/spool.ts";

/** The engine did not end in order, so its steps are given little time: a resume must not wait for them. */
const GRACES = { interruptMs: 0, terminateMs: 200, killMs: 5_000 };

export async function recoverRun(request: { readonly runMark: string; readonly runDirectory: string }): Promise<Leftovers> {
  const spool = new Spool(request.runDirectory);
  const before = spool.read();
  const leaders = new Map(before.flatMap((attempt) => attempt.leaders.map((leader) => [leader.pid, { ...attempt, leader }])));
  const killed = new Map<string, Set<number>>();
  const find = (): readonly ProcessEntry[] => {
    const found = findOfRun(request.runMark, leaders);
    for (const { entry, step } of found) {
      const pids = killed.get(step) ?? new Set();
      killed.set(step, pids.add(entry.pid));
    }
    return found.map(({ entry }) => entry);
  };
  await endProcesses({ find, graces: GRACES });
  const after = spool.read();
  const ended = after.flatMap(({ job, step, result }) => (result === undefined ? [] : [{ job, step, result }]));
  const interrupted = new Map<string, InterruptedAttempt>();
  for (const { job, step, attempt, result, isKnown } of after) {
    if (result === undefined && isKnown === undefined) interrupted.set(`${job}/${step}/${attempt}`, { job, step, attempt, killed: 0 });
  }
  for (const [key, pids] of killed) {
    const [job = "", step = "", number = ""] = key.split("/");
    const attempt = Number(number);
    // What was alive has begun, with or without evidence; what an ended or earlier attempt left behind is no attempt.
    const isOver = (known: SpooledAttempt): boolean => known.attempt > attempt || known.result !== undefined || known.isKnown === true;
    if (after.some((known) => known.job === job && known.step === step && isOver(known))) continue;
    interrupted.set(key, { job, step, attempt, killed: pids.size });
  }
  return { ended, interrupted: [...interrupted.values()].map((attempt) => ({ ...attempt, ...logOf(attempt, request.runDirectory) })) };
}

function logOf({ job, step, attempt }: InterruptedAttempt, runDirectory: string): Pick<InterruptedAttempt, "log"> {
  const file = attemptLogFile(job, step, attempt);
  const stats = statSync(join(runDirectory, file), { throwIfNoEntry: false });
  return stats === undefined ? {} : { log: { file, bytes: stats.size } };
}

type Began = SpooledAttempt & { readonly leader: SpooledLeader };

interface Found {
  readonly entry: ProcessEntry;
  /** `<job>/<step>/<attempt>` */
  readonly step: string;
}

/** By marker, by the session and group of the process that began an attempt, and whatever descends from these. */
function findOfRun(mark: string, leaders: ReadonlyMap<number, Began>): readonly Found[] {
  const prefix = `${mark}/`;
  const steps = new Map<number, string>();
  for (const { entry, value } of findByVariable(MARKER)) if (value.startsWith(prefix)) steps.set(entry.pid, value.slice(prefix.length));
  const table = readProcessTable();
  for (const entry of table) {
    const began = leaders.get(entry.session) ?? leaders.get(entry.group);
    if (began !== undefined && !isReused(table, began.leader)) steps.set(entry.pid, `${began.job}/${began.step}/${began.attempt}`);
  }
  // Parents come before children in the end: repeated until nothing is new.
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const entry of table) {
      const step = steps.get(entry.parent);
      if (step === undefined || steps.has(entry.pid)) continue;
      steps.set(entry.pid, step);
      isNew = true;
    }
  }
  return table.flatMap((entry) => {
    const step = steps.get(entry.pid);
    return step === undefined || isZombie(entry) || entry.pid === process.pid ? [] : [{ entry, step }];
  });
}

/** A process of that pid that started after the attempt had begun is a stranger. */
function isReused(table: readonly ProcessEntry[], leader: SpooledLeader): boolean {
  const holder = table.find(({ pid }) => pid === leader.pid);
  if (holder === undefined) return false;
  const startedMsAgo = (nowInTicks() - holder.startedAt) * 10;
  return Date.now() - startedMsAgo > leader.beganAt() + 1_000;
}
