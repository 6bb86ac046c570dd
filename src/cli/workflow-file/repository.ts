// Where the repository is and where runs are kept.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { CommandContext } from "../command-context.ts";
import type { SessionEnvironment } from "../session/session.ts";

/** The nearest folder above with a `.git` (a folder, or a file in a work tree); outside a repository the folder itself. */
export function repositoryOf(directory: string): string {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return directory;
  }
}

export function sessionEnvironment(context: CommandContext, state: string | undefined): SessionEnvironment {
  const { environment, workingDirectory } = context;
  const xdg = environment["XDG_STATE_HOME"];
  // The XDG specification: a path that is not absolute is ignored.
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(environment["HOME"] ?? homedir(), ".local", "state");
  return {
    stateDirectory: state === undefined ? join(base, "signalbox") : resolve(workingDirectory, state),
    repository: repositoryOf(workingDirectory),
    environment,
  };
}
