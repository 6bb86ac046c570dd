// What the github context says about the repository: from its files and one `git config`.

import { readdirSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, join } from "node:path";
import { git, tryGit } from "./git.ts";
import { type ConfigEntry, configValue, readConfig } from "./git-config.ts";
import { findRepository, type RepositoryLayout, readText } from "./repository-layout.ts";

export interface GitFacts {
  /** The root of the working tree; outside git the folder itself. */
  readonly root: string;
  readonly isGit: boolean;
  /** "" if there is no commit. */
  readonly sha: string;
  /** refs/heads/x, refs/tags/x if HEAD is detached at one, else "HEAD". */
  readonly ref: string;
  readonly refName: string;
  readonly refType: "branch" | "tag";
  /** "" if HEAD is detached. */
  readonly headBranch: string;
  readonly defaultBranch: string;
  /** owner/name, from the remote; without one the user's and the folder's names. */
  readonly repository: string;
  readonly repositoryOwner: string;
  readonly repositoryName: string;
  readonly serverUrl: string;
  /** "" if there is none; without credentials. */
  readonly remoteUrl: string;
  /** user.name of the configuration, else the login name. */
  readonly actor: string;
}

export async function readGitFacts(folder: string): Promise<GitFacts> {
  const layout = findRepository(folder);
  if (layout === undefined) return describe(folder, false, { sha: "", branch: "main" }, [], "main");
  const [config, head] = await Promise.all([readConfig(layout.worktree), readHead(layout)]);
  return describe(layout.worktree, true, head, config, defaultBranch(layout, config));
}

interface Head {
  readonly sha: string;
  readonly branch: string;
  readonly tag?: string;
}

function describe(root: string, isGit: boolean, head: Head, config: readonly ConfigEntry[], main: string): GitFacts {
  const remote = parseRemote(remoteUrl(config));
  const actor = configValue(config, "user.name") || loginName();
  const owner = remote?.owner || loginName();
  const name = remote?.name || basename(root) || "repository";
  const refType = head.branch === "" && head.tag !== undefined ? "tag" : "branch";
  const refName = head.branch || head.tag || "HEAD";
  return {
    root,
    isGit,
    sha: head.sha,
    ref: head.branch ? `refs/heads/${head.branch}` : head.tag ? `refs/tags/${head.tag}` : "HEAD",
    refName,
    refType,
    headBranch: head.branch,
    defaultBranch: main,
    repository: `${owner}/${name}`,
    repositoryOwner: owner,
    repositoryName: name,
    serverUrl: remote?.serverUrl ?? "https://github.com",
    remoteUrl: remote?.url ?? "",
    actor,
  };
}

async function readHead(layout: RepositoryLayout): Promise<Head> {
  const text = readText(join(layout.gitDirectory, "HEAD"))?.trim() ?? "";
  const ref = /^ref:\s*(.*)$/.exec(text)?.[1];
  if (ref === undefined) return { sha: text, branch: "", ...(await tagAt(layout, text)) };
  const sha = ref === "refs/heads/.invalid" ? undefined : resolveRef(layout, ref);
  if (sha !== undefined) return { sha, branch: branchName(ref) };
  if (existsRefTable(layout)) return await askGit(layout);
  return { sha: "", branch: branchName(ref) };
}

function resolveRef(layout: RepositoryLayout, ref: string, depth = 0): string | undefined {
  const loose = readText(join(layout.commonDirectory, ref))?.trim();
  if (loose !== undefined) {
    const symbolic = /^ref:\s*(.*)$/.exec(loose)?.[1];
    return symbolic === undefined ? loose : depth < 5 ? resolveRef(layout, symbolic, depth + 1) : undefined;
  }
  const packed = readText(join(layout.commonDirectory, "packed-refs")) ?? "";
  const end = packed.indexOf(` ${ref}\n`);
  return end < 0 ? undefined : packed.slice(packed.lastIndexOf("\n", end) + 1, end);
}

function existsRefTable(layout: RepositoryLayout): boolean {
  try {
    return readdirSync(join(layout.commonDirectory, "reftable")).length > 0;
  } catch {
    return false;
  }
}

async function askGit(layout: RepositoryLayout): Promise<Head> {
  const call = { cwd: layout.worktree };
  const [branch, commit] = await Promise.all([
    tryGit(["symbolic-ref", "-q", "HEAD"], call),
    tryGit(["rev-parse", "-q", "--verify", "HEAD"], call),
  ]);
  const sha = commit.code === 0 ? commit.stdout.toString().trim() : "";
  if (branch.code === 0) return { sha, branch: branchName(branch.stdout.toString().trim()) };
  return { sha, branch: "", ...(await tagAt(layout, sha)) };
}

async function tagAt(layout: RepositoryLayout, sha: string): Promise<{ readonly tag?: string }> {
  const args = ["for-each-ref", "--points-at", sha, "--sort=-version:refname", "--count=1", "--format=%(refname:lstrip=2)", "refs/tags"];
  const tag = (await git(args, { cwd: layout.worktree })).toString().trim();
  return tag === "" ? {} : { tag };
}

function branchName(ref: string): string {
  return ref.replace(/^refs\/heads\//, "");
}

function defaultBranch(layout: RepositoryLayout, config: readonly ConfigEntry[]): string {
  const remoteHead = readText(join(layout.commonDirectory, "refs", "remotes", remoteName(config), "HEAD"))?.trim();
  const named = remoteHead === undefined ? undefined : /^ref:\s*refs\/remotes\/[^/]+\/(.*)$/.exec(remoteHead)?.[1];
  if (named !== undefined) return named;
  const candidates = ["main", "master", configValue(config, "init.defaultbranch") ?? ""];
  return candidates.find((branch) => branch !== "" && resolveRef(layout, `refs/heads/${branch}`) !== undefined) ?? "main";
}

function remoteName(config: readonly ConfigEntry[]): string {
  const names = config.map(({ key }) => /^remote\.(.+)\.url$/.exec(key)?.[1]).filter((name) => name !== undefined);
  return names.includes("origin") ? "origin" : (names[0] ?? "origin");
}

function remoteUrl(config: readonly ConfigEntry[]): string | undefined {
  return config.find(({ key }) => key === `remote.${remoteName(config)}.url`)?.value;
}

interface Remote {
  readonly url: string;
  readonly serverUrl: string;
  readonly owner: string;
  readonly name: string;
}

/** https://host/owner/name.git, ssh://git@host/owner/name, git@host:owner/name.git; local paths name only themselves. */
function parseRemote(url: string | undefined): Remote | undefined {
  if (url === undefined) return undefined;
  const scp = /^(?:[^@/]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(url);
  const web = /^([a-z+]+):\/\/(?:[^@/]*@)?([^/:]+)(:\d+)?\/(.+)$/i.exec(url);
  const host = web?.[2] ?? scp?.[1];
  const path = (web?.[4] ?? scp?.[2] ?? "").replace(/\/+$/, "").replace(/\.git$/, "");
  const parts = path.split("/").filter((part) => part !== "");
  const [owner, name] = [parts.at(-2), parts.at(-1)];
  if (host === undefined || owner === undefined || name === undefined) return undefined;
  const isHttp = /^https?$/i.test(web?.[1] ?? "");
  const server = isHttp ? `${web?.[1]?.toLowerCase()}://${host}${web?.[3] ?? ""}` : `https://${host}`;
  const clean = url.replace(/^([a-z+]+:\/\/)[^@/]*@/i, isHttp ? "$1" : "$1git@");
  return { url: clean, serverUrl: server, owner, name };
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return "user";
  }
}
