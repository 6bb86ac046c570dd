// What the host leaves on disk about attempts, so that a crash of the engine at any moment leaves no doubt:
//   spool/<job>/<step>.<attempt>.began.<pid>   made by the attempt's own process as the first thing that it does
//   spool/<job>/<step>.<attempt>.masks   what it asked to mask, sealed, a line each; here before anything more of it is read
//   spool/<job>/<step>.<attempt>.ended   the result, moved here in one piece before the engine hears of it
//   spool/<job>/<step>.<attempt>.known   the same, once the engine has shown that it stands in history: nobody asks for it again
// Nothing is synced: the page cache outlives every process. A crash of the machine is attempted again.

import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { JobKey, StepResult, StepValue } from "../../model/host-port.ts";
import { cannotWrite } from "../disk-error.ts";

export interface SpooledAttempt {
  readonly job: JobKey;
  readonly step: string;
  readonly attempt: number;
  readonly result?: StepResult;
  /** It has ended, and history has the result. */
  readonly isKnown?: true;
  /** The processes that began it: an action has several, one after the other. */
  readonly leaders: readonly SpooledLeader[];
}

export interface SpooledLeader {
  readonly pid: number;
  readonly beganAt: () => number;
}

export class Spool {
  readonly #directory: string;
  /** By file: none changes any more. */
  readonly #results = new Map<string, StepResult>();
  /** By job, with the names of the files that say it. */
  readonly #attempts = new Map<string, { readonly names: readonly string[]; readonly last: readonly SpooledAttempt[] }>();

  /** Ends that were written here, by job and step, and have not been acknowledged. */
  readonly #ends = new Map<string, string>();
  readonly #acknowledged: string[] = [];
  /** Files that are open for the end of an attempt that runs. */
  readonly #expected = new Map<string, number>();

  constructor(runDirectory: string) {
    this.#directory = join(runDirectory, "spool");
  }

  open(job: JobKey): void {
    mkdirSync(join(this.#directory, job), { recursive: true, mode: 0o700 });
  }

  beganFile(job: JobKey, step: string, attempt: number): string {
    return `${this.#directory}/${job}/${step}.${attempt}.began`;
  }

  /** Work that is best done while a step's process runs: makes the file that its end is written to. */
  expectEnd(job: JobKey, step: string, attempt: number): void {
    const path = this.#endFile(job, step, attempt);
    if (this.#expected.has(path)) return;
    try {
      this.#expected.set(path, openSync(`${path}.tmp`, "w", 0o600));
    } catch {
      // Whoever writes the end tries again, and says what is wrong.
    }
  }

  /** There will be none: the attempt was interrupted. */
  forgetEnd(job: JobKey, step: string, attempt: number): void {
    const path = this.#endFile(job, step, attempt);
    const descriptor = this.#expected.get(path);
    if (descriptor !== undefined) closeSync(descriptor);
    this.#expected.delete(path);
  }

  writeEnd(job: JobKey, step: string, result: StepResult): void {
    const path = this.#endFile(job, step, result.attempt);
    try {
      writeFileSync(this.#expected.get(path) ?? `${path}.tmp`, JSON.stringify(result), { mode: 0o600 });
      renameSync(`${path}.tmp`, path);
    } catch (cause) {
      throw cannotWrite(`The step's end ${path}`, cause);
    }
    this.#ends.set(`${job}/${step}`, path);
  }

  #endFile(job: JobKey, step: string, attempt: number): string {
    return `${this.#directory}/${job}/${step}.${attempt}.ended`;
  }

  /** History has the step's result. */
  acknowledge(job: JobKey, step: string): void {
    const path = this.#ends.get(`${job}/${step}`);
    if (path !== undefined) this.#acknowledged.push(path);
    this.#ends.delete(`${job}/${step}`);
  }

  /** Work that is best done while a step's process runs. */
  tidy(): void {
    for (const path of this.#acknowledged.splice(0)) {
      try {
        renameSync(path, path.replace(/ended$/, "known"));
      } catch {
        // Under its old name it is only read once more.
      }
    }
  }

  addMask(job: JobKey, step: string, attempt: number, mask: StepValue): void {
    appendFileSync(`${this.#directory}/${job}/${step}.${attempt}.masks`, `${JSON.stringify(mask)}\n`, { mode: 0o600 });
  }

  /** What any attempt of the job has asked to mask, interrupted ones included: a secret stays one. */
  readMasks(job: JobKey): readonly StepValue[] {
    const directory = join(this.#directory, job);
    return list(directory)
      .filter((name) => name.endsWith(".masks"))
      .flatMap((name) => readMasks(join(directory, name)));
  }

  /** The engine has every result of the job. */
  close(job: JobKey): void {
    rmSync(join(this.#directory, job), { recursive: true, force: true });
  }

  /** The last attempt of each step. */
  read(): readonly SpooledAttempt[] {
    return list(this.#directory).flatMap((job) => {
      const names = list(join(this.#directory, job));
      const known = this.#attempts.get(job);
      if (known !== undefined && isSame(known.names, names)) return known.last;
      const last = this.#lastAttempts(job, names);
      this.#attempts.set(job, { names, last });
      return last;
    });
  }

  #lastAttempts(job: JobKey, names: readonly string[]): readonly SpooledAttempt[] {
    const last = new Map<string, SpooledAttempt>();
    for (const name of names) {
      const [, step, number, kind, pid] = /^(.+)\.(\d+)\.(ended|known|began\.(\d+))$/.exec(name) ?? [];
      if (step === undefined || number === undefined) continue;
      const path = `${this.#directory}/${job}/${name}`;
      const attempt = Number(number);
      const known = last.get(step);
      if (known !== undefined && known.attempt > attempt) continue;
      const same = known?.attempt === attempt ? known : { job, step, attempt, leaders: [] };
      if (kind === "known") last.set(step, { ...same, isKnown: true });
      else if (pid === undefined) last.set(step, { ...same, result: this.#resultIn(path) });
      else last.set(step, { ...same, leaders: [...same.leaders, { pid: Number(pid), beganAt: () => statSync(path).mtimeMs }] });
    }
    return [...last.values()];
  }

  #resultIn(path: string): StepResult {
    let result = this.#results.get(path);
    if (result === undefined) {
      result = readResult(path);
      this.#results.set(path, result);
    }
    return result;
  }
}

/** Written by this file alone and moved into place whole. */
function readResult(path: string): StepResult {
  return JSON.parse(readFileSync(path, "utf8")) as StepResult;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, index) => name === others[index]);
}

/** A line that a crash has cut short was not yet in force. */
function readMasks(path: string): readonly StepValue[] {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line): StepValue => JSON.parse(line));
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
