// Activities that workers out of process run: a place is a credit of a stream that takes their name and version. While an
// item is with its worker its place belongs to the delivery, and comes back with its answer or with the end of its stream.

import type { HubName } from "../../model/ids.ts";
import type { NewActivity } from "../../model/parts.ts";
import type { Capability } from "../../store/store.ts";
import type { ActivityTask } from "../activity-task.ts";
import type { Places } from "../places.ts";
import type { InFlight } from "./in-flight.ts";
import type { KindQueue } from "./kind-queues.ts";
import type { Market } from "./market.ts";
import { hasRoom, type OpenStream } from "./open-stream.ts";
import { tokenOf } from "./tokens.ts";

export interface RemoteActivitiesPorts {
  readonly epoch: number;
  readonly inFlight: InFlight;
  readonly market: (hub: string) => Market<ActivityTask>;
  readonly stirred: () => Iterable<Market<ActivityTask>>;
  readonly maxQueuedPerKind: number;
  readonly streams: () => Iterable<OpenStream>;
  /** It was to begin on a stream that is no more. */
  readonly lost: (task: ActivityTask) => void;
}

export class RemoteActivities implements Places {
  readonly #ports: RemoteActivitiesPorts;
  readonly #placed = new Map<ActivityTask, OpenStream>();
  /** Kinds of which some wait in the store alone. */
  readonly #cut = new Map<KindQueue<ActivityTask>, Market<ActivityTask>>();
  #isReading = false;

  constructor(ports: RemoteActivitiesPorts) {
    this.#ports = ports;
  }

  get running(): number {
    return this.#placed.size;
  }

  get free(): number {
    let free = 0;
    for (const { stream, used } of this.#roomy()) free += stream.credits.activity - used.activity;
    return free;
  }

  wanted(): readonly Capability[] {
    return [...this.#roomy()].flatMap(({ stream: { hub, filters } }) =>
      filters?.activities === undefined ? [{ hub }] : filters.activities.map(({ name }) => ({ hub, name })),
    );
  }

  get wantsMore(): boolean {
    if (this.#isReading) return true;
    for (const [queue, market] of this.#cut) {
      if (queue.length < this.#ports.maxQueuedPerKind / 2 && market.hasTaker(queue.name, queue.version)) return true;
    }
    return false;
  }

  reserve(hub: HubName, name: string, version: string | undefined): boolean {
    const market = this.#ports.market(hub);
    if (market.queues.find(name, version)?.isCut === true) return false;
    const open = market.reserve(name, version);
    if (open !== undefined) market.queues.of(name, version).kept.push(open);
    return open !== undefined;
  }

  unreserve(hub: HubName, { name, version }: NewActivity): void {
    const market = this.#ports.market(hub);
    const open = this.#takeKept(market, name, version);
    if (open !== undefined) market.release(open);
  }

  claim(task: ActivityTask): boolean {
    const { name, version } = task.activity;
    const open = this.#takeKept(this.#ports.market(task.instance.hub), name, version);
    if (open === undefined) return false;
    this.#placed.set(task, open);
    if (open.state === "open") return true;
    this.release(task);
    return false;
  }

  hasRoom({ instance, activity: { name, version } }: ActivityTask, isFromStore: boolean): boolean {
    const market = this.#ports.market(instance.hub);
    const queue = market.queues.find(name, version);
    // Behind those that lie in the store nobody is let in from elsewhere.
    if (queue === undefined || (queue.length < this.#ports.maxQueuedPerKind && (isFromStore || !queue.isCut))) return true;
    queue.isCut = true;
    queue.isCutAgain = true;
    this.#cut.set(queue, market);
    return false;
  }

  enqueue(task: ActivityTask): void {
    const { name, version } = task.activity;
    this.#ports.market(task.instance.hub).enqueue(name, version, task);
  }

  isServed({ instance, activity: { name, version } }: ActivityTask): boolean {
    return this.#ports.market(instance.hub).hasTaker(name, version);
  }

  take(): readonly ActivityTask[] {
    const taken: ActivityTask[] = [];
    for (const market of this.#ports.stirred()) {
      for (const { open, item: task } of market.take()) {
        if (task.state !== "queued") {
          market.release(open);
          continue;
        }
        this.#placed.set(task, open);
        taken.push(task);
      }
    }
    return taken;
  }

  release(task: ActivityTask): void {
    const open = this.#placed.get(task);
    if (open === undefined) return;
    this.#placed.delete(task);
    this.#ports.market(task.instance.hub).release(open);
  }

  run(task: ActivityTask, attempt: number): void {
    const open = this.#placed.get(task);
    if (open === undefined) return;
    if (open.state !== "open") {
      this.release(task);
      return this.#ports.lost(task);
    }
    this.#placed.delete(task);
    const { ref, executionId, actionId } = task.key;
    const token = tokenOf({ sort: "activity", epoch: this.#ports.epoch, ref, executionId, actionId, attempt });
    const { instanceId } = task.instance;
    this.#ports.inFlight.send(open, ref, { sort: "activity", token, instanceId, executionId, activity: task.activity, attempt });
  }

  /** Nobody can be asked: what its worker makes of it has no effect. */
  abort(): void {}

  readingBegins(isFirst: boolean): void {
    this.#isReading = true;
    if (isFirst) for (const queue of this.#cut.keys()) queue.isCutAgain = false;
  }

  pageWasRead(isLast: boolean): "on" | "again" {
    if (!isLast) return "on";
    this.#isReading = false;
    for (const [queue, market] of this.#cut) {
      queue.isCut = queue.isCutAgain;
      if (queue.isCut) continue;
      this.#cut.delete(queue);
      market.queues.dropIfIdle(queue);
    }
    return "again";
  }

  *#roomy(): Generator<OpenStream> {
    for (const open of this.#ports.streams()) if (hasRoom(open, "activity")) yield open;
  }

  #takeKept(market: Market<ActivityTask>, name: string, version: string | undefined): OpenStream | undefined {
    const queue = market.queues.find(name, version);
    const open = queue?.kept.shift();
    if (queue !== undefined) market.queues.dropIfIdle(queue);
    return open;
  }
}
