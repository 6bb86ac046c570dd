// Calls that wait for an instance. Each ends with its call, or with the server, and there are only so many.

import { SignalboxError } from "../../model/errors.ts";
import type { UnaryCall } from "./unary-call.ts";

export class Waits {
  readonly #max: number;
  readonly #open = new Set<AbortController>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  /** `ask` rejects with the reason of the signal when that aborts. */
  async wait<T>(call: UnaryCall, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#open.size >= this.#max) {
      const message = `${this.#max} calls wait for instances already. Wait for fewer at once, or ask by GetInstance.`;
      throw new SignalboxError("LIMIT_EXCEEDED", message);
    }
    const controller = new AbortController();
    this.#open.add(controller);
    call.onCancelled(() => controller.abort(new SignalboxError("UNAVAILABLE", "The caller has gone.")));
    try {
      return await ask(controller.signal);
    } finally {
      this.#open.delete(controller);
    }
  }

  endAll(reason: SignalboxError): void {
    for (const controller of this.#open) controller.abort(reason);
  }
}
