// Where a repository keeps what: read from its files, because each git process costs as much as ten steps' bookkeeping.

import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export interface RepositoryLayout {
  /** The root of the working tree. */
  readonly worktree: string;
  /** HEAD and index; of a linked worktree or a submodule its own. */
  readonly gitDirectory: string;
  /** Objects, refs and config; differs from `gitDirectory` in a linked worktree. */
  readonly commonDirectory: string;
}

/** The repository whose working tree holds the folder; undefined: none. */
export function findRepository(folder: string): RepositoryLayout | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const gitDirectory = gitDirectoryOf(at);
    if (gitDirectory !== undefined) {
      const common = readText(join(gitDirectory, "commondir"))?.trim();
      return { worktree: at, gitDirectory, commonDirectory: common === undefined ? gitDirectory : resolve(gitDirectory, common) };
    }
    if (dirname(at) === at) return undefined;
  }
}

/** `.git` as a folder, or as a file that names one, if a repository is there. */
function gitDirectoryOf(worktree: string): string | undefined {
  const entry = join(worktree, ".git");
  const stat = statSync(entry, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const link = stat.isFile() ? /^gitdir: (.*?)\n?$/s.exec(readText(entry) ?? "")?.[1] : undefined;
  const directory = stat.isDirectory() ? entry : link === undefined ? undefined : resolve(worktree, link);
  return directory !== undefined && readText(join(directory, "HEAD")) !== undefined ? directory : undefined;
}

/** Undefined: it is not there. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
