// What steps inherit from the person's shell: a short list, recorded when the run starts, so that a run does not depend
// on what else the terminal happens to hold. What the start of Signalbox itself has added (npm's variables, its own
// folders in PATH) is not the person's and goes.

import { basename, delimiter, dirname } from "node:path";

const NAMES: ReadonlySet<string> = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
  "SSH_AUTH_SOCK",
  "SSH_AGENT_PID",
]);
const PROXY = /^(https?|ftp|all|no)_proxy$/i;
const ADDED_BY_START = /^(npm_.*|INIT_CWD|NODE_OPTIONS|NODE_COMPILE_CACHE|NODE|COLOR|SIGNALBOX_.*)$/i;
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

type Environment = { readonly [name: string]: string | undefined };

export interface BaseEnvironmentChoice {
  /** `--inherit-env`: everything but what the start added. */
  readonly inheritsAll: boolean;
  /** `--env NAME[=v]`. */
  readonly extra: { readonly [name: string]: string };
  /** The folder of the program that runs Signalbox, where npm has put it in front. */
  readonly ownFolders: readonly string[];
}

export function baseEnvironment(environment: Environment, choice: BaseEnvironmentChoice): { readonly [name: string]: string } {
  const base: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || ADDED_BY_START.test(name)) continue;
    if (choice.inheritsAll || NAMES.has(name) || name.startsWith("LC_") || PROXY.test(name)) base[name] = value;
  }
  base["PATH"] = personsPath(environment["PATH"] || DEFAULT_PATH, choice.ownFolders);
  return { ...base, ...choice.extra };
}

function personsPath(path: string, ownFolders: readonly string[]): string {
  const own = new Set(ownFolders);
  return path
    .split(delimiter)
    .filter((folder) => folder !== "" && !own.has(folder) && !isPackageBin(folder) && !folder.endsWith("/node-gyp-bin"))
    .join(delimiter);
}

/** `node_modules/.bin` of any project: only npm puts these into PATH. */
function isPackageBin(folder: string): boolean {
  return basename(folder) === ".bin" && basename(dirname(folder)) === "node_modules";
}
