// Work that lies in the store: what an earlier process left, what was too much for memory, and what is due later. Read in
// pages, in order.

import type { ActivityRow, DueTimer, InstanceRef } from "../model/parts.ts";
import type { Store } from "../store/store.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Clock } from "./environment.ts";
import type { Instances } from "./instances.ts";
import type { Places } from "./places.ts";
import type { Readings } from "./readings.ts";
import type { Timers } from "./timers.ts";

const AWAKE_PAGE = 256;
const ACTIVITY_PAGE = 1_000;

export interface BacklogPorts {
  readonly store: Store;
  readonly readings: Readings;
  readonly instances: Instances;
  readonly deliveries: Deliveries;
  readonly dispatch: Dispatch;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Where activities run. */
  readonly places: readonly Places[];
  /** Where nodes share the store: activities are not read but claimed. */
  readonly claimActivities?: (places: Places) => void;
}

/** How far the activities in the store have been read for some places. */
interface ActivityReading {
  from: number;
  isUnderWay: boolean;
}

export class Backlog {
  readonly #ports: BacklogPorts;
  #awakeFrom: InstanceRef | undefined = -1;
  readonly #activities = new Map<Places, ActivityReading>();

  constructor(ports: BacklogPorts) {
    this.#ports = ports;
  }

  /** After the opening. */
  take(): void {
    this.readAwake();
    for (const places of this.#ports.places) this.readActivities(places);
    this.lookForTimers();
  }

  /** The next instances that had messages when the store was opened, if there are more. */
  readAwake(): void {
    const from = this.#awakeFrom;
    if (from === undefined) return;
    this.#awakeFrom = undefined;
    const { store, readings } = this.#ports;
    readings.start(store.awake(from, AWAKE_PAGE), (refs) => ({ kind: "AwakeRead", refs, isLast: refs.length < AWAKE_PAGE }));
  }

  awakeWereRead(refs: readonly InstanceRef[], isLast: boolean): void {
    for (const ref of refs) this.#ports.instances.summon(ref).retryStalled = true;
    this.#awakeFrom = isLast ? undefined : refs.at(-1);
  }

  /** The next page of what those places have room for. */
  readActivities(places: Places): void {
    const { claimActivities } = this.#ports;
    if (claimActivities !== undefined) return claimActivities(places);
    const reading = this.#reading(places);
    if (reading.isUnderWay) return;
    reading.isUnderWay = true;
    const { store, readings } = this.#ports;
    places.readingBegins(reading.from < 0);
    const page = store.activities(reading.from, ACTIVITY_PAGE);
    readings.start(page, (rows) => ({ kind: "ActivitiesRead", places, rows, isLast: rows.length === 0 }));
  }

  activitiesWereRead(places: Places, rows: readonly ActivityRow[], isLast: boolean): void {
    const reading = this.#reading(places);
    reading.isUnderWay = false;
    for (const row of rows) {
      this.#ports.dispatch.adopt(row, places);
      reading.from = Math.max(reading.from, row.order);
    }
    if (places.pageWasRead(isLast) === "again") reading.from = -1;
  }

  #reading(places: Places): ActivityReading {
    const known = this.#activities.get(places);
    if (known !== undefined) return known;
    const reading = { from: -1, isUnderWay: false };
    this.#activities.set(places, reading);
    return reading;
  }

  lookForTimers(): void {
    const { timers, readings } = this.#ports;
    if (!timers.isLooking) readings.start(timers.look(), (found) => ({ kind: "TimersRead", timers: found }));
  }

  timersWereRead(found: readonly DueTimer[]): void {
    const { timers, deliveries, clock } = this.#ports;
    for (const timer of timers.takeDue(found, clock.now())) deliveries.timerDue(timer);
  }
}
