// A run's name among all runs of the machine: ids are unique only in the state directory of their repository, and two
// runs of different repositories that start in the same tenth of a second have the same one. Whatever lies outside the
// run's directory (processes, scripts, sockets, keys) is named by this.

import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";

/** The directory must be there: it is named by where it really lies. */
export function runMark(runId: string, runDirectory: string): string {
  return `${runId}-${createHash("sha256").update(realpathSync(runDirectory)).digest("hex").slice(0, 10)}`;
}
