import type { SignalboxError } from "../../model/errors.ts";
import { present } from "../../model/present.ts";
import type { Activity, Orchestrator } from "../../runtime/context.ts";
import type { Entity } from "../../runtime/entity.ts";
import type { ConnectionOptions } from "../connection-options.ts";
import type { WorkerEvent } from "./worker-event.ts";

export interface RemoteWorkerOptions extends ConnectionOptions {
  // oxlint-disable-next-line typescript/no-explicit-any -- a registry holds definitions of every input and output type
  readonly orchestrators: readonly Orchestrator<any, any>[];
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly activities: readonly Activity<any, any>[];
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly entities?: readonly Entity<any>[];
  /** Turns that may be with this worker at once; 200 if absent. */
  readonly maxConcurrentTurns?: number;
  /** Activities that run at once; 1,000 if absent. One with a `maxConcurrent` of its own keeps to that too. */
  readonly maxConcurrentActivities?: number;
  /** Batches of operations of entities that may be with this worker at once; 200 if absent. */
  readonly maxConcurrentEntities?: number;
  /** Live instances that are kept between their turns, if the server sends them only what is new; 10,000 if absent. */
  readonly maxWarmInstances?: number;
  /** The same, in bytes of history on the wire; 256 MiB if absent. */
  readonly maxWarmBytes?: number;
  /** In bytes of JSON, for one input, output or event; 16 MiB if absent. */
  readonly maxPayloadLength?: number;
  /** Told what a person who runs workers should know; by default it is written to stderr, but for `connected`. */
  readonly onEvent?: (event: WorkerEvent) => void;
}

export interface RemoteWorker extends AsyncDisposable {
  /** Resolves when the worker has stopped: with the error that ended it (a refused token, for one), or with undefined after `close`. */
  readonly stopped: Promise<SignalboxError | undefined>;
  /**
   * Takes no more work, lets what runs finish and reports it, up to the deadline (30 s by default); then what still runs is
   * aborted by its signal and given back.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/** What the options leave open. */
export interface WorkerLimits {
  readonly maxConcurrentTurns: number;
  readonly maxConcurrentActivities: number;
  readonly maxConcurrentEntities: number;
  readonly maxWarmInstances: number;
  readonly maxWarmBytes: number;
  readonly maxPayloadLength: number;
}

const DEFAULTS: WorkerLimits = {
  maxConcurrentTurns: 200,
  maxConcurrentActivities: 1_000,
  maxConcurrentEntities: 200,
  maxWarmInstances: 10_000,
  maxWarmBytes: 256 * 1024 * 1024,
  maxPayloadLength: 16 * 1024 * 1024,
};

export function workerLimits(options: RemoteWorkerOptions): WorkerLimits {
  const { maxConcurrentTurns, maxConcurrentActivities, maxConcurrentEntities } = options;
  const { maxWarmInstances, maxWarmBytes, maxPayloadLength } = options;
  const concurrent = present({ maxConcurrentTurns, maxConcurrentActivities, maxConcurrentEntities });
  return { ...DEFAULTS, ...concurrent, ...present({ maxWarmInstances, maxWarmBytes, maxPayloadLength }) };
}
