// Fills a job's workspace with the run's snapshot: a git repository of its own (HEAD, branches, tags, remotes; objects by
// alternates), its index as the user's was, its files as they were. Nothing of it points into the user's .git but the
// alternates, which are only read.

import { existsSync } from "node:fs";
import { copyFile, cp, lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { RepositorySnapshot } from "../../model/host-port.ts";
import { git, tryGit } from "./git.ts";
import { emptyFolder, removeTree } from "./remove-tree.ts";
import {
  alternatesFile,
  alternatesLine,
  GIT_FOLDERS,
  type NestedRepository,
  nestedFile,
  SHARED_FILES,
  TREE_INDEX,
  WORKTREE_FILES,
} from "./snapshot-directory.ts";
import { copyTree } from "./take-snapshot.ts";

export interface CheckoutWorkspace {
  readonly snapshot: RepositorySnapshot;
  /** GITHUB_WORKSPACE. */
  readonly workspace: string;
  /** Relative to the workspace; it must stay within. */
  readonly path?: string;
  /** Whether what lies there goes first; true by default. */
  readonly clean?: boolean;
}

export interface CheckedOut {
  readonly directory: string;
  /** For the step's log. */
  readonly notes: readonly string[];
}

export async function checkoutWorkspace({ snapshot, workspace, path = ".", clean = true }: CheckoutWorkspace): Promise<CheckedOut> {
  const directory = targetFolder(workspace, path);
  await mkdir(directory, { recursive: true });
  await refuseLinks(workspace, directory);
  if (clean) await emptyFolder(directory);
  if (snapshot.gitDirectory !== undefined) {
    await checkoutRepository(snapshot.gitDirectory, directory);
    return { directory, notes: [] };
  }
  if (snapshot.copy === undefined) throw new SignalboxError("FAILED_PRECONDITION", "The run has recorded no repository: start it anew.");
  await copyTree(snapshot.copy, directory);
  return { directory, notes: [`${snapshot.repository} is not a git repository: the workspace is a plain copy of the folder.`] };
}

function targetFolder(workspace: string, path: string): string {
  const directory = resolve(workspace, path);
  const inside = relative(workspace, directory);
  if (inside === ".." || inside.startsWith("../") || isAbsolute(inside)) {
    throw new SignalboxError("INVALID_ARGUMENT", `Repository path '${directory}' is not under '${workspace}'`);
  }
  return directory;
}

/** A step may have put a link on the way that leads out of the workspace. */
async function refuseLinks(workspace: string, directory: string): Promise<void> {
  let at = workspace;
  for (const part of relative(workspace, directory).split("/")) {
    if (part === "") continue;
    at = join(at, part);
    if ((await lstat(at)).isSymbolicLink()) {
      throw new SignalboxError("INVALID_ARGUMENT", `The checkout's path '${at}' is a symbolic link. Remove it, or give another path.`);
    }
  }
}

async function checkoutRepository(from: string, directory: string): Promise<void> {
  await refuseLostObjects(from);
  await makeGitDirectory(from, join(directory, ".git"));
  await writeFiles(from, directory);
  const nested = existsSync(nestedFile(from)) ? parseNested(await readFile(nestedFile(from), "utf8")) : [];
  for (const { path, gitDirectory } of nested) {
    await mkdir(join(directory, path), { recursive: true });
    await checkoutRepository(join(from, gitDirectory), join(directory, path));
  }
  // Otherwise tools that do not refresh an index would take every file for changed.
  if (existsSync(join(directory, ".git", "index"))) await tryGit(["update-index", "-q", "--refresh"], { cwd: directory });
}

/** A run may be resumed when the user's repository has moved. */
async function refuseLostObjects(from: string): Promise<void> {
  const line = (await readFile(alternatesFile(from), "utf8").catch(() => "")).trimEnd();
  if (line.startsWith('"') || (line !== "" && existsSync(line))) return;
  throw new SignalboxError(
    "FAILED_PRECONDITION",
    line === ""
      ? `The run's snapshot in ${from} is gone or damaged: start a new run.`
      : `The repository whose objects the run's snapshot shares is gone: ${line}. Put it back, or start a new run.`,
  );
}

async function makeGitDirectory(from: string, target: string): Promise<void> {
  await removeTree(target);
  await Promise.all(GIT_FOLDERS.map((path) => mkdir(join(target, path), { recursive: true })));
  const files = ["HEAD", "config", "packed-refs", "index", ...(await sharedIndexes(from)), ...SHARED_FILES, ...WORKTREE_FILES].filter(
    (file) => existsSync(join(from, file)),
  );
  await Promise.all([
    ...files.map((file) => copyFile(join(from, file), join(target, file))),
    cp(join(from, "refs"), join(target, "refs"), { recursive: true }),
    writeFile(alternatesFile(target), alternatesLine(join(from, "objects"))),
  ]);
}

/** The larger part of a split index. */
async function sharedIndexes(from: string): Promise<readonly string[]> {
  return (await readdir(from)).filter((name) => name.startsWith("sharedindex."));
}

/** From an index of its own, so that what is staged in the user's index does not matter. */
async function writeFiles(from: string, directory: string): Promise<void> {
  const index = join(directory, ".git", TREE_INDEX);
  if (!existsSync(join(from, TREE_INDEX))) return;
  await copyFile(join(from, TREE_INDEX), index);
  await git(["checkout-index", "--all", "--force", "--quiet"], { cwd: directory, environment: { GIT_INDEX_FILE: index } });
  await removeTree(index);
}

function parseNested(text: string): readonly NestedRepository[] {
  // Written by the snapshot, in the run's own directory.
  return JSON.parse(text) as readonly NestedRepository[];
}
