import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkoutWorkspace } from "./checkout-workspace.ts";
import { readGitFacts } from "./git-facts.ts";
import { lockTree } from "./in-place-lock.ts";
import { removeTree } from "./remove-tree.ts";
import { takeSnapshot } from "./take-snapshot.ts";

let base: string;
let repository: string;
let runDirectory: string;
let workspace: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "signalbox-workspace-"));
  repository = join(base, "user", "repo");
  runDirectory = join(base, "state", "run");
  workspace = join(base, "state", "run", "work", "job");
  for (const folder of [repository, runDirectory, workspace]) mkdirSync(folder, { recursive: true });
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

const environment = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", LC_ALL: "C" };

function git(cwd: string, ...args: readonly string[]): string {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"];
  return execFileSync("git", [...identity, ...args], { cwd, env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function write(path: string, text: string): void {
  const file = join(repository, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/**
 * All entries with kind, mode, time and content; of a git directory too. Of objects and shared indexes without the time: git renews it, as a
 * guard against pruning, when it uses what is there already.
 */
function tree(folder: string, prefix = ""): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      const name = prefix + entry.name;
      if (entry.isDirectory()) return tree(path, `${name}/`);
      if (entry.isSymbolicLink()) return [`${name} -> ${readlinkSync(path)}`];
      const time = /\/objects\/|\/sharedindex\./.test(path) ? 0 : lstatSync(path).mtimeMs;
      return [`${name} ${lstatSync(path).mode.toString(8)} ${time} ${readFileSync(path).toString("base64")}`];
    });
}

/** Files outside .git, without times. */
function contents(folder: string): readonly string[] {
  return tree(folder)
    .filter((line) => !line.startsWith(".git/") && !line.includes("/.git"))
    .map((line) => line.replace(/ (\d+) [\d.]+ /, " $1 "));
}

const QUESTIONS: readonly (readonly string[])[] = [
  ["status", "--porcelain=v2", "--branch", "--untracked-files=all"],
  ["diff"],
  ["diff", "--cached"],
  ["diff-files"],
  ["log", "--oneline", "--decorate", "--all"],
  ["describe", "--tags", "--always", "--dirty"],
  ["branch", "-a", "-vv"],
  ["tag"],
  ["remote", "-v"],
  ["rev-parse", "--abbrev-ref", "HEAD"],
];

function answers(folder: string): readonly string[] {
  return QUESTIONS.map((question) => {
    try {
      return git(folder, ...question);
    } catch (error) {
      return `fails: ${String(error).includes("fatal")}`;
    }
  });
}

/** Which branches other working trees hold is not asked. */
const ownWorktree = (list: readonly string[]) => list.map((text) => text.replace(/^[+*] /gm, "  ").replaceAll(/ \(.*?\) /g, " "));

async function snapshotAndCheckout(from = repository) {
  const before = tree(repository);
  const snapshot = await takeSnapshot({ repository: from, runDirectory });
  const checkedOut = await checkoutWorkspace({ snapshot, workspace });
  expect(tree(repository)).toEqual(before);
  return { snapshot, checkedOut };
}

function initialise(): void {
  git(repository, "init", "-q", "-b", "main");
  write("a.txt", "one\n");
  write("dir/b.txt", "two\n");
  write(".gitignore", "ignored/\n*.log\n");
  git(repository, "add", ".");
  git(repository, "commit", "-qm", "first");
  git(repository, "tag", "v1.0");
}

describe("the workspace says what the user's tree says", () => {
  test("with staged, unstaged, untracked, removed, ignored, linked and executable files", async () => {
    initialise();
    git(repository, "remote", "add", "origin", "https://github.com/owner/name.git");
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD");
    git(repository, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
    git(repository, "branch", "other/deep");
    git(repository, "branch", "--set-upstream-to=origin/main", "main");
    write("c.txt", "three\n");
    git(repository, "add", "c.txt");
    git(repository, "commit", "-qm", "second");
    write("staged.txt", "staged\n");
    git(repository, "add", "staged.txt");
    write("staged.txt", "staged, then changed\n");
    write("a.txt", "changed\n");
    rmSync(join(repository, "dir/b.txt"));
    write("x.log", "ignored");
    write("ignored/y", "ignored");
    write('untracked/sp ace\n"ö\t.txt', "odd");
    write("run.sh", "#!/bin/sh\n");
    chmodSync(join(repository, "run.sh"), 0o755);
    symlinkSync("nowhere", join(repository, "link"));
    const { checkedOut } = await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
    expect(contents(workspace)).toEqual(contents(repository).filter((line) => !line.includes("x.log") && !line.startsWith("ignored/")));
    expect(checkedOut.notes).toEqual([]);
    expect(git(workspace, "fsck")).not.toContain("missing");
  });

  test("without a commit, with and without an index", async () => {
    git(repository, "init", "-q", "-b", "trunk");
    write("new.txt", "new\n");
    await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
    expect(contents(workspace)).toEqual(contents(repository));
  });

  test.each([
    ["2", "sha1"],
    ["4", "sha1"],
    ["2", "sha256"],
  ])("with converted line ends, a filter, and flags, in an index of version %s with %s", async (version, format) => {
    git(repository, "init", "-q", "-b", "main", `--object-format=${format}`);
    git(repository, "config", "core.autocrlf", "input");
    git(repository, "config", "filter.double.clean", "sed s/xx/x/g");
    git(repository, "config", "filter.double.smudge", "sed s/x/xx/g");
    write("dos.txt", "a\r\nb\r\n");
    write(".gitattributes", "*.x filter=double\n");
    write("f.x", "xx\n");
    for (let index = 0; index < 20; index++) write(`dir/${"n".repeat(index * 11)}${index}`, String(index));
    git(repository, "update-index", "--index-version", version, "--add", ".gitattributes");
    git(repository, "add", ".");
    git(repository, "commit", "-qm", "first");
    write("intended", "to add\n");
    git(repository, "add", "--intent-to-add", "intended");
    expect(git(repository, "status", "--porcelain")).toBe(" A intended\n");
    await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
    expect(readFileSync(join(workspace, "f.x"), "utf8")).toBe("xx\n");
  });

  test("with nothing in it at all, and with every file removed", async () => {
    git(repository, "init", "-q", "-b", "main");
    await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
    initialise();
    for (const name of ["a.txt", "dir", ".gitignore"]) rmSync(join(repository, name), { recursive: true });
    await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
    expect(contents(workspace)).toEqual([]);
  });

  test("with the run's directory inside the tree", async () => {
    initialise();
    runDirectory = join(repository, ".signalbox", "run");
    mkdirSync(runDirectory, { recursive: true });
    writeFileSync(join(runDirectory, "store"), "growing");
    const snapshot = await takeSnapshot({ repository, runDirectory });
    await checkoutWorkspace({ snapshot, workspace });
    expect(existsSync(join(workspace, ".signalbox"))).toBe(false);
    expect(git(workspace, "status", "--porcelain")).toBe("");
  });

  test("with a detached HEAD and an unfinished merge", async () => {
    initialise();
    git(repository, "checkout", "-q", "-b", "side");
    write("a.txt", "side\n");
    git(repository, "commit", "-qam", "side");
    git(repository, "checkout", "-q", "--detach", "main");
    write("a.txt", "main\n");
    git(repository, "commit", "-qam", "main");
    expect(() => git(repository, "merge", "side")).toThrow();
    await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
    expect(git(workspace, "status")).toBe(git(repository, "status"));
  });

  test("with a sparse checkout and a split index", async () => {
    initialise();
    write("other/c.txt", "c\n");
    git(repository, "add", ".");
    git(repository, "commit", "-qm", "second");
    git(repository, "sparse-checkout", "set", "dir");
    git(repository, "update-index", "--split-index");
    write("dir/b.txt", "changed\n");
    git(repository, "add", "dir/b.txt");
    await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
    expect(contents(workspace)).toEqual(contents(repository));
  });

  test("in a linked worktree, from a folder inside it, with packed refs", async () => {
    initialise();
    git(repository, "pack-refs", "--all");
    const linked = join(base, "user", "linked");
    git(repository, "worktree", "add", "-q", "-b", "topic", linked);
    writeFileSync(join(linked, "a.txt"), "topic\n");
    await snapshotAndCheckout(join(linked, "dir"));
    expect(ownWorktree(answers(workspace))).toEqual(ownWorktree(answers(linked)));
    expect(await readGitFacts(join(linked, "dir"))).toMatchObject({
      headBranch: "topic",
      root: linked,
      sha: git(linked, "rev-parse", "HEAD").trim(),
    });
  });

  test("with submodules that have changed, nested repositories, and one without a commit", async () => {
    initialise();
    const module = join(base, "user", "module");
    mkdirSync(module);
    git(module, "init", "-q", "-b", "main");
    writeFileSync(join(module, "m.txt"), "m\n");
    git(module, "add", ".");
    git(module, "commit", "-qm", "module");
    git(repository, "submodule", "add", "-q", module, "libs/module");
    git(repository, "commit", "-qm", "submodule");
    write("libs/module/m.txt", "changed\n");
    write("libs/module/new.txt", "new\n");
    mkdirSync(join(repository, "nested"));
    git(join(repository, "nested"), "init", "-q");
    write("nested/n.txt", "n\n");
    await snapshotAndCheckout();
    expect(contents(workspace)).toEqual(contents(repository));
    expect(git(workspace, "status", "--porcelain")).toBe(git(repository, "status", "--porcelain"));
    expect(git(workspace, "submodule", "status")).toBe(git(repository, "submodule", "status"));
    expect(git(join(workspace, "libs/module"), "status", "--porcelain")).toBe(" M m.txt\n?? new.txt\n");
  });

  test("at a path of 200 characters with a line break, a quote and a colon in it", async () => {
    repository = join(base, "user", `"a:b\nc${"x".repeat(194)}`);
    mkdirSync(repository);
    initialise();
    write("new", "new");
    await snapshotAndCheckout();
    expect(answers(workspace)).toEqual(answers(repository));
  });
});

describe("a checkout", () => {
  test("into a dirty workspace makes it as it was; with clean: false what lies beside stays", async () => {
    initialise();
    const { snapshot } = await snapshotAndCheckout();
    const fresh = contents(workspace);
    writeFileSync(join(workspace, "a.txt"), "dirty");
    writeFileSync(join(workspace, "built"), "built");
    git(workspace, "commit", "-qam", "a job's commit");
    await checkoutWorkspace({ snapshot, workspace, clean: false });
    expect(contents(workspace)).toEqual([...fresh, `built 100644 ${Buffer.from("built").toString("base64")}`].toSorted());
    await checkoutWorkspace({ snapshot, workspace });
    expect(contents(workspace)).toEqual(fresh);
    expect(answers(workspace)).toEqual(answers(repository));
  });

  test("goes to `path`, but never out of the workspace, also not through a link", async () => {
    initialise();
    const snapshot = await takeSnapshot({ repository, runDirectory });
    const { directory } = await checkoutWorkspace({ snapshot, workspace, path: "deep/er" });
    expect(directory).toBe(join(workspace, "deep/er"));
    expect(contents(directory)).toEqual(contents(repository));
    await expect(checkoutWorkspace({ snapshot, workspace, path: "../out" })).rejects.toThrow(/is not under/);
    symlinkSync(repository, join(workspace, "link"));
    await expect(checkoutWorkspace({ snapshot, workspace, path: "link" })).rejects.toThrow(/symbolic link/);
    expect(contents(repository)).toContainEqual(expect.stringMatching(/^a\.txt /));
  });

  test("what the user does after the snapshot does not matter; a lost repository is a clear error", async () => {
    initialise();
    write("a.txt", "before\n");
    const snapshot = await takeSnapshot({ repository, runDirectory });
    write("a.txt", "after\n");
    git(repository, "commit", "-qam", "after");
    await checkoutWorkspace({ snapshot, workspace });
    expect(readFileSync(join(workspace, "a.txt"), "utf8")).toBe("before\n");
    expect(git(workspace, "log", "--format=%s")).toBe("first\n");
    rmSync(repository, { recursive: true });
    await expect(checkoutWorkspace({ snapshot, workspace })).rejects.toThrow(/is gone/);
  });

  test("outside git it is a plain copy, with a note, also if the run's directory lies inside", async () => {
    write("a.txt", "a");
    write("dir/run.sh", "x");
    chmodSync(join(repository, "dir/run.sh"), 0o755);
    symlinkSync("a.txt", join(repository, "link"));
    execFileSync("mkfifo", [join(repository, "pipe")]);
    const inside = join(repository, ".state", "run");
    mkdirSync(inside, { recursive: true });
    const snapshot = await takeSnapshot({ repository, runDirectory: inside });
    const { notes } = await checkoutWorkspace({ snapshot, workspace });
    expect(notes).toEqual([expect.stringContaining("is not a git repository")]);
    expect(contents(workspace).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "a.txt 100644",
      "dir/run.sh 100755",
      "link ->",
    ]);
  });
});

test("`git clean -fdx` in a job without a checkout leaves the user's tree as it is", async () => {
  initialise();
  write("untracked", "precious");
  write("ignored/file", "precious");
  const before = tree(repository);
  for (const command of [
    ["clean", "-fdx"],
    ["reset", "--hard"],
    ["checkout", "."],
  ]) {
    expect(() =>
      execFileSync("git", command, {
        cwd: workspace,
        env: { ...environment, GIT_CEILING_DIRECTORIES: dirname(workspace) },
        stdio: "ignore",
      }),
    ).toThrow();
  }
  expect(tree(repository)).toEqual(before);
});

test("a run that is started from a git hook is not misled by the hook's variables", async () => {
  initialise();
  const names = { GIT_DIR: "/nowhere", GIT_INDEX_FILE: "/nowhere/index" };
  const script = `import { takeSnapshot } from ${JSON.stringify(new URL("./take-snapshot.ts", import.meta.url).href)};
    const s = await takeSnapshot(${JSON.stringify({ repository, runDirectory })}); console.log(s.commit);`;
  const commit = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...environment, ...names },
    encoding: "utf8",
  });
  expect(git(join(runDirectory, "repository"), "rev-parse", `${commit.trim()}^{tree}`)).toBe(git(repository, "rev-parse", "HEAD^{tree}"));
});

