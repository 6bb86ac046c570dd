// An attempt that is running, as cancel and timeout see it: a reason to stop, kept from the first moment on, and the
// processes to end. An action starts one process after the other; none starts after the stop (B12).

import { endProcesses, type Graces, type Survivor } from "../process/end-processes.ts";
import type { StartedProcess } from "../process/start-process.ts";
import type { Leader, StepLineage, StepProcesses } from "../process/step-processes.ts";

/** A shutdown leaves the attempt without an end: it was interrupted, and is attempted again. */
export type StopReason = "cancel" | "timeout" | "shutdown";

export interface RunningStepOptions {
  readonly processes: StepProcesses;
  readonly marker: string;
  readonly since: number;
  readonly graces: Graces;
}

export class RunningStep {
  readonly lineage: StepLineage;
  readonly #leaders: Leader[] = [];
  readonly #options: RunningStepOptions;
  readonly #ended = Promise.withResolvers<void>();
  #current: StartedProcess | undefined;
  #stop: { readonly reason: StopReason; readonly sweep: Promise<readonly Survivor[]> } | undefined;

  /** Beside the sweep with its graces, which ends as soon as it finds nothing. */
  #hurry: Promise<readonly Survivor[]> | undefined;

  constructor(options: RunningStepOptions) {
    this.#options = options;
    this.lineage = { leaders: this.#leaders, marker: options.marker, since: options.since };
    options.processes.add(this.lineage);
  }

  get stopReason(): StopReason | undefined {
    return this.#stop?.reason;
  }

  /** Settles when the attempt's result is in the spool. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  started(process: StartedProcess): void {
    this.#current = process;
    this.#leaders.push(process);
  }

  /** Ends all that the attempt has started; again and again the same sweep. A shutdown does not wait for the graces of a cancel. */
  stop(reason: StopReason, graces = this.#options.graces): Promise<readonly Survivor[]> {
    this.#stop ??= { reason, sweep: this.#sweep(graces) };
    if (reason !== "shutdown" || this.#stop.reason === "shutdown") return this.#stop.sweep;
    this.#hurry ??= this.#sweep(graces);
    return this.#hurry;
  }

  /** A stop that is under way has done its work. */
  async swept(): Promise<readonly Survivor[]> {
    return (await this.#stop?.sweep) ?? [];
  }

  end(): void {
    this.#ended.resolve();
  }

  async #sweep(graces: Graces): Promise<readonly Survivor[]> {
    const { processes } = this.#options;
    const own = new Set([this.lineage]);
    const group = this.#current?.pid;
    const survivors = await endProcesses({ find: () => processes.find(own), graces, ...(group === undefined ? {} : { group }) });
    if (survivors.length > 0) this.#current?.abandon();
    return survivors;
  }
}
