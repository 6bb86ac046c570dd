// An engine over all hubs on the memory store under a virtual clock, and workers out of process as plain objects: a test
// takes items from their streams and answers them, or does not.

import type { Action } from "../../model/actions.ts";
import { asHubName } from "../../model/ids.ts";
import { MemoryState } from "../../store/memory/memory-state.ts";
import { openMemoryStore } from "../../store/memory/memory-store.ts";
import type { Store } from "../../store/store.ts";
import { driveTicks, type VirtualClock } from "../engine-fixture.ts";
import type { EngineEnvironment } from "../environment.ts";
import type { Hub } from "../hub.ts";
import type { HubEngine, HubsOptions } from "../hub-engine.ts";
import { createHubs } from "../open-engine.ts";
import type { ActivityItem, EntityItem, TurnItem, WorkFilters, WorkItem, WorkSort } from "./work-item.ts";
import type { WorkerStream } from "./worker-hub.ts";

export interface FakeStreamOptions {
  readonly hub?: string;
  readonly connection?: object;
  readonly filters?: WorkFilters;
  readonly credits?: Partial<Record<WorkSort, number>>;
  readonly keepsWarm?: boolean;
}

/** A worker's stream: what it was sent and has not been taken yet. */
export class FakeStream implements WorkerStream {
  readonly hub;
  readonly connection: object;
  readonly filters?: WorkFilters;
  readonly credits: { readonly [Sort in WorkSort]: number };
  readonly keepsWarm: boolean;
  readonly sent: WorkItem[] = [];

  constructor(options: FakeStreamOptions = {}) {
    this.hub = asHubName(options.hub ?? "default");
    this.connection = options.connection ?? {};
    if (options.filters !== undefined) this.filters = options.filters;
    this.credits = { orchestration: 100, activity: 100, entity: 100, ...options.credits };
    this.keepsWarm = options.keepsWarm ?? false;
  }

  send(item: WorkItem): void {
    this.sent.push(item);
  }

  takeTurn(): TurnItem {
    return this.#take("orchestration");
  }
  takeActivity(): ActivityItem {
    return this.#take("activity");
  }
  takeEntity(): EntityItem {
    return this.#take("entity");
  }

  #take<Sort extends WorkSort>(sort: Sort): Extract<WorkItem, { sort: Sort }> {
    const index = this.sent.findIndex((item) => item.sort === sort);
    const [item] = index < 0 ? [] : this.sent.splice(index, 1);
    if (item === undefined || !isOf(item, sort))
      throw new Error(`no ${sort} item was sent; there are: ${this.sent.map((each) => each.sort).join()}`);
    return item;
  }
}

function isOf<Sort extends WorkSort>(item: WorkItem, sort: Sort): item is Extract<WorkItem, { sort: Sort }> {
  return item.sort === sort;
}

export interface DrivenHubs {
  readonly engine: HubEngine;
  readonly hub: Hub;
  readonly clock: VirtualClock;
  readonly state: MemoryState;
  readonly settle: () => Promise<void>;
  readonly advance: (ms: number) => Promise<void>;
  /** Settles until the call is answered. */
  readonly done: <T>(call: Promise<T>) => Promise<T>;
  readonly open: (options?: FakeStreamOptions) => Promise<FakeStream>;
  readonly close: (stream: FakeStream, connectionLives?: boolean) => Promise<void>;
  readonly answerTurn: (item: TurnItem, actions: readonly Action[], customStatus?: string) => Promise<void>;
  /** The turn ends its orchestration with this. */
  readonly complete: (item: TurnItem, result?: string) => Promise<void>;
  readonly answerActivity: (item: ActivityItem, result?: string) => Promise<void>;
}

export async function driveHubs(
  options: Omit<HubsOptions, "store" | "environment"> & { readonly state?: MemoryState; readonly wrap?: (store: Store) => Store } = {},
  environment: Partial<EngineEnvironment> = {},
): Promise<DrivenHubs> {
  const { state = new MemoryState(), wrap = (store) => store, ...rest } = options;
  const store = wrap(await openMemoryStore({ state }));
  const { engine, clock, settle, advance } = driveTicks((ports) => createHubs({ ...rest, store, ...ports }), environment);
  const done = async <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => {});
    await settle();
    return await call;
  };
  const answerTurn = async (item: TurnItem, actions: readonly Action[], customStatus?: string): Promise<void> => {
    const status = customStatus === undefined ? {} : { customStatus: { payload: customStatus } };
    await done(engine.workers.complete(item.token, { sort: "orchestration", result: { actions, ...status } }));
  };
  await settle();
  return {
    engine,
    hub: engine.hub("default"),
    clock,
    state,
    settle,
    done,
    answerTurn,
    advance,
    open: async (of) => {
      const stream = new FakeStream(of);
      engine.workers.opened(stream);
      await settle();
      return stream;
    },
    close: async (stream, connectionLives = false) => {
      engine.workers.closed(stream, connectionLives);
      await settle();
    },
    complete: (item, result) => answerTurn(item, [ending(result)]),
    answerActivity: async (item, result) => {
      await done(engine.workers.complete(item.token, { sort: "activity", outcome: { kind: "completed", result } }));
    },
  };
}

/** An action that ends an orchestration. Its id comes after those of its turn. */
export const ending = (result?: string, id = 1_000): Action => ({
  kind: "CompleteOrchestration",
  id,
  status: "Completed",
  ...(result !== undefined && { result }),
});

export const task = (id: number, name = "work", input?: string): Action => ({
  kind: "ScheduleTask",
  id,
  name,
  ...(input !== undefined && { input }),
});
