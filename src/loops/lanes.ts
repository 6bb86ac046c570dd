// Which activities may run now: a bound for all, a bound per name, and one queue per name, so that a name at its bound does
// not hold back the others. The queue in memory is bounded; what is over it stays in the store and is read when there is room.

import type { ActivityTask } from "./activity-task.ts";

interface Lane {
  readonly max: number;
  running: number;
  readonly queue: ActivityTask[];
  head: number;
}

export class Lanes {
  readonly #maxRunning: number;
  readonly #maxConcurrent: (name: string) => number;
  readonly #lanes = new Map<string, Lane>();
  readonly #backlog = new Set<Lane>();
  #running = 0;
  #queued = 0;

  constructor(maxRunning: number, maxConcurrent: (name: string) => number) {
    this.#maxRunning = maxRunning;
    this.#maxConcurrent = maxConcurrent;
  }

  get queued(): number {
    return this.#queued;
  }

  get running(): number {
    return this.#running;
  }

  get free(): number {
    return Math.max(0, this.#maxRunning - this.#running - this.#queued);
  }

  /** One more of that name could begin. */
  hasRoom(name: string): boolean {
    const lane = this.#lanes.get(name);
    return lane === undefined || lane.running + lane.queue.length - lane.head < lane.max;
  }

  /** Takes a place at once, unless others of that name wait for one. */
  reserve(name: string): boolean {
    const lane = this.#lane(name);
    if (this.#running >= this.#maxRunning || lane.running >= lane.max || lane.queue.length > lane.head) return false;
    lane.running += 1;
    this.#running += 1;
    return true;
  }

  release(name: string): void {
    const lane = this.#lane(name);
    lane.running -= 1;
    this.#running -= 1;
    if (lane.running === 0 && lane.queue.length === lane.head) this.#lanes.delete(name);
  }

  enqueue(task: ActivityTask): void {
    const lane = this.#lane(task.activity.name);
    lane.queue.push(task);
    this.#backlog.add(lane);
    this.#queued += 1;
  }

  /** The next queued ones that have a place; the place is theirs. */
  take(): readonly ActivityTask[] {
    const taken: ActivityTask[] = [];
    for (const lane of this.#backlog) {
      while (lane.head < lane.queue.length && lane.running < lane.max && this.#running < this.#maxRunning) {
        const task = lane.queue[lane.head];
        lane.head += 1;
        this.#queued -= 1;
        if (task === undefined || task.state !== "queued") continue;
        lane.running += 1;
        this.#running += 1;
        taken.push(task);
      }
      if (lane.head < lane.queue.length) continue;
      lane.queue.length = 0;
      lane.head = 0;
      this.#backlog.delete(lane);
    }
    return taken;
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane: Lane = { max: Math.max(1, this.#maxConcurrent(name)), running: 0, queue: [], head: 0 };
    this.#lanes.set(name, lane);
    return lane;
  }
}
