// The repository as it is now, uncommitted and untracked files included, without a byte written into the user's .git:
// an index of our own (a copy, so that unchanged files are not read again) and an object directory of our own with
// alternates. Three git processes deep; the small files are copied beside them.

import { constants, existsSync } from "node:fs";
import { copyFile, cp, lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { RepositorySnapshot } from "../../model/host-port.ts";
import { type GitCall, git, gitFailed, tryGit } from "./git.ts";
import { readConfig, workspaceConfig } from "./git-config.ts";
import { removeTree } from "./remove-tree.ts";
import { findRepository, type RepositoryLayout, readText } from "./repository-layout.ts";
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
import { unsizedIndex } from "./unsized-index.ts";

export interface TakeSnapshot {
  /** A folder of the user's repository, or any folder. */
  readonly repository: string;
  /** The snapshot's folder is made in it. */
  readonly runDirectory: string;
}

export async function takeSnapshot({ repository, runDirectory }: TakeSnapshot): Promise<RepositorySnapshot> {
  const layout = findRepository(repository);
  if (layout === undefined) return await copyFolder(resolve(repository), join(runDirectory, "repository"));
  const gitDirectory = join(runDirectory, "repository");
  // What a start that was killed here has left.
  await removeTree(gitDirectory);
  const commit = await snapshotRepository(layout, gitDirectory);
  return { gitDirectory, commit, repository: layout.worktree };
}

async function snapshotRepository(layout: RepositoryLayout, target: string): Promise<string> {
  await Promise.all(GIT_FOLDERS.map((path) => mkdir(join(target, path), { recursive: true })));
  await writeFile(alternatesFile(target), alternatesLine(join(layout.commonDirectory, "objects")));
  const [{ tree, embedded }, head] = await Promise.all([
    writeTree(layout, target),
    freezeRefs(layout, target),
    freezeConfig(layout, target),
    freezeFiles(layout, target),
  ]);
  await freezeNested(layout, target, embedded);
  return await writeCommit(layout, target, tree, head);
}

function snapshotCall(layout: RepositoryLayout, target: string): GitCall {
  return {
    cwd: layout.worktree,
    environment: { GIT_INDEX_FILE: join(target, TREE_INDEX), GIT_OBJECT_DIRECTORY: join(target, "objects") },
  };
}

async function writeTree(
  layout: RepositoryLayout,
  target: string,
): Promise<{ readonly tree: string; readonly embedded: readonly string[] }> {
  const index = await readFile(join(layout.gitDirectory, "index")).catch(() => undefined);
  if (index !== undefined) {
    await Promise.all([writeFile(join(target, TREE_INDEX), index), writeFile(join(target, "index"), unsizedIndex(index))]);
  }
  const call = snapshotCall(layout, target);
  const embedded = await addAll(call, isWithin(target, layout.worktree) ? [relative(layout.worktree, dirname(target))] : []);
  const tree = (await git(["write-tree"], call)).toString().trim();
  return { tree, embedded };
}

const WITHOUT_COMMIT = /^error: '(.+?)\/?' does not have a commit checked out$/m;

/** Returns repositories inside that have no commit: git cannot name them in a tree. `own`: our folders in the user's tree. */
async function addAll(call: GitCall, own: readonly string[]): Promise<readonly string[]> {
  const embedded: string[] = [];
  for (;;) {
    const excluded = [...own, ...embedded].map((path) => `:(top,exclude,literal)${path}`);
    const args = ["-c", "advice.addEmbeddedRepo=false", "add", "--all", "--", ":(top)", ...excluded];
    const result = await tryGit(args, call);
    if (result.code === 0) return embedded;
    const path = WITHOUT_COMMIT.exec(result.stderr)?.[1];
    if (path === undefined || embedded.includes(path)) throw gitFailed(["add"], call.cwd, result);
    embedded.push(path);
  }
}

const REF_FORMAT = "--format=%(objectname) %(refname) %(symref)%00%(*objectname)";

/** The refs in one file, as git packs them; symbolic ones (a remote's HEAD) as files. Returns HEAD's commit, if it has one. */
async function freezeRefs(layout: RepositoryLayout, target: string): Promise<string | undefined> {
  const output = (await git(["for-each-ref", REF_FORMAT, "refs/heads", "refs/tags", "refs/remotes"], { cwd: layout.worktree })).toString();
  const packed = ["# pack-refs with: peeled fully-peeled sorted \n"];
  const symbolic: Promise<void>[] = [];
  const commits = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [names = "", peeled] = line.split("\0");
    const [commit, ref, symref] = names.split(" ");
    if (!commit || !ref) continue;
    commits.set(ref, commit);
    if (symref) symbolic.push(writeDeep(join(target, ref), `ref: ${symref}\n`));
    else packed.push(`${commit} ${ref}\n`, peeled ? `^${peeled}\n` : "");
  }
  const head = await readHead(layout);
  await Promise.all([...symbolic, writeFile(join(target, "packed-refs"), packed.join("")), writeFile(join(target, "HEAD"), `${head}\n`)]);
  return head.startsWith("ref: ") ? commits.get(head.slice("ref: ".length)) : head;
}

