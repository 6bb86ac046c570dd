import type { SignalboxError } from "../model/errors.ts";
import type { InstanceRef, InstanceRow } from "../model/parts.ts";
import type { AnyEntity } from "../runtime/entity.ts";
import type { Store } from "../store/store.ts";
import type { Definitions } from "./definitions.ts";
import type { CommittedTurn, StalledInstance } from "./engine.ts";
import type { ActivityExecutor, EngineEnvironment, EngineLimits } from "./environment.ts";
import type { WorkerLimits } from "./workers/worker-limits.ts";

export interface LoopOptions {
  readonly store: Store;
  readonly definitions: Definitions;
  readonly environment: EngineEnvironment;
  readonly entities: readonly AnyEntity[];
  readonly executor: ActivityExecutor;
  readonly limits: EngineLimits;
  /** Present: what is not run in this process goes to workers that connect. */
  readonly workers?: WorkerLimits;
  /** Asks for a tick, once until the next one. */
  readonly wake: () => void;
  readonly observer: LoopObserver;
}

/** Told after commits, in their order (E3). */
export interface LoopObserver {
  turned(row: InstanceRow, hasEnded: boolean): void;
  committed(turns: readonly CommittedTurn[]): void;
  stalled(instance: StalledInstance): void;
  /** Instances of other nodes have begun or ended; undefined: any may have. */
  changedElsewhere(refs: readonly InstanceRef[] | undefined): void;
  ended(error: SignalboxError | undefined): void;
}
