// A snapshot on disk: a folder that is a git directory (so that its commit can be looked at with git) and holds, frozen,
// all that a workspace's own .git is made of:
//
//   HEAD config packed-refs refs/ shallow info/* MERGE_HEAD ...   as they were
//   objects/            new objects of the snapshot; alternates lead to the user's repository
//   index               the user's index, so that staged and unstaged stay apart
//   tree-index          the index of the working tree as it was, uncommitted state included
//   nested.json         submodules and other repositories inside, each a snapshot of its own

import { join } from "node:path";

export const TREE_INDEX = "tree-index";

/** Of the repository; copied as they are if they are there. */
export const SHARED_FILES = ["shallow", "info/exclude", "info/attributes"];

/** Of the working tree: what `git status` says of an unfinished merge, of a detached HEAD, of a sparse checkout. */
export const WORKTREE_FILES = [
  "MERGE_HEAD",
  "MERGE_MSG",
  "MERGE_MODE",
  "CHERRY_PICK_HEAD",
  "REVERT_HEAD",
  "SQUASH_MSG",
  "logs/HEAD",
  "info/sparse-checkout",
];

/** The folders of a git directory. */
export const GIT_FOLDERS = ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "logs"];

export interface NestedRepository {
  /** Relative to the working tree that holds it. */
  readonly path: string;
  /** Its snapshot's git directory. */
  readonly gitDirectory: string;
}

export function nestedFile(gitDirectory: string): string {
  return join(gitDirectory, "nested.json");
}

export function alternatesFile(gitDirectory: string): string {
  return join(gitDirectory, "objects", "info", "alternates");
}

/** One line; git reads a quoted one as a C string. */
export function alternatesLine(objects: string): string {
  const isPlain = !/^["#]|\n/.test(objects);
  return `${isPlain ? objects : `"${objects.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`}\n`;
}
