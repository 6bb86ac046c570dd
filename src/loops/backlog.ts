// Work that lies in the store: what an earlier process left, what was too much for memory, and what is due later. Read in
// pages, in order.

import type { ActivityRow, DueTimer, InstanceRef } from "../model/parts.ts";
import type { Store } from "../store/store.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Clock } from "./environment.ts";
import type { Instances } from "./instances.ts";
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
}

export class Backlog {
  readonly #ports: BacklogPorts;
  #awakeFrom: InstanceRef | undefined = -1;
  #activitiesFrom = -1;
  #isReadingActivities = false;

  constructor(ports: BacklogPorts) {
    this.#ports = ports;
  }

  /** After the opening. */
  take(): void {
    this.readAwake();
    this.readActivities();
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

  readActivities(): void {
    if (this.#isReadingActivities) return;
    this.#isReadingActivities = true;
    const { store, readings, dispatch } = this.#ports;
    dispatch.hasSkipped = false;
    const page = store.activities(this.#activitiesFrom, ACTIVITY_PAGE);
    readings.start(page, (rows) => ({ kind: "ActivitiesRead", rows, isLast: rows.length === 0 }));
  }

  activitiesWereRead(rows: readonly ActivityRow[], isLast: boolean): void {
    const { dispatch } = this.#ports;
    this.#isReadingActivities = false;
    for (const row of rows) {
      dispatch.adopt(row);
      this.#activitiesFrom = Math.max(this.#activitiesFrom, row.order);
    }
    // What was scheduled while this page was read may not be on it.
    dispatch.overflow = !isLast || dispatch.hasSkipped;
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
