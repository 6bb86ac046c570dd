import type { WaitingOperation } from "../engine/entity-triage.ts";
import type { InstanceState } from "../engine/state.ts";
import type { Entry } from "./entry.ts";

/** Operations that an entity of this process serves, as they were begun. */
export interface LocalBatch {
  readonly entry: Entry;
  readonly state: InstanceState;
  readonly operations: readonly WaitingOperation[];
  readonly time: number;
}
