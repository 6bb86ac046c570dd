// The workers of a simulation: at least one that takes everything, others with filters and credits of their own. They connect
// to whatever process runs, and their streams end at their own time.

import { asHubName, DEFAULT_HUB } from "../../src/model/ids.ts";
import type { WorkFilters } from "../../src/model/work-item.ts";
import { CLEARED_HUB } from "./clearing-client.ts";
import { PROGRAMS } from "./interpreter.ts";
import type { Random } from "./random.ts";
import type { SimStream, StreamProfile } from "./sim-stream.ts";
import { Worker, type WorkerOptions } from "./worker.ts";

const FILTERS: readonly [WorkFilters, ...WorkFilters[]] = [
  {},
  { orchestrations: [{ name: PROGRAMS.elsewhere }], activities: [], entities: [] },
  { orchestrations: [], entities: [{ name: "STOCK" }] },
  { orchestrations: [], activities: [{ name: "far" }], entities: [] },
  { activities: [{ name: "far", versions: [] }, { name: "far and narrow" }], entities: [{ name: "vault" }, { name: "nobody's" }] },
];

export class Fleet {
  readonly #options: WorkerOptions;
  readonly #workers: readonly Worker[];

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { random } = options.world;
    const some = Array.from({ length: random.int("workers", 0, 3) }, () => random.pick("filters", FILTERS));
    const everywhere: StreamProfile = { ...profile(random), hub: asHubName(CLEARED_HUB) };
    this.#workers = [
      new Worker("all", profile(random), options),
      ...some.map((filters, index) => new Worker(`some ${index}`, { ...profile(random), filters }, options)),
      new Worker("elsewhere", everywhere, options),
    ];
  }

  get streams(): readonly SimStream[] {
    return this.#workers.flatMap(({ stream }) => stream ?? []);
  }

  booted(): void {
    for (const worker of this.#workers) this.#connectSoon(worker);
  }

  left(): void {
    this.#options.sent.processLeft();
    for (const worker of this.#workers) worker.abandoned();
  }

  /** Streams end, and come again. */
  async beCut(): Promise<void> {
    const { world, weather } = this.#options;
    for (let cuts = weather().cuts; cuts > 0; cuts--) {
      await world.sleep(world.random.int("cut after", 1, 2_000));
      if (weather().cuts > 0) this.#restart(this.#workers[world.random.int("cut", 0, this.#workers.length - 1)]);
    }
  }

  /** A person looks: those that answer no more are started again. True if there was one. */
  restartSilent(): boolean {
    return this.#workers.filter((worker) => worker.restartIfSilent()).length > 0;
  }

  #restart(worker: Worker | undefined): void {
    if (worker === undefined) return;
    worker.cut(this.#options.world.random.chance("drains", 0.4));
    this.#connectSoon(worker);
  }

  #connectSoon(worker: Worker): void {
    const { world } = this.#options;
    world.after(world.random.int("connects after", 0, 100), () => worker.connect());
  }
}

function profile(random: Random): StreamProfile {
  const credit = (sort: string): number => random.pick(`credits (${sort})`, [1, 2, 100]);
  return {
    hub: DEFAULT_HUB,
    credits: { orchestration: credit("turns"), activity: credit("activities"), entity: credit("entities") },
    keepsWarm: random.chance("keeps warm", 0.6),
  };
}
