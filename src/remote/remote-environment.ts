import type { Clock, Ids } from "../loops/environment.ts";
import type { Hop } from "../runtime/run-turns.ts";

/** All that clients and workers of a remote server get from outside. */
export interface RemoteEnvironment {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly hop: Hop;
  /** From 0 up to, not including, 1: spreads the pauses of many workers that lost the same server. */
  readonly random: () => number;
  /** A listener of the program's own threw; real ones rethrow out of band. */
  readonly defect: (error: unknown) => void;
}
