// What steps inherit: a short list, so that a run does not depend on what else the terminal happens to hold. What the
// start of Signalbox itself added (through npm or npx) is not the user's and is taken out.

import { SignalboxError } from "../../model/errors.ts";
import type { NamedText } from "./parsers.ts";

type Environment = { readonly [name: string]: string | undefined };

const INHERITED =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.+|TZ|TMPDIR|(?:https?|ftp|all|no)_proxy|(?:HTTPS?|FTP|ALL|NO)_PROXY|SSH_AUTH_SOCK|SSH_AGENT_PID)$/;
const OF_OUR_START = /^(?:npm_.+|INIT_CWD|NODE_OPTIONS|NODE_COMPILE_CACHE|COLOR|NODE)$/;

export interface EnvironmentOptions {
  readonly env?: readonly NamedText[];
  readonly inheritEnv?: boolean;
}

export function baseEnvironment(options: EnvironmentOptions, environment: Environment): { readonly [name: string]: string } {
  const base: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) continue;
    if (INHERITED.test(name) || (options.inheritEnv === true && !isOfOurStart(name, environment))) base[name] = value;
  }
  if (base["PATH"] !== undefined && environment["npm_lifecycle_event"] !== undefined) base["PATH"] = withoutNpmFolders(base["PATH"]);
  for (const { name, value } of options.env ?? []) {
    const found = value ?? environment[name];
    if (found === undefined) {
      throw new SignalboxError("INVALID_ARGUMENT", `--env ${name}: the environment has no variable ${name}. Set it, or give --env ${name}=value.`);
    }
    base[name] = found;
  }
  return base;
}

/** NODE_OPTIONS set by the person for their own work is kept only where npm did not start us. */
function isOfOurStart(name: string, environment: Environment): boolean {
  return OF_OUR_START.test(name) && (name.startsWith("npm_") || environment["npm_lifecycle_event"] !== undefined || name === "NODE_OPTIONS");
}

/** npm puts its own folders in front: `node_modules/.bin` of every folder above, and its `node-gyp-bin`. */
function withoutNpmFolders(path: string): string {
  return path
    .split(":")
    .filter((folder) => !/\/node_modules\/\.bin\/?$/.test(folder) && !/\/node-gyp-bin\/?$/.test(folder))
    .join(":");
}
