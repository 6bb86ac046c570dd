// Where scripts and command files lie while a step runs: a 0700 folder of the user on memory-backed storage where there
// is one, under the run and this host process. Each start gets a folder of its own, so removing a run's folder also stops
// a process that was on its way to begin: it no longer finds what it was to run.

import { closeSync, constants, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { readProcess } from "../process/process-table.ts";
import { writeBeginScripts } from "./begin-scripts.ts";

export const COMMAND_FILES = ["output", "env", "path", "state", "step_summary"] as const;

/** A folder with fresh command files; they have the commands' names. */
export interface ScriptDirectory {
  readonly path: string;
  /** Holds what all starts of this host and run have in common. */
  readonly host: string;
}

/** In this thread: two hosts of one process are as separate as those of two, also where they work for the same run. */
let hosts = 0;

export class ScriptDirectories {
  readonly #base: string;
  readonly #host: string;
  #next = 1;
  readonly #spare = new Map<string, ScriptDirectory>();
  readonly #runs = new Set<string>();
  readonly #discarded: string[] = [];

  constructor(base = findBase()) {
    this.#base = base;
    hosts += 1;
    const self = `${process.pid}-${readProcess(process.pid)?.startedAt ?? 0}-${performance.timeOrigin.toFixed(0)}`;
    this.#host = `${self}-${threadId}.${hosts}`;
  }

  runDirectory(runMark: string): string {
    return join(this.#base, runMark);
  }

  take(runMark: string): ScriptDirectory {
    const spare = this.#spare.get(runMark);
    if (spare === undefined) return this.#create(runMark);
    this.#spare.delete(runMark);
    return spare;
  }

  /** It goes when there is time for it: `tidy`. */
  discard(directory: ScriptDirectory): void {
    this.#discarded.push(directory.path);
  }

  /** Work that is best done while a step's process runs: removes what was discarded, makes the next folder. */
  tidy(runMark?: string): void {
    for (const path of this.#discarded.splice(0)) rmSync(path, { recursive: true, force: true });
    if (runMark !== undefined && !this.#spare.has(runMark)) this.#spare.set(runMark, this.#create(runMark));
  }

  /** Everything of the run, of every host: all at once, so that nothing on its way finds a part of what it would begin with. */
  removeRun(runMark: string): void {
    this.#spare.delete(runMark);
    const gone = join(this.#base, `${runMark}.gone-${this.#host}`);
    try {
      renameSync(this.runDirectory(runMark), gone);
    } catch (error) {
      // Nothing was begun, or somebody else removes it.
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
      throw error;
    }
    rmSync(gone, { recursive: true, force: true });
  }

  removeOwn(): void {
    this.tidy();
    for (const runMark of this.#runs) {
      rmSync(join(this.runDirectory(runMark), this.#host), { recursive: true, force: true });
      removeIfEmpty(this.runDirectory(runMark));
    }
    this.#runs.clear();
    this.#spare.clear();
  }

  /** What hosts left that no longer live. */
  async sweep(): Promise<void> {
    for (const runMark of list(this.#base)) {
      for (const host of list(join(this.#base, runMark))) {
        await nextTurn();
        const [pid, startedAt] = host.split("-").map(Number);
        const owner = pid === undefined ? undefined : readProcess(pid);
        if (owner?.startedAt === startedAt) continue;
        rmSync(join(this.#base, runMark, host), { recursive: true, force: true });
      }
      removeIfEmpty(join(this.#base, runMark));
    }
  }

  #create(runMark: string): ScriptDirectory {
    this.#runs.add(runMark);
    const number = this.#next++;
    const host = join(this.runDirectory(runMark), this.#host);
    const path = `${host}/${number}`;
    try {
      mkdirSync(path, 0o700);
    } catch {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      writeBeginScripts(host);
    }
    for (const name of COMMAND_FILES)
      closeSync(openSync(`${path}/${name}`, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
    return { path, host };
  }
}

/** Another host of the run may use it. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    return;
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function findBase(): string {
  const runtime = process.env["XDG_RUNTIME_DIR"];
  const name = `signalbox-${process.getuid?.() ?? 0}`;
  for (const parent of ["/dev/shm", ...(runtime ? [runtime] : []), tmpdir()]) {
    const path = join(parent, name, "scripts");
    if (isPrivate(join(parent, name)) && isPrivate(path)) return path;
  }
  return mkdtempSync(join(tmpdir(), "signalbox-"));
}

/** Ours alone: in a folder that everybody can write, somebody else may have made it first. */
function isPrivate(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch {
    try {
      const stat = lstatSync(path);
      return stat.isDirectory() && stat.uid === (process.getuid?.() ?? 0) && (stat.mode & 0o077) === 0;
    } catch {
      return false;
    }
  }
}
