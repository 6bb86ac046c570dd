// A server that is started again whenever it ends, as a service manager does it.

import { setTimeout as pause } from "node:timers/promises";
import type { ChaosNode } from "./node.ts";

const MAX_STARTS = 20;

export class KeptNode implements AsyncDisposable {
  /** What it complained of, in each of its lives that gave it reason to. */
  readonly complaints: string[] = [];
  readonly #node: ChaosNode;
  readonly #pauseMs: () => number;
  readonly #kept: Promise<void>;
  #isUp = true;
  #isOver = false;

  /** `pauseMs`: for how long it stays away. */
  constructor(node: ChaosNode, pauseMs: () => number) {
    this.#node = node;
    this.#pauseMs = pauseMs;
    this.#kept = this.#keep();
  }

  async kill(): Promise<void> {
    if (this.#isUp) await this.#node.kill();
  }

  /** In good order. */
  async stop(): Promise<void> {
    if (this.#isUp) await this.#node.stop();
  }

  /** It does nothing for a while, and then goes on as if nothing had been. */
  async freeze(ms: number): Promise<void> {
    const thaw = this.#node.freeze();
    await pause(ms);
    thaw();
  }

  /** From now on it is let alone, in whichever state it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isUp) await this.#kept;
    else this.#note();
  }

  async #keep(): Promise<void> {
    while (!this.#isOver) {
      await this.#node.ended;
      this.#isUp = false;
      if (this.#isOver) return;
      this.#note();
      await pause(this.#pauseMs());
      await this.#startAgain();
      this.#isUp = true;
    }
  }

  async #startAgain(): Promise<void> {
    for (let starts = 1; ; starts += 1) {
      try {
        return await this.#node.start();
      } catch (error) {
        if (starts === MAX_STARTS) throw error;
        this.#note();
      }
    }
  }

  #note(): void {
    if (this.#node.errors !== "") this.complaints.push(this.#node.errors);
  }
}
