// The markets of all hubs: for each sort of work one per hub, there while it has streams or work.

import type { HubName } from "../../model/ids.ts";
import type { InstanceRef } from "../../model/parts.ts";
import type { ActivityTask } from "../activity-task.ts";
import { Market } from "./market.ts";
import type { OpenStream } from "./open-stream.ts";
import { WORK_SORTS, type WorkSort } from "./work-item.ts";
import type { WorkerLimits } from "./worker-limits.ts";

/** What waits for a worker. */
interface Items {
  readonly orchestration: InstanceRef;
  readonly activity: ActivityTask;
  readonly entity: InstanceRef;
}
type HubMarkets = { readonly [Sort in WorkSort]: Market<Items[Sort]> };

export class Markets {
  readonly #limits: WorkerLimits;
  readonly #hubs = new Map<string, HubMarkets>();
  /** Those in which work may meet a stream since they have last been looked at. */
  readonly #stirred: { readonly [Sort in WorkSort]: Set<Market<Items[Sort]>> } = {
    orchestration: new Set(),
    activity: new Set(),
    entity: new Set(),
  };

  constructor(limits: WorkerLimits) {
    this.#limits = limits;
  }

  of<Sort extends WorkSort>(hub: string, sort: Sort): Market<Items[Sort]> {
    const known = this.#hubs.get(hub) ?? this.#add(hub);
    return known[sort];
  }

  /** The markets to look at now; each is given once for what has stirred it. */
  *takeStirred<Sort extends WorkSort>(sort: Sort): Generator<Market<Items[Sort]>> {
    const stirred: Set<Market<Items[Sort]>> = this.#stirred[sort];
    for (const market of stirred) {
      stirred.delete(market);
      yield market;
    }
  }

  get isStirred(): boolean {
    return WORK_SORTS.some((sort) => this.#stirred[sort].size > 0);
  }

  opened(open: OpenStream): void {
    for (const sort of WORK_SORTS) this.of(open.stream.hub, sort).opened(open);
  }

  closed(open: OpenStream): void {
    const { hub } = open.stream;
    for (const sort of WORK_SORTS) this.of(hub, sort).closed(open);
    this.dropIfIdle(hub);
  }

  changed(open: OpenStream): void {
    for (const sort of WORK_SORTS) this.of(open.stream.hub, sort).changed(open);
  }

  release(open: OpenStream, sort: WorkSort): void {
    const { hub } = open.stream;
    this.of(hub, sort).release(open);
    if (open.state === "gone") this.dropIfIdle(hub);
  }

  dropIfIdle(hub: HubName): void {
    const markets = this.#hubs.get(hub);
    if (markets !== undefined && WORK_SORTS.every((sort) => markets[sort].isIdle)) this.#hubs.delete(hub);
  }

  queued(sort: WorkSort): number {
    let queued = 0;
    for (const markets of this.#hubs.values()) queued += markets[sort].queued;
    return queued;
  }

  inFlight(sort: WorkSort): number {
    let inFlight = 0;
    for (const markets of this.#hubs.values()) inFlight += markets[sort].inFlight;
    return inFlight;
  }

  #add(hub: string): HubMarkets {
    const { maxInFlight } = this.#limits;
    const market = <Sort extends WorkSort>(sort: Sort): Market<Items[Sort]> => {
      const stirred: Set<Market<Items[Sort]>> = this.#stirred[sort];
      const made: Market<Items[Sort]> = new Market(sort, maxInFlight[sort], () => stirred.add(made));
      return made;
    };
    const markets = { orchestration: market("orchestration"), activity: market("activity"), entity: market("entity") };
    this.#hubs.set(hub, markets);
    return markets;
  }
}
