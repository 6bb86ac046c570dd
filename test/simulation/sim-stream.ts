import type { WorkerStream } from "../../src/loops/workers/worker-hub.ts";
import type { ExecutionId, HubName } from "../../src/model/ids.ts";
import type { InstanceRef } from "../../src/model/parts.ts";
import type { WorkFilters, WorkItem, WorkSort } from "../../src/model/work-item.ts";

/** What a worker asks for when it connects. */
export interface StreamProfile {
  readonly hub: HubName;
  readonly filters?: WorkFilters;
  readonly credits: { readonly [Sort in WorkSort]: number };
  readonly keepsWarm: boolean;
}

export class SimStream implements WorkerStream {
  readonly hub: HubName;
  readonly connection = {};
  readonly filters?: WorkFilters;
  readonly credits: { readonly [Sort in WorkSort]: number };
  readonly keepsWarm: boolean;
  readonly name: string;
  /** What it was sent and has not answered. */
  readonly held = new Set<WorkItem>();
  /** Where the instances are whose turns its worker has made. */
  readonly holds = new Map<InstanceRef, { readonly executionId: ExecutionId; readonly historyLength: number }>();
  isOpen = true;
  readonly #take: (item: WorkItem) => void;

  constructor(name: string, { hub, filters, credits, keepsWarm }: StreamProfile, take: (item: WorkItem) => void) {
    this.name = name;
    this.hub = hub;
    if (filters !== undefined) this.filters = filters;
    this.credits = credits;
    this.keepsWarm = keepsWarm;
    this.#take = take;
  }

  send(item: WorkItem): void {
    this.#take(item);
  }
}