describe("git facts", () => {
  test.each([
    ["https://token@github.com/owner/name.git", "owner/name", "https://github.com", "https://github.com/owner/name.git"],
    ["git@example.org:group/sub/name.git", "sub/name", "https://example.org", "git@example.org:group/sub/name.git"],
    ["ssh://git@example.org:22/owner/name", "owner/name", "https://example.org", "ssh://git@example.org:22/owner/name"],
    ["http://localhost:3000/owner/name/", "owner/name", "http://localhost:3000", "http://localhost:3000/owner/name/"],
  ])("of the remote %s", async (url, name, serverUrl, remoteUrl) => {
    initialise();
    git(repository, "remote", "add", "origin", url);
    git(repository, "config", "user.name", "Ada");
    const sha = git(repository, "rev-parse", "HEAD").trim();
    expect(await readGitFacts(repository)).toMatchObject({
      repository: name,
      serverUrl,
      remoteUrl,
      actor: "Ada",
      sha,
      ref: "refs/heads/main",
      refName: "main",
      refType: "branch",
      defaultBranch: "main",
    });
  });

  test("of a detached HEAD at a tag, of packed refs, without commits, outside git", async () => {
    expect(await readGitFacts(repository)).toMatchObject({ isGit: false, sha: "", repositoryName: "repo" });
    git(repository, "init", "-q", "-b", "trunk");
    expect(await readGitFacts(repository)).toMatchObject({ isGit: true, sha: "", ref: "refs/heads/trunk" });
    rmSync(join(repository, ".git"), { recursive: true });
    initialise();
    git(repository, "pack-refs", "--all");
    const sha = git(repository, "rev-parse", "HEAD").trim();
    expect(await readGitFacts(repository)).toMatchObject({ sha, ref: "refs/heads/main" });
    git(repository, "checkout", "-q", "--detach");
    expect(await readGitFacts(repository)).toMatchObject({ sha, ref: "refs/tags/v1.0", refName: "v1.0", refType: "tag", headBranch: "" });
  });
});

