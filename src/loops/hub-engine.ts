// An engine over all hubs of a store, with payloads as their senders serialised them: what servers stand on.

import type { SignalboxError } from "../model/errors.ts";
import type { AnyEntity } from "../runtime/entity.ts";
import type { AnyOrchestrator } from "../runtime/live-orchestration.ts";
import type { AnyActivity } from "../runtime/run-activity.ts";
import type { Store } from "../store/store.ts";
import type { CommittedTurn, StalledInstance } from "./engine.ts";
import type { EngineEnvironment } from "./environment.ts";
import type { Hub } from "./hub.ts";
import type { WorkerHub } from "./workers/worker-hub.ts";
import type { WorkerLimits } from "./workers/worker-limits.ts";

export interface HubsOptions {
  readonly store: Store;
  readonly environment: EngineEnvironment;
  /** Run in this process, in every hub. */
  readonly orchestrators?: readonly AnyOrchestrator[];
  readonly activities?: readonly AnyActivity[];
  readonly entities?: readonly AnyEntity[];
  /** How it deals with workers out of process. */
  readonly workers?: Partial<WorkerLimits>;
  /** Called after each commit, in order of commits. */
  readonly onCommitted?: (committed: readonly CommittedTurn[]) => void;
  /** Called for each instance that comes to a standstill, after that is committed. */
  readonly onStalled?: (stalled: StalledInstance) => void;
}

export interface HubEngine extends AsyncDisposable {
  /** Resolves when the engine has stopped: with the error that ended it, or with undefined after `close`. */
  readonly stopped: Promise<SignalboxError | undefined>;
  /** Resolves when it has begun to go on with what an earlier process left, or has stopped before. */
  readonly takenUp: Promise<void>;
  /** The calls of one hub; a hub is there as soon as it is named. */
  hub(name: string): Hub;
  /** Workers out of process get everything that is not run here. */
  readonly workers: WorkerHub;
  /** E14: stops accepting and dispatching, drains to the deadline, makes the last commit, releases the store. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}
