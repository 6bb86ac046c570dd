// Where a run lies on disk: `<state>/<repository name>-<hash>/<run id>/`, outside the repository, readable by its owner.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { fileError, hasCode } from "./file-errors.ts";
import { RUN_ID, runIdAt } from "./run-id.ts";

/** Ends the name of a run's directory while it is being removed. */
export const REMOVED = ".removed";

const CHOOSE_ANOTHER = "Give a writable place with --state DIR.";

export interface RunPaths {
  readonly directory: string;
  readonly record: string;
  readonly store: string;
  readonly journal: string;
  readonly owner: string;
  readonly recorded: string;
  readonly logs: string;
  readonly spool: string;
  readonly work: string;
}

export function runPaths(directory: string): RunPaths {
  return {
    directory,
    record: join(directory, "run.json"),
    store: join(directory, "store.db"),
    journal: join(directory, "events.ndjson"),
    owner: join(directory, "owner.json"),
    recorded: join(directory, "recorded"),
    logs: join(directory, "logs"),
    spool: join(directory, "spool"),
    work: join(directory, "work"),
  };
}

/** What one repository's runs share a directory by: its name for people, a hash of its place for uniqueness. */
export class RepositoryState {
  readonly directory: string;

  constructor(stateDirectory: string, repository: string) {
    const place = resolveReal(repository);
    const hash = createHash("sha256").update(place).digest("hex").slice(0, 8);
    const name =
      basename(place)
        .replaceAll(/[^A-Za-z0-9._-]/g, "_")
        .slice(0, 60) || "root";
    this.directory = join(stateDirectory, `${name}-${hash}`);
  }

  get locksFile(): string {
    return join(this.directory, "locks.db");
  }

  run(runId: string): RunPaths {
    return runPaths(join(this.directory, runId));
  }

  /** Makes the directory of a new run; its name is the id, and making it reserves it. */
  createRun(now: number): { readonly runId: string; readonly paths: RunPaths } {
    const what = `The state directory ${this.directory} cannot be used`;
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
      for (let later = 0; ; later += 1) {
        const runId = runIdAt(now, later);
        const paths = this.run(runId);
        if (!reserve(paths.directory)) continue;
        for (const folder of [paths.recorded, paths.logs, paths.spool, paths.work]) mkdirSync(folder, { mode: 0o700 });
        return { runId, paths };
      }
    } catch (error) {
      throw fileError(what, error, CHOOSE_ANOTHER);
    }
  }

  /** Ids of the runs that are there, oldest first. */
  runIds(): readonly string[] {
    return this.#names()
      .filter((name) => RUN_ID.test(name))
      .toSorted();
  }

  /** What is left of runs whose removal was cut short. */
  removedDirectories(): readonly string[] {
    return this.#names()
      .filter((name) => name.endsWith(REMOVED))
      .map((name) => join(this.directory, name));
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.directory);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return [];
      throw fileError(`The state directory ${this.directory} cannot be read`, error, CHOOSE_ANOTHER);
    }
  }
}

function reserve(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST") && existsSync(directory)) return false;
    throw error;
  }
}

function resolveReal(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