describe("the in-place lock", () => {
  test("refuses a second run with the holder's pid, until it is released", () => {
    const lockDirectory = join(base, "locks");
    const lock = lockTree({ tree: repository, lockDirectory, runId: "r1" });
    symlinkSync(repository, join(base, "alias"));
    expect(() => lockTree({ tree: join(base, "alias"), lockDirectory, runId: "r2" })).toThrow(`run r1 (pid ${process.pid})`);
    lockTree({ tree: base, lockDirectory, runId: "r3" })[Symbol.dispose]();
    lock[Symbol.dispose]();
    lockTree({ tree: repository, lockDirectory, runId: "r4" })[Symbol.dispose]();
  });

  test("goes with the process that holds it", async () => {
    const lockDirectory = join(base, "locks");
    const script = `import { lockTree } from ${JSON.stringify(new URL("./in-place-lock.ts", import.meta.url).href)};
      lockTree(${JSON.stringify({ tree: repository, lockDirectory, runId: "dead" })}); console.log("held"); setInterval(() => {}, 1e6);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      expect(() => lockTree({ tree: repository, lockDirectory, runId: "r2" })).toThrow(`run dead (pid ${child.pid})`);
    } finally {
      child.kill("SIGKILL");
      await once(child, "close");
    }
    lockTree({ tree: repository, lockDirectory, runId: "r3" })[Symbol.dispose]();
  });
});

test("removing a workspace: read-only folders, repositories inside, links that are not followed", async () => {
  initialise();
  const deep = join(workspace, "cache", "deep");
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "file"), "x");
  symlinkSync(repository, join(workspace, "link"));
  git(workspace, "init", "-q");
  chmodSync(join(deep, "file"), 0o400);
  for (const folder of [deep, dirname(deep)]) chmodSync(folder, 0o500);
  const before = tree(repository);
  await removeTree(workspace);
  expect(existsSync(workspace)).toBe(false);
  expect(tree(repository)).toEqual(before);
  await removeTree(workspace);
});

/** Permission bits do not bind root. */
test.runIf(process.getuid?.() === 0)("removing read-only folders as another user than root", () => {
  const nobody = 65534;
  const deep = join(workspace, "cache", "deep");
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "file"), "x");
  for (const folder of [deep, dirname(deep)]) chmodSync(folder, 0o500);
  for (const path of [base, join(base, "state"), runDirectory, dirname(workspace), workspace, dirname(deep), deep, join(deep, "file")]) {
    chownSync(path, nobody, nobody);
  }
  const result = spawnSync("rm", ["-r", workspace], { uid: nobody, gid: nobody, encoding: "utf8" });
  expect(result.stderr).toContain("Permission denied");
  // Given as text, because the other user may not be able to read the sources.
  const source = stripTypeScriptTypes(
    readFileSync(new URL("./remove-tree.ts", import.meta.url), "utf8").replace(/^import .*errors.ts";$/m, ""),
  );
  const script = `${source}\nawait removeTree(${JSON.stringify(workspace)});`;
  const removal = spawnSync("node", ["--input-type=module", "-e", script], { uid: nobody, gid: nobody, cwd: base, encoding: "utf8" });
  expect(removal).toMatchObject({ status: 0, stderr: "" });
  expect(existsSync(workspace)).toBe(false);
});
