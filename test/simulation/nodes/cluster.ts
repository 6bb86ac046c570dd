// Nodes on one store: they join, leave, crash, and freeze and wake when others have long taken over. Each has a clock of its
// own, which is wrong. Hints take their time, come twice, or never.

import type { HubClient } from "../../../src/loops/engine.ts";
import { DEFAULT_LIMITS, type EngineEnvironment } from "../../../src/loops/environment.ts";
import type { HubEngine } from "../../../src/loops/hub-engine.ts";
import { createHubs } from "../../../src/loops/open-engine.ts";
import { TypedHub } from "../../../src/loops/typed-hub.ts";
import { isSignalboxError } from "../../../src/model/errors.ts";
import { DEFAULT_HUB } from "../../../src/model/ids.ts";
import type { Hint, Store } from "../../../src/store/store.ts";
import type { World } from "../world.ts";
import { nodeStore } from "./node-store.ts";
import { CODE } from "./programs.ts";
import { SharedCore } from "./shared-core.ts";
import type { SharedState } from "./shared-state.ts";

const BEAT_MS = 1_000;
const SWEEP_MS = 10_000;

export interface NodeWeather {
  readonly lostHint: number;
  readonly doubledHint: number;
  /** Nodes crash, freeze and leave so many times in all. */
  readonly mishaps: number;
  /** Without it whatever no hint has told is never found. */
  readonly sweeps: boolean;
}

export interface ClusterNode {
  readonly epoch: number;
  readonly client: HubClient;
  readonly over: Promise<void>;
}

interface Life extends ClusterNode {
  readonly hubs: HubEngine;
  readonly end: () => void;
  readonly whenAwake: (run: () => void) => void;
  readonly heard: (hint: Hint) => void;
  isAlive: boolean;
  isFrozen: boolean;
  /** What waits until it wakes. */
  readonly held: (() => void)[];
}

export class Cluster {
  readonly #world: World;
  readonly #state: SharedState;
  readonly #disk: Store;
  readonly #weather: NodeWeather;
  #lives: Life[] = [];
  #isDone = false;

  constructor(world: World, state: SharedState, disk: Store, weather: NodeWeather) {
    this.#world = world;
    this.#state = state;
    this.#disk = disk;
    this.#weather = weather;
  }

  /** Any node that is not known to be gone. */
  any(): ClusterNode {
    const { random } = this.#world;
    const node = this.#lives[random.int("at node", 0, this.#lives.length - 1)];
    return node ?? this.join();
  }

