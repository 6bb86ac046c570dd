// The machine on which one process after another runs the engine. It dies by the weather, boots again, and is the same disk
// all the time. What it checks at each boot: the store holds what was committed, and no former owner changes it.

import type { HubClient } from "../../src/loops/engine.ts";
import { DEFAULT_LIMITS, type EngineEnvironment } from "../../src/loops/environment.ts";
import type { HubEngine } from "../../src/loops/hub-engine.ts";
import { createHubs } from "../../src/loops/open-engine.ts";
import { TypedHub } from "../../src/loops/typed-hub.ts";
import { DEFAULT_HUB } from "../../src/model/ids.ts";
import type { Batch, Store } from "../../src/store/store.ts";
import { type Deliveries, SimulatedActivities } from "./activities.ts";
import type { Backend, OpenedStore } from "./backends.ts";
import type { CommitChecks } from "./commit-checks.ts";
import { programOrchestrator } from "./interpreter.ts";
import { e2StoreHoldsWholeCommits, e3ToldFollowsCommit, e4FormerOwnerChangesNothing, e7InboxIsReadWhole } from "./invariants.ts";
import type { Plant } from "./plant.ts";
import { simulatedEntities } from "./sim-entity.ts";
import { type Life, SimStore } from "./sim-store.ts";
import { CALM, type Weather } from "./weather.ts";
import type { World } from "./world.ts";

const MAX_DELAY_MS = 2 ** 31 - 1;

/** One process, from its boot to its end. */
export interface Process extends Life {
  readonly hubs: HubEngine;
  /** The calls of the hub that most of it happens in, and of any other. */
  readonly engine: HubClient;
  readonly client: (hub: string) => HubClient;
  readonly activities: SimulatedActivities;
  readonly over: Promise<void>;
}

export interface MachineOptions {
  readonly world: World;
  readonly backend: Backend;
  readonly checks: CommitChecks;
  readonly deliveries: Deliveries;
  readonly weather: Weather;
  readonly plant: Plant;
  /** A process has begun, or has ended: its workers connect, or lose their connection. */
  readonly booted: (process: Process) => void;
  readonly left: (process: Process) => void;
}

