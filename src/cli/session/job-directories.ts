// Where a job works: its own workspace under the run's directory, as `<work>/<job>/<repository>`, with its temporary folder
// beside it; what a run's jobs share is the tool cache.

import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { HostDirectories, JobKey } from "../../model/host-port.ts";
import { fileError } from "./file-errors.ts";
import type { RunPaths } from "./run-directory.ts";

export function jobDirectories(
  paths: RunPaths,
  job: JobKey,
  place: { readonly repository: string; readonly inPlace: boolean },
): HostDirectories {
  const own = join(paths.work, job);
  const directories = {
    run: paths.directory,
    workspace: place.inPlace ? place.repository : join(own, basename(place.repository) || "repository"),
    temp: join(own, "_temp"),
    toolCache: join(paths.work, "_tool"),
  };
  try {
    for (const directory of [directories.workspace, directories.temp, directories.toolCache]) mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw fileError(`The folders of the job ${job} cannot be made under ${own}`, error, "Free space or give another --state DIR.");
  }
  return directories;
}
