// Virtual time and everything that happens in it: one queue of happenings, earliest first, in the order of asking within a
// moment. Between two of them all microtasks run, so that nothing depends on the real event loop.

import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Random } from "./random.ts";

/** What a check found, by the invariant's name. */
export class Violation extends Error {
  readonly check: string;
  constructor(check: string, message: string) {
    super(`${check}: ${message}`);
    this.check = check;
  }
}

interface Happening {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Some moment in 2027. */
const EPOCH = 1_800_000_000_000;
const MAX_HAPPENINGS = 400_000;

export class World {
  readonly random: Random;
  /** Milliseconds since the simulation began. */
  now = 0;
  /** What the wall clock has jumped by. */
  skew = 0;
  /** The latest that the wall clock has ever shown. */
  latest = EPOCH;
  violation: Violation | undefined;
  happenings = 0;
  /** Strikes before the happening of that number. */
  interrupt: { readonly at: number; readonly strike: () => void } | undefined;
  readonly #queue: Happening[] = [];
  readonly #hash = createHash("sha256");
  readonly #lines: string[] = [];
  #order = 0;

  constructor(random: Random) {
    this.random = random;
  }

  get wall(): number {
    return EPOCH + this.now + this.skew;
  }

  after(delay: number, run: () => void): () => void {
    const happening: Happening = { at: this.now + delay, order: this.#order++, run };
    this.#push(happening);
    return () => {
      happening.run = undefined;
    };
  }

  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  /** Until nothing is left to happen, or a check has found something. */
  async run(): Promise<void> {
    for (;;) {
      await setImmediate();
      if (this.violation !== undefined) return;
      let next = this.#pop();
      while (next !== undefined && next.run === undefined) next = this.#pop();
      if (next === undefined) return;
      this.now = next.at;
      this.latest = Math.max(this.latest, this.wall);
      this.happenings += 1;
      if (this.happenings > MAX_HAPPENINGS) return this.violate("E14", `no rest after ${MAX_HAPPENINGS} happenings`);
      if (this.interrupt?.at === this.happenings) this.interrupt.strike();
      next.run?.();
    }
  }

  violate(check: string, message: string): void {
    this.violation ??= new Violation(check, message);
  }

  /** `finding` is what a check has found, or undefined. */
  check(name: string, finding: string | undefined): void {
    if (finding !== undefined) this.violate(name, finding);
  }

  trace(line: string): void {
    const stamped = `${this.now} ${line}`;
    this.#hash.update(stamped).update("\n");
    this.#lines.push(stamped);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get traceHash(): string {
    return this.#hash.copy().digest("hex");
  }

  #push(happening: Happening): void {
    const heap = this.#queue;
    let index = heap.push(happening) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, happening)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#queue;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || isBefore(last, child)) break;
      heap[index] = child;
      index = 2 * index + (child === left ? 1 : 2);
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