export class Machine {
  readonly #options: MachineOptions;
  #weather: Weather;
  #lives = 0;
  #deaths = 0;
  #process: (Process & { readonly end: () => void; readonly store: SimStore; readonly opened: OpenedStore }) | undefined;
  #booted = Promise.withResolvers<Process>();
  /** Sent by processes that have died since, and never carried out. */
  #unsent: { readonly batch: Batch }[] = [];

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#weather = options.weather;
  }

  get weather(): Weather {
    return this.#weather;
  }

  /** The process that runs, if one does. */
  get running(): Process | undefined {
    return this.#process;
  }

  get deaths(): number {
    return this.#deaths;
  }

  /** What lies on the disk, once the last process has come to rest. */
  get disk(): Store {
    if (this.#process === undefined) throw new Error("no process has the disk open");
    return this.#process.opened.store;
  }

  get hasLostReports(): boolean {
    return this.#process?.activities.hasLost ?? false;
  }

  /** The process that runs, or the next one that will. */
  process(): Promise<Process> {
    return this.#booted.promise;
  }

  /** From now on nothing goes wrong. */
  calmDown(): void {
    const { limits, checkReplays, workers } = this.#options.weather;
    this.#weather = { ...CALM, limits, checkReplays, workers: { ...CALM.workers, limits: workers.limits } };
  }

  async boot(): Promise<void> {
    const { world, backend, checks, plant } = this.#options;
    const disk = await backend.open();
    const opened = plant.opened?.(disk) ?? disk;
    await this.#checkDisk(opened);
    checks.ledger.told();
    checks.ledger.outstanding.clear();
    const life: Life & { over: Promise<void>; end: () => void } = { number: ++this.#lives, isAlive: true, ...ending() };
    const store = new SimStore({
      world,
      opened,
      checks,
      life,
      weather: () => this.#weather,
      crash: (why) => this.#mayDie() && this.crash(why),
    });
    const maxActivities = this.#weather.limits.maxActivities ?? DEFAULT_LIMITS.maxActivities;
    const activities = new SimulatedActivities(world, checks.ledger, this.#options.deliveries, () => this.#weather, maxActivities, life);
    const wake = (): void => {
      world.after(0, () => {
        if (life.isAlive) void hubs.loop.tick();
      });
    };
    const environment = this.#environment(life, activities);
    const hubs = createHubs({
      store,
      orchestrators: [programOrchestrator("here", this.#lives === 1 ? "old" : "new")],
      entities: simulatedEntities("here"),
      environment,
      workers: this.#weather.workers.limits,
      wake: plant.wake?.(wake) ?? wake,
      onCommitted: (told) => {
        for (const each of told) world.check("E3", e3ToldFollowsCommit(checks.ledger, each));
      },
    });
    world.trace(`boot ${life.number}`);
    void hubs.stopped.then((error) => {
      if (error !== undefined && life.isAlive) this.#stopped(store, error);
    });
    const client = (hub: string): HubClient => {
      const typed = new TypedHub(hubs.hub(hub), environment.ids, DEFAULT_LIMITS.maxPayloadLength);
      return plant.client?.(typed) ?? typed;
    };
    const process = Object.assign(life, { hubs, engine: client(DEFAULT_HUB), client, activities, store, opened });
    this.#process = process;
    this.#options.booted(process);
    this.#booted.resolve(process);
  }

  /** Kill -9. Answers true, for those who ask whether they died. */
  crash(why: string): boolean {
    const process = this.#process;
    if (process === undefined) return false;
    this.#deaths += 1;
    this.#options.world.trace(`crash ${why}`);
    for (const batch of process.store.waiting) this.#unsent.push({ batch });
    this.#leave();
    return true;
  }

  /** E14: an orderly end. */
  async shutDown(): Promise<void> {
    const { world } = this.#options;
    const process = this.#process;
    if (process === undefined) return;
    world.trace("shutdown");
    this.#deaths += 1;
    const closed = process.hubs.close({ drainMs: world.random.int("drainMs", 0, 500) });
    await Promise.race([closed, process.over]);
    if (this.#process !== process) return;
    if (process.store.waiting.size > 0) world.violate("E14", "the engine has closed and left batches behind");
    this.#leave();
  }

  mayDie(): boolean {
    return this.#mayDie();
  }

  #mayDie(): boolean {
    return this.#process !== undefined && this.#deaths < this.#weather.maxDeaths;
  }

  #leave(): void {
    const { world } = this.#options;
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.isAlive = false;
    this.#options.left(process);
    this.#booted = Promise.withResolvers();
    process.end();
    // What happens now still belongs to the dying process: its disk closes when it is gone.
    world.after(0, () => void process.opened.die());
    world.after(world.random.int("boots after", 1, 500), () => {
      this.boot().catch((error: unknown) => world.violate("E15", `the store cannot be opened again: ${String(error)}`));
    });
  }

  #stopped(store: SimStore, error: Error): void {
    if (!store.hasFailed) return this.#options.world.violate("E14", `the loop ended: ${error.message} ${error.stack}`);
    this.#deaths += 1;
    this.#leave();
  }

  async #checkDisk(opened: OpenedStore): Promise<void> {
    const { world, checks } = this.#options;
    for (const { batch } of this.#unsent.splice(0)) {
      const outcome = await opened.store.commit(batch).then(
        () => "committed" as const,
        () => "refused" as const,
      );
      world.check("E4", e4FormerOwnerChangesNothing(outcome));
    }
    for (const ref of checks.ledger.instances.keys()) {
      const stored = await opened.store.load(ref);
      world.check("E2", e2StoreHoldsWholeCommits(checks.ledger, ref, stored));
      world.check("E7", e7InboxIsReadWhole(checks.ledger, ref, stored));
    }
  }

  #environment(life: Life, executor: SimulatedActivities): EngineEnvironment {
    const { world, plant } = this.#options;
    const ifAlive = (callback: () => void) => () => {
      if (life.isAlive) callback();
    };
    const clock = {
      now: () => world.wall,
      monotonic: () => world.now,
      setTimer: (delayMs: number, callback: () => void) => {
        if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) world.violate("Time", `a timer of ${delayMs} ms is armed`);
        return world.after(delayMs, ifAlive(callback));
      },
    };
    return {
      clock: plant.clock?.(clock) ?? clock,
      ids: { uuid: () => world.random.uuid() },
      hop: (callback) => void world.after(0, ifAlive(callback)),
      executor: plant.executor?.(executor) ?? executor,
      limits: this.#weather.limits,
      checkReplays: this.#weather.checkReplays,
      defect: (error) => world.violate("defect", String(error)),
    };
  }
}

function ending(): { readonly over: Promise<void>; readonly end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { over: promise, end: resolve };
}
