// Ended instances go when they are older than what the server is told to keep: in every hub, a piece at a time, so that other
// work has its turn between two pieces.

import { TERMINAL_STATUSES } from "../engine/start-child.ts";
import type { Clock } from "../loops/environment.ts";
import type { Hub } from "../loops/hub.ts";
import type { HubEngine } from "../loops/hub-engine.ts";
import { isSignalboxError } from "../model/errors.ts";
import type { HubName } from "../model/ids.ts";
import type { ReadStore } from "../store/store.ts";
import type { ServerLog } from "./telemetry/log.ts";

/** Instances that go at once. */
const PIECE = 100;
const HUBS_AT_ONCE = 100;
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

export interface RetentionPorts {
  readonly engine: Pick<HubEngine, "hub">;
  readonly store: Pick<ReadStore, "hubs">;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly purged: (count: number) => void;
}

export class Retention implements AsyncDisposable {
  readonly #keepMs: number;
  readonly #ports: RetentionPorts;
  #isStopped = false;
  #cancel: () => void = () => undefined;
  #sweep: Promise<void> = Promise.resolve();

  constructor(keepMs: number, ports: RetentionPorts) {
    this.#keepMs = keepMs;
    this.#ports = ports;
  }

  start(): void {
    this.#sweep = this.#sweepAll().then(() => {
      if (this.#isStopped) return;
      const pauseMs = Math.min(Math.max(this.#keepMs / 10, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
      this.#cancel = this.#ports.clock.setTimer(pauseMs, () => this.start());
    });
  }

  /** What is being purged is finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#sweep;
  }

  async #sweepAll(): Promise<void> {
    const { engine, store, clock, log, purged } = this.#ports;
    const completedTo = clock.now() - this.#keepMs;
    let total = 0;
    try {
      for (let after: HubName | undefined; !this.#isStopped; ) {
        const hubs = await store.hubs(after, HUBS_AT_ONCE);
        for (const hub of hubs) total += await this.#sweepHub(engine.hub(hub), completedTo);
        after = hubs.at(-1);
        if (after === undefined) break;
      }
    } catch (error) {
      // The next sweep begins where this one failed; what ends the engine is told by the engine.
      if (!this.#isStopped) log.error({ err: error }, "old instances could not be purged");
    }
    if (total === 0) return;
    purged(total);
    log.info({ count: total }, "purged old instances");
  }

  async #sweepHub(hub: Hub, completedTo: number): Promise<number> {
    let count = 0;
    for (let after: string | undefined; !this.#isStopped; ) {
      const page = { limit: PIECE, withPayloads: false, ...(after !== undefined && { after }) };
      const { rows, next } = await hub.query({ status: TERMINAL_STATUSES, completedTo }, page);
      const gone = await Promise.all(rows.map(({ instanceId }) => purgeOne(hub, instanceId)));
      for (const one of gone) count += one;
      if (next === undefined) break;
      after = next;
    }
    return count;
  }
}

/** One that has been started again, or purged by somebody else, is left alone. */
async function purgeOne(hub: Hub, instanceId: string): Promise<number> {
  try {
    return await hub.purge(instanceId, false);
  } catch (error) {
    if (isSignalboxError(error, "NOT_FOUND") || isSignalboxError(error, "FAILED_PRECONDITION")) return 0;
    throw error;
  }
}
