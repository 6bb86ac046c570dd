import type { HubClient } from "../../src/loops/engine.ts";
import type { ActivityExecutor, Clock } from "../../src/loops/environment.ts";
import type { OpenedStore } from "./backends.ts";

/** Where a fault can be planted without touching the product: each port may be wrapped. Made anew for each simulation. */
export interface Plant {
  readonly opened?: (opened: OpenedStore) => OpenedStore;
  readonly clock?: (clock: Clock) => Clock;
  readonly executor?: (executor: ActivityExecutor) => ActivityExecutor;
  readonly wake?: (wake: () => void) => () => void;
  readonly client?: (client: HubClient) => HubClient;
}