/** The text of HEAD; with reftables the file is a dummy, and git must say. */
async function readHead(layout: RepositoryLayout): Promise<string> {
  const head = readText(join(layout.gitDirectory, "HEAD"))?.trim() ?? "";
  if (head !== "ref: refs/heads/.invalid") return head.replace(/^ref:\s*/, "ref: ");
  const symbolic = await tryGit(["symbolic-ref", "HEAD"], { cwd: layout.worktree });
  if (symbolic.code === 0) return `ref: ${symbolic.stdout.toString().trim()}`;
  return (await git(["rev-parse", "HEAD"], { cwd: layout.worktree })).toString().trim();
}

async function freezeConfig(layout: RepositoryLayout, target: string): Promise<void> {
  await writeFile(join(target, "config"), workspaceConfig(await readConfig(layout.worktree)));
}

async function freezeFiles(layout: RepositoryLayout, target: string): Promise<void> {
  const copies: Promise<void>[] = [];
  const copyThere = (folder: string, files: readonly string[]) => {
    for (const file of files) if (existsSync(join(folder, file))) copies.push(copyFile(join(folder, file), join(target, file)));
  };
  copyThere(layout.commonDirectory, SHARED_FILES);
  copyThere(layout.gitDirectory, WORKTREE_FILES);
  for (const name of await readdir(layout.gitDirectory)) {
    if (name.startsWith("sharedindex.")) copies.push(copyFile(join(layout.gitDirectory, name), join(target, name)));
  }
  await Promise.all(copies);
}

/** A gitlink's mode as an index stores it: an index without these bytes has none. */
const GITLINK_MODE = Buffer.of(0, 0, 0xe0, 0);

async function freezeNested(layout: RepositoryLayout, target: string, embedded: readonly string[]): Promise<void> {
  const paths = [...(await gitlinks(layout, target)), ...embedded];
  const nested: NestedRepository[] = [];
  for (const [index, path] of paths.entries()) {
    const worktree = join(layout.worktree, path);
    const inner = findRepository(worktree);
    // A submodule that is not checked out: its folder is empty, also in the workspace.
    if (inner?.worktree !== worktree) continue;
    const gitDirectory = join(target, "nested", String(index));
    await snapshotRepository(inner, gitDirectory);
    nested.push({ path, gitDirectory: relative(target, gitDirectory) });
  }
  if (nested.length > 0) await writeFile(nestedFile(target), JSON.stringify(nested));
}

async function gitlinks(layout: RepositoryLayout, target: string): Promise<readonly string[]> {
  const index = await readFile(join(target, TREE_INDEX)).catch(() => Buffer.alloc(0));
  if (!index.includes(GITLINK_MODE)) return [];
  const entries = (await git(["ls-files", "--stage", "-z"], snapshotCall(layout, target))).toString().split("\0");
  return entries.filter((entry) => entry.startsWith("160000 ")).map((entry) => entry.slice(entry.indexOf("\t") + 1));
}

/** The same tree on the same commit is the same snapshot: nobody's name, no time. */
const NOBODY = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((who) => [
    [`GIT_${who}_NAME`, "signalbox"],
    [`GIT_${who}_EMAIL`, "signalbox@localhost"],
    [`GIT_${who}_DATE`, "@0 +0000"],
  ]),
);

async function writeCommit(layout: RepositoryLayout, target: string, tree: string, head: string | undefined): Promise<string> {
  const call = snapshotCall(layout, target);
  const parents = head === undefined ? [] : ["-p", head];
  const args = ["-c", "commit.gpgSign=false", "commit-tree", tree, ...parents, "-m", "The working tree as it was"];
  return (await git(args, { ...call, environment: { ...call.environment, ...NOBODY } })).toString().trim();
}

/** Outside git: a plain copy, without what cannot be copied (sockets, FIFOs) and without the run's own directory. */
async function copyFolder(repository: string, target: string): Promise<RepositorySnapshot> {
  try {
    await copyTree(repository, target);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SignalboxError("FAILED_PRECONDITION", `The folder ${repository} cannot be copied for the run: ${reason}`, { cause });
  }
  return { copy: target, repository };
}

export async function copyTree(from: string, to: string): Promise<void> {
  const source = resolve(from);
  const target = resolve(to);
  await mkdir(target, { recursive: true });
  const copy = (path: string, name: string) =>
    cp(path, join(target, name), {
      recursive: true,
      force: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter: async (entry) => {
        if (entry === target) return false;
        const stat = await lstat(entry);
        return stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
      },
    });
  for (const name of await readdir(source)) {
    const path = join(source, name);
    if (!isWithin(target, path)) await copy(path, name);
    else if (path !== target) await copyAround(path, join(target, name), target);
  }
}

/** A folder that holds the copy's target: everything but that way down. */
async function copyAround(from: string, to: string, target: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    const path = join(from, name);
    if (!isWithin(target, path)) await cp(path, join(to, name), { recursive: true, verbatimSymlinks: true });
    else if (path !== target) await copyAround(path, join(to, name), target);
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

async function writeDeep(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