  /** Nothing more is to happen. */
  end(): void {
    this.#isDone = true;
    for (const life of this.#lives.splice(0)) life.isAlive = false;
  }

  join(): ClusterNode {
    const world = this.#world;
    const epoch = this.#state.join();
    const skew = world.random.int("clock is wrong by", -7_200_000, 7_200_000);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const held: (() => void)[] = [];
    const whenAwake = (run: () => void): void => {
      if (!life.isAlive) return;
      if (life.isFrozen) held.push(run);
      else run();
    };
    let listener: (hint: Hint) => void = () => {};
    const core = new SharedCore(this.#state, this.#disk, world, epoch, (hint, to) => this.#tell(epoch, hint, to));
    const store = nodeStore({
      state: this.#state,
      disk: this.#disk,
      core,
      world,
      now: () => world.wall + (this.#state.fault === "each goes by its own clock" ? skew : 0),
      whenAwake,
      listen: (heard) => {
        listener = heard;
      },
    });
    const environment = environmentOf(world, skew, whenAwake);
    const wake = (): void => void world.after(0, () => whenAwake(() => void hubs.loop.tick()));
    const hubs = createHubs({ store, ...CODE, environment, wake });
    const client = new TypedHub(hubs.hub(DEFAULT_HUB), environment.ids, DEFAULT_LIMITS.maxPayloadLength);
    const life: Life = {
      epoch,
      client,
      over,
      hubs,
      end,
      whenAwake,
      heard: (hint) => whenAwake(() => listener(hint)),
      isAlive: true,
      isFrozen: false,
      held,
    };
    this.#lives.push(life);
    world.trace(`node ${epoch} joins, ${skew} ms wrong`);
    void hubs.stopped.then((error) => {
      // One that leaves is gone when it has given everything back.
      if (error === undefined || !life.isAlive) return;
      const isFenced = isSignalboxError(error) && error.code === "OWNERSHIP_LOST" && !this.#state.lives(epoch);
      if (!isFenced) world.violate("E14", `node ${epoch} has ended: ${error.message}`);
      this.#gone(life);
    });
    this.#tell(epoch, { kind: "sweep" });
    this.#beat(life, 1);
    return life;
  }

  /** So many times something happens to a node. */
  mishaps(left = this.#weather.mishaps): void {
    if (left === 0) return;
    const { random } = this.#world;
    this.#world.after(random.int("mishap after", 20, 2_500), () => {
      const life = this.#lives[random.int("to node", 0, this.#lives.length - 1)];
      if (this.#isDone) return;
      if (life !== undefined && !life.isFrozen) {
        this.join();
        this.#befall(life, random.pick("mishap", ["crash", "freeze", "leave"]));
      }
      this.mishaps(left - 1);
    });
  }

  #befall(life: Life, mishap: "crash" | "freeze" | "leave"): void {
    const world = this.#world;
    world.trace(`node ${life.epoch}: ${mishap}`);
    if (mishap === "leave") {
      void life.hubs.close({ drainMs: world.random.int("drain", 0, 300) }).then(() => this.#gone(life));
      return;
    }
    this.#state.silent.add(life.epoch);
    if (mishap === "crash") this.#gone(life);
    else {
      life.isFrozen = true;
      world.after(world.random.int("frozen for", 100, 8_000), () => this.#thaw(life));
    }
    world.after(world.random.int("marked dead after", 300, 4_000), () => this.#bury(life.epoch));
  }

  #thaw(life: Life): void {
    this.#world.trace(`node ${life.epoch} wakes`);
    this.#state.silent.delete(life.epoch);
    life.isFrozen = false;
    for (const run of life.held.splice(0)) life.whenAwake(run);
  }

  /** Whoever has been silent for too long is marked; the beats of the others find it. */
  #bury(epoch: number): void {
    const row = this.#state.nodes.get(epoch);
    if (row === undefined || !this.#state.silent.has(epoch)) return;
    this.#world.trace(`node ${epoch} is marked dead`);
    row.isDead = true;
  }

  #gone(life: Life): void {
    this.#world.trace(`node ${life.epoch} is gone`);
    life.isAlive = false;
    this.#lives = this.#lives.filter((other) => other !== life);
    life.end();
  }

  #beat(life: Life, count: number): void {
    this.#world.after(BEAT_MS, () => {
      if (this.#isDone || !life.isAlive) return;
      const { nodes, silent, fault } = this.#state;
      const isEarly = fault === "taken over before the mark" && silent.size > 0;
      // One that was marked itself finds that by its next batch.
      const isAnyDead = !this.#state.lives(life.epoch) || [...nodes.values()].some(({ isDead }) => isDead);
      if (isEarly || isAnyDead) life.heard({ kind: "died" });
      if (this.#weather.sweeps && (count * BEAT_MS) % SWEEP_MS === 0) life.heard({ kind: "sweep" });
      this.#beat(life, count + 1);
    });
  }

  #tell(from: number, hint: Hint, to?: number): void {
    if (this.#state.fault === "no hint arrives") return;
    const { random } = this.#world;
    for (const life of this.#lives) {
      if (life.epoch === from || (to !== undefined && life.epoch !== to)) continue;
      const times = random.chance("hint is lost", this.#weather.lostHint) ? 0 : 1;
      const again = random.chance("hint comes twice", this.#weather.doubledHint) ? 1 : 0;
      for (let time = 0; time < times + again; time++) {
        const delay = random.chance("hint is late", 0.1) ? random.int("late by", 50, 2_000) : random.int("hint takes", 0, 10);
        this.#world.after(delay, () => life.heard(hint));
      }
    }
  }
}

function environmentOf(world: World, skew: number, whenAwake: (run: () => void) => void): EngineEnvironment {
  return {
    clock: {
      now: () => world.wall + skew,
      monotonic: () => world.now,
      setTimer: (delayMs, callback) => world.after(delayMs, () => whenAwake(callback)),
    },
    ids: { uuid: () => world.random.uuid() },
    hop: (callback) => void world.after(0, () => whenAwake(callback)),
    executor: {
      maxConcurrent: () => Number.POSITIVE_INFINITY,
      abort: () => {},
      run: ({ activity, instance }, attempt, report) => {
        world.trace(`run ${activity.name} of ${instance.instanceId}, attempt ${attempt}`);
        const outcome = { kind: "completed", result: activity.input ?? "null" } as const;
        world.after(world.random.int("activity takes", 0, 400), () => whenAwake(() => report(outcome)));
      },
    },
    // Idle ones are given up soon, so that any node may get them.
    limits: { idleMs: 100, maxActivities: 3 },
    defect: (error) => world.violate("defect", String(error)),
  };
}
