import type { LoopEvent } from "./loop-events.ts";

/** Reads of the store that are under way; what each finds comes through the mailbox, like everything else. */
export class Readings {
  readonly #post: (event: LoopEvent) => void;
  #underWay = 0;

  constructor(post: (event: LoopEvent) => void) {
    this.#post = post;
  }

  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  start<Found>(reading: Promise<Found>, event: (found: Found) => LoopEvent): void {
    this.#underWay += 1;
    reading.then(
      (found) => {
        this.#underWay -= 1;
        this.#post(event(found));
      },
      (error: unknown) => this.#post({ kind: "StoreFailed", error }),
    );
  }
}
