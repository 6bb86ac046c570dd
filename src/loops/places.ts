// Where activities run. A place is one activity's right to run: in this process within the bounds of its name, or a credit
// of a worker's stream.

import type { HubName } from "../model/ids.ts";
import type { NewActivity } from "../model/parts.ts";
import type { ActivityOutcome } from "../model/work-item.ts";
import type { Capability } from "../store/store.ts";
import type { ActivityTask } from "./activity-task.ts";

export interface Places {
  /** How many are taken. */
  readonly running: number;
  /** How many more could begin now. */
  readonly free: number;
  /** What would find a place, in the queue that all nodes share. */
  wanted(): readonly Capability[] | undefined;
  /** Keeps a place for one that is about to be scheduled, unless others of its kind wait for one. */
  reserve(hub: HubName, name: string, version: string | undefined): boolean;
  /** The place kept for one is not needed. */
  unreserve(hub: HubName, activity: NewActivity): void;
  /** It takes up the place that was kept for it. False: the place is no more, and it has to wait for another. */
  claim(task: ActivityTask): boolean;
  /** Whether one more of its kind may wait in memory. False: it stays in the store until there is room. */
  hasRoom(task: ActivityTask, isFromStore: boolean): boolean;
  enqueue(task: ActivityTask): void;
  /** Somebody is here who takes it, if not now. */
  isServed(task: ActivityTask): boolean;
  /** The next ones that have a place; the place is theirs. */
  take(): readonly ActivityTask[];
  /** It leaves its place. */
  release(task: ActivityTask): void;
  /** Its attempt is durable: it begins. Reported never, late or twice. */
  run(task: ActivityTask, attempt: number, report: (outcome: ActivityOutcome) => void): void;
  /** Asks it to stop; it need not. */
  abort(task: ActivityTask, attempt: number, reason: string): void;
  /** Some of what stayed in the store has room now. */
  readonly wantsMore: boolean;
  /** A page of the store's activities is read for them; `isFirst`: from the first on. */
  readingBegins(isFirst: boolean): void;
  /** The page has been adopted. `isLast`: it was the end. "again": the next reading begins with the first. */
  pageWasRead(isLast: boolean): "on" | "again";
}
