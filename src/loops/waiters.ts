// Calls that wait for an instance to start or to end. Each is tied to its call: its signal, or the end of the engine, lets it go.

import { SignalboxError } from "../model/errors.ts";
import type { InstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import { isTerminal } from "../model/status.ts";

export type WaitFor = "start" | "end";

interface Waiter {
  readonly until: WaitFor;
  readonly resolve: (row: InstanceRow) => void;
  readonly reject: (error: unknown) => void;
}

export class Waiters {
  readonly #waiters = new Map<InstanceId, Set<Waiter>>();

  /** `current` reads the row as it is now: it may be there already. */
  async wait(
    instanceId: InstanceId,
    until: WaitFor,
    current: () => Promise<InstanceRow | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<InstanceRow> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<InstanceRow>();
    const waiter: Waiter = { until, resolve, reject };
    const set = this.#waiters.get(instanceId) ?? new Set();
    set.add(waiter);
    this.#waiters.set(instanceId, set);
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    current().then((row) => {
      if (row === undefined) reject(new SignalboxError("NOT_FOUND", `There is no instance ${JSON.stringify(instanceId)}.`));
      else if (isReached(row, until)) resolve(row);
    }, reject);
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      set.delete(waiter);
      if (set.size === 0 && this.#waiters.get(instanceId) === set) this.#waiters.delete(instanceId);
    }
  }

  told(row: InstanceRow): void {
    for (const waiter of this.#waiters.get(row.instanceId) ?? []) if (isReached(row, waiter.until)) waiter.resolve(row);
  }

  rejectAll(error: SignalboxError): void {
    for (const set of this.#waiters.values()) for (const waiter of set) waiter.reject(error);
  }
}

function isReached({ status }: InstanceRow, until: WaitFor): boolean {
  return until === "end" ? isTerminal(status) : status !== "Pending";
}
