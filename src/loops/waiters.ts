// Calls that wait for an instance to start, to end, or to become what they name. Each is tied to its call: its signal, or the end of the engine, lets it go.

import { SignalboxError } from "../model/errors.ts";
import type { HubName, InstanceId, InstanceKey } from "../model/ids.ts";
import type { InstanceRef, InstanceRow } from "../model/parts.ts";
import { isTerminal } from "../model/status.ts";

export type WaitFor = "start" | "end" | ((row: InstanceRow) => boolean);

/** At one sweep. */
const LOOKED_AT_ONCE = 200;

interface Waiter {
  readonly key: InstanceKey;
  readonly until: WaitFor;
  /** Once the row has been read. */
  ref?: InstanceRef;
  readonly resolve: (row: InstanceRow) => void;
  readonly reject: (error: unknown) => void;
}

export class Waiters {
  #looks = 0;
  readonly #hubs = new Map<HubName, Map<InstanceId, Set<Waiter>>>();

  /** `current` reads the row as it is now: it may be there already. */
  async wait(
    key: InstanceKey,
    until: WaitFor,
    current: () => Promise<InstanceRow | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<InstanceRow> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<InstanceRow>();
    const waiter: Waiter = { key, until, resolve, reject };
    this.#add(key, waiter);
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    current().then((row) => {
      if (row === undefined) reject(absent(key));
      else if (isReached(row, until)) resolve(row);
      else waiter.ref = row.ref;
    }, reject);
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#remove(key, waiter);
    }
  }

  told(row: InstanceRow): void {
    const waiters = this.#hubs.get(row.hub)?.get(row.instanceId);
    if (waiters !== undefined) for (const waiter of waiters) if (isReached(row, waiter.until)) waiter.resolve(row);
  }

  /** Nobody here saw what became of these; without refs some are looked at, and others the next time. */
  lookAgain(refs: readonly InstanceRef[] | undefined, read: (key: InstanceKey) => Promise<InstanceRow | undefined>): void {
    const all = [...this.#hubs.values()].flatMap((instances) => [...instances.values()].flatMap((waiters) => [...waiters]));
    if (all.length === 0) return;
    const wanted = refs === undefined ? undefined : new Set(refs);
    const isMeant = ({ ref }: Waiter): boolean => wanted === undefined || ref === undefined || wanted.has(ref);
    const from = wanted === undefined ? this.#looks++ * LOOKED_AT_ONCE : 0;
    const meant = all.filter(isMeant);
    const some =
      wanted === undefined
        ? Array.from({ length: Math.min(LOOKED_AT_ONCE, meant.length) }, (_, at) => meant[(from + at) % meant.length])
        : meant;
    for (const waiter of some) {
      if (waiter === undefined) continue;
      read(waiter.key).then((row) => {
        if (row !== undefined) this.told(row);
        else waiter.reject(absent(waiter.key));
      }, waiter.reject);
    }
  }

  rejectAll(error: SignalboxError): void {
    for (const instances of this.#hubs.values()) {
      for (const waiters of instances.values()) for (const waiter of waiters) waiter.reject(error);
    }
  }

  #add({ hub, instanceId }: InstanceKey, waiter: Waiter): void {
    const instances = this.#hubs.get(hub) ?? new Map<InstanceId, Set<Waiter>>();
    const waiters = instances.get(instanceId) ?? new Set();
    waiters.add(waiter);
    instances.set(instanceId, waiters);
    this.#hubs.set(hub, instances);
  }

  #remove({ hub, instanceId }: InstanceKey, waiter: Waiter): void {
    const instances = this.#hubs.get(hub);
    const waiters = instances?.get(instanceId);
    if (instances === undefined || waiters === undefined) return;
    waiters.delete(waiter);
    if (waiters.size === 0) instances.delete(instanceId);
    if (instances.size === 0) this.#hubs.delete(hub);
  }
}

function absent({ instanceId }: InstanceKey): SignalboxError {
  return new SignalboxError("NOT_FOUND", `There is no instance ${JSON.stringify(instanceId)}.`);
}

function isReached(row: InstanceRow, until: WaitFor): boolean {
  if (typeof until === "function") return until(row);
  const { status } = row;
  return until === "end" ? isTerminal(status) : status !== "Pending";
}
