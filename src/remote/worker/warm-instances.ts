// Live instances between their turns, least recently used first, bounded by count and by the bytes of their histories on the
// wire. One that is not here costs its next turn a replay, no more.

import type { ExecutionId, InstanceId } from "../../model/ids.ts";
import type { LiveOrchestration } from "../../runtime/live-orchestration.ts";

export interface WarmInstance {
  readonly executionId: ExecutionId;
  readonly live: LiveOrchestration;
  /** Events that it has been led through: how long its history is once its last turn is committed. */
  readonly historyLength: number;
  readonly bytes: number;
}

export interface WarmBounds {
  readonly maxWarmInstances: number;
  readonly maxWarmBytes: number;
}

export class WarmInstances {
  readonly #bounds: WarmBounds;
  readonly #instances = new Map<InstanceId, WarmInstance>();
  #bytes = 0;

  constructor(bounds: WarmBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#instances.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes it out, for its next turn. */
  take(instanceId: InstanceId): WarmInstance | undefined {
    const warm = this.#instances.get(instanceId);
    if (warm === undefined) return undefined;
    this.#instances.delete(instanceId);
    this.#bytes -= warm.bytes;
    return warm;
  }

  keep(instanceId: InstanceId, warm: WarmInstance): void {
    this.drop(instanceId);
    this.#instances.set(instanceId, warm);
    this.#bytes += warm.bytes;
    const { maxWarmInstances, maxWarmBytes } = this.#bounds;
    for (const oldest of this.#instances.keys()) {
      if (this.#instances.size <= maxWarmInstances && this.#bytes <= maxWarmBytes) return;
      this.drop(oldest);
    }
  }

  /** Its function never goes on. */
  drop(instanceId: InstanceId): void {
    this.take(instanceId)?.live.drop();
  }

  clear(): void {
    for (const { live } of this.#instances.values()) live.drop();
    this.#instances.clear();
    this.#bytes = 0;
  }
}
