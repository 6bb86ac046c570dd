import { execFile } from "node:child_process";
import { relative } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { SessionEnvironment } from "../session/session.ts";

/** A state directory inside the repository would be checked out by every job, earlier runs in it included. */
export async function refuseStateInRepository({ stateDirectory, repository }: SessionEnvironment): Promise<void> {
  const inside = relative(repository, stateDirectory);
  if (inside.startsWith("..") || (await isIgnored(repository, inside))) return;
  throw new SignalboxError(
    "INVALID_ARGUMENT",
    `The state directory ${stateDirectory} lies inside the repository ${repository}: jobs would check out earlier runs. Give --state a folder outside, or have git ignore it.`,
  );
}

function isIgnored(repository: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile("git", ["check-ignore", "--quiet", path === "" ? "." : path], { cwd: repository }, (error) => resolve(error === null));
  });
}
