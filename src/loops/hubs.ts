// The one loop over all hubs of a store, and the calls that lead to it.

import { SignalboxError } from "../model/errors.ts";
import type { Store } from "../store/store.ts";
import { Calls } from "./calls.ts";
import { Definitions } from "./definitions.ts";
import { EngineHub } from "./engine-hub.ts";
import { DEFAULT_LIMITS, type EngineEnvironment, type EngineLimits } from "./environment.ts";
import type { Hub } from "./hub.ts";
import type { HubEngine, HubsOptions } from "./hub-engine.ts";
import { InProcessExecutor } from "./in-process-executor.ts";
import { InstanceLoop } from "./instance-loop.ts";
import { sharedClock } from "./shared-clock.ts";
import { Waiters } from "./waiters.ts";
import { WorkerDesk } from "./workers/worker-desk.ts";
import { DEFAULT_WORKER_LIMITS } from "./workers/worker-limits.ts";

const DEFAULT_DRAIN_MS = 5_000;

export class Hubs implements HubEngine {
  readonly loop: InstanceLoop;
  readonly stopped: Promise<SignalboxError | undefined>;
  readonly #tookUp = Promise.withResolvers<void>();
  readonly takenUp: Promise<void> = this.#tookUp.promise;
  readonly limits: EngineLimits;
  readonly workers: WorkerDesk;
  readonly #store: Store;
  readonly #environment: EngineEnvironment;
  readonly #waiters = new Waiters();
  readonly #calls: Calls;
  #isClosing = false;

  constructor(options: HubsOptions & { readonly wake: () => void }) {
    const { store, onCommitted, onStalled } = options;
    const { sharing } = store;
    const environment =
      sharing === undefined ? options.environment : { ...options.environment, clock: sharedClock(options.environment.clock, sharing) };
    const tell = (telling: () => void): void => {
      try {
        telling();
      } catch (error) {
        environment.defect(error);
      }
    };
    this.#store = store;
    this.#environment = environment;
    this.limits = { ...DEFAULT_LIMITS, ...environment.limits };
    const { promise, resolve } = Promise.withResolvers<SignalboxError | undefined>();
    this.stopped = promise;
    this.loop = new InstanceLoop({
      store,
      definitions: new Definitions(options.orchestrators ?? []),
      environment,
      entities: options.entities ?? [],
      executor: environment.executor ?? new InProcessExecutor(options.activities ?? [], this.limits.maxPayloadLength),
      limits: this.limits,
      ...(options.workers !== undefined && { workers: { ...DEFAULT_WORKER_LIMITS, ...options.workers } }),
      wake: options.wake,
      observer: {
        turned: (row) => this.#waiters.told(row),
        committed: (turns) => tell(() => onCommitted?.(turns)),
        changedElsewhere: (refs) => this.#waiters.lookAgain(refs, (key) => store.instance(key, true)),
        stalled: (stalled) => tell(() => onStalled?.(stalled)),
        ended: (error) => {
          const over = error ?? new SignalboxError("SHUT_DOWN", "The engine has shut down.");
          this.#calls.end(over);
          this.workers.end(over);
          this.#waiters.rejectAll(over);
          resolve(error);
        },
      },
    });
    this.#calls = new Calls(this.loop, this.limits);
    this.workers = new WorkerDesk(this.loop);
  }

  /** Takes up what an earlier process left. */
  open(): void {
    this.loop.open(() => this.#tookUp.resolve());
    // It never will, and nobody is to wait for it.
    void this.stopped.then(() => this.#tookUp.resolve());
  }

  checkOpen(): void {
    this.#calls.checkOpen();
  }

  hub(name: string): Hub {
    return new EngineHub(name, {
      store: this.#store,
      environment: this.#environment,
      limits: this.limits,
      calls: this.#calls,
      waiters: this.#waiters,
      deliveries: this.loop.deliveries,
      revive: (ref) => this.loop.post({ kind: "Revived", ref }),
    });
  }

  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#calls.end(new SignalboxError("SHUT_DOWN", "The engine is shutting down."));
      this.loop.post({ kind: "StopAsked" });
      const { clock } = this.#environment;
      const cancel = clock.setTimer(options.drainMs ?? DEFAULT_DRAIN_MS, () => this.loop.post({ kind: "DrainEnded" }));
      await this.stopped;
      cancel();
      await this.#store[Symbol.asyncDispose]();
      return;
    }
    await this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
