// Places in this process: a bound for all activities and one per name.

import type { HubName } from "../model/ids.ts";
import type { NewActivity } from "../model/parts.ts";
import type { ActivityOutcome } from "../model/work-item.ts";
import type { Capability } from "../store/store.ts";
import type { ActivityTask } from "./activity-task.ts";
import type { ActivityExecutor } from "./environment.ts";
import { Lanes } from "./lanes.ts";
import type { Places } from "./places.ts";

export interface LocalPlacesOptions {
  readonly executor: ActivityExecutor;
  readonly maxActivities: number;
  readonly maxQueued: number;
}

export class LocalPlaces implements Places {
  readonly #executor: ActivityExecutor;
  readonly #maxQueued: number;
  readonly #lanes: Lanes;
  /** Some wait in the store alone. */
  #isCut = false;
  /** One more stayed there since the store has last been asked. */
  #isCutAgain = false;

  constructor({ executor, maxActivities, maxQueued }: LocalPlacesOptions) {
    this.#executor = executor;
    this.#maxQueued = maxQueued;
    this.#lanes = new Lanes(maxActivities, (name) => executor.maxConcurrent(name));
  }

  get running(): number {
    return this.#lanes.running;
  }

  get free(): number {
    return this.#lanes.free;
  }

  wanted(): readonly Capability[] | undefined {
    return this.#executor.names?.filter((name) => this.#lanes.hasRoom(name)).map((name) => ({ name }));
  }

  get wantsMore(): boolean {
    return this.#isCut && this.#lanes.queued < this.#maxQueued / 2;
  }

  reserve(_hub: HubName, name: string): boolean {
    return !this.#isCut && this.#lanes.reserve(name);
  }

  unreserve(_hub: HubName, { name }: NewActivity): void {
    this.#lanes.release(name);
  }

  claim(): boolean {
    return true;
  }

  hasRoom(_task: ActivityTask, isFromStore: boolean): boolean {
    // Pages of the store are asked for only when there is room for one.
    if (isFromStore || (!this.#isCut && this.#lanes.queued < this.#maxQueued)) return true;
    this.#isCut = true;
    this.#isCutAgain = true;
    return false;
  }

  enqueue(task: ActivityTask): void {
    this.#lanes.enqueue(task);
  }

  isServed(): boolean {
    return true;
  }

  take(): readonly ActivityTask[] {
    return this.#lanes.take();
  }

  release(task: ActivityTask): void {
    this.#lanes.release(task.activity.name);
  }

  run(task: ActivityTask, attempt: number, report: (outcome: ActivityOutcome) => void): void {
    this.#executor.run(task, attempt, report);
  }

  abort(task: ActivityTask, attempt: number, reason: string): void {
    this.#executor.abort(task, attempt, reason);
  }

  readingBegins(): void {
    this.#isCutAgain = false;
  }

  pageWasRead(isLast: boolean): "on" {
    // What was scheduled while this page was read may not be on it.
    this.#isCut = !isLast || this.#isCutAgain;
    return "on";
  }
}
