// The configuration that holds in a repository, includes resolved, and what of the repository's own goes along into a
// job's workspace.

import { git } from "./git.ts";

export interface ConfigEntry {
  readonly scope: string;
  /** `remote.origin.url`: section and name in lower case, the middle as it is. */
  readonly key: string;
  /** Absent: a key without `=`, which means true. */
  readonly value?: string;
}

export async function readConfig(cwd: string): Promise<readonly ConfigEntry[]> {
  const fields = (await git(["config", "--list", "--show-scope", "--includes", "-z"], { cwd })).toString().split("\0");
  const entries: ConfigEntry[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const scope = fields[index] ?? "";
    const text = fields[index + 1] ?? "";
    const end = text.indexOf("\n");
    entries.push(end < 0 ? { scope, key: text } : { scope, key: text.slice(0, end), value: text.slice(end + 1) });
  }
  return entries;
}

/** The last one wins, as in git. */
export function configValue(entries: readonly ConfigEntry[], key: string): string | undefined {
  return entries.findLast((entry) => entry.key === key)?.value;
}

/** What belongs to the place and not to the repository, would write elsewhere, runs hooks or gives credentials away. */
const LEFT_OUT =
  /^(core\.(bare|worktree|hookspath|fsmonitor|splitindex|untrackedcache|repositoryformatversion)|extensions\..*|include\..*|includeif\..*|credential\..*|http\..*extraheader|gc\..*|maintenance\..*)$/;
const KEPT_EXTENSIONS = /^extensions\.(objectformat|partialclone)$/;

/** The config file of a workspace: the repository's own settings, on a repository that stands for itself. */
export function workspaceConfig(entries: readonly ConfigEntry[]): string {
  const own = entries.filter(({ scope }) => scope === "local" || scope === "worktree");
  const extensions = own.filter(({ key }) => KEPT_EXTENSIONS.test(key));
  const kept = own.filter(({ key }) => !LEFT_OUT.test(key));
  const base: ConfigEntry[] = [
    { scope: "local", key: "core.repositoryformatversion", value: extensions.length > 0 ? "1" : "0" },
    { scope: "local", key: "core.bare", value: "false" },
    { scope: "local", key: "gc.auto", value: "0" },
  ];
  return [...base, ...extensions, ...kept].map(formatEntry).join("");
}

function formatEntry({ key, value }: ConfigEntry): string {
  const first = key.indexOf(".");
  const last = key.lastIndexOf(".");
  const section = key.slice(0, first);
  const subsection = first === last ? "" : ` "${key.slice(first + 1, last).replace(/["\\]/g, "\\$&")}"`;
  const name = key.slice(last + 1);
  if (value === undefined) return `[${section}${subsection}]\n\t${name}\n`;
  const quoted = value.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll("\b", "\\b");
  return `[${section}${subsection}]\n\t${name} = "${quoted}"\n`;
}
