// What a start needs whatever the workflow file says: a place, its store, a host. Begun before the file has been parsed, so
// that the store's thread opens the file meanwhile. If the start comes to nothing the place is gone with the process.

import { rmSync } from "node:fs";
import type { Host } from "../../model/host-port.ts";
import type { Store } from "../../store/store.ts";
import type { RepositoryState, RunPaths } from "./run-directory.ts";
import type { SessionDependencies } from "./session-dependencies.ts";

export interface PreparedStart {
  readonly startedAt: number;
  readonly runId: string;
  readonly paths: RunPaths;
  readonly store: Promise<Store>;
  readonly host: Promise<Host>;
  /** The run's record is about to be written: the place stays. */
  keep(): void;
}

/** Throws STORE_IO if there can be no place for the run. */
export function prepareStart(dependencies: SessionDependencies, state: RepositoryState): PreparedStart {
  const startedAt = dependencies.now();
  const { runId, paths } = state.createRun(startedAt);
  const remove = () => removePlace(paths.directory);
  process.once("exit", remove);
  const store = dependencies.openStore(paths.store);
  const host = dependencies.createHost();
  // Each is awaited where its failure belongs.
  for (const work of [store, host]) work.catch(() => {});
  return { startedAt, runId, paths, store, host, keep: () => process.off("exit", remove) };
}

/** The store's thread may be creating its files at this very moment. What it leaves all the same, `prune` sweeps. */
function removePlace(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 5 });
  } catch {}
}
