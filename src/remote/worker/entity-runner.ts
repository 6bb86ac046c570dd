// Serves the batches of operations that a server sends, those of one entity one after the other.

import { entityName } from "../../model/entity.ts";
import type { EntityResult } from "../../model/work-item.ts";
import type { AnyEntity } from "../../runtime/entity.ts";
import { runEntityBatch } from "../../runtime/run-entity-batch.ts";
import type { ReceivedBatch } from "../../wire/entity-work.ts";
import { InTurn } from "./in-turn.ts";

export type BatchEnd = { readonly kind: "ended"; readonly result: EntityResult } | { readonly kind: "abandoned"; readonly reason: string };

export class EntityRunner {
  readonly #entities: ReadonlyMap<string, AnyEntity>;
  readonly #maxPayloadLength: number;
  readonly #inTurn = new InTurn<string>();
  readonly #running = new Set<(end: BatchEnd) => void>();

  constructor(entities: readonly AnyEntity[], maxPayloadLength: number) {
    this.#entities = new Map(entities.map((entity) => [entity.name, entity]));
    this.#maxPayloadLength = maxPayloadLength;
  }

  async run(batch: ReceivedBatch): Promise<BatchEnd> {
    const { instanceId, state, operations } = batch;
    const name = entityName(instanceId);
    const entity = name === undefined ? undefined : this.#entities.get(name);
    if (entity === undefined) {
      const known = [...this.#entities.keys()].map((other) => JSON.stringify(other)).join(", ") || "none";
      const reason = `No entity is named ${JSON.stringify(name ?? instanceId)}; this worker has: ${known}. Connect a worker with it to go on.`;
      return { kind: "abandoned", reason };
    }
    const served = operations.map((operation) => ({ ...operation, targetInstanceId: instanceId }));
    return await this.#inTurn.run(instanceId, async () => {
      const { promise, resolve } = Promise.withResolvers<BatchEnd>();
      this.#running.add(resolve);
      const batched = runEntityBatch(entity, state, served, this.#maxPayloadLength);
      batched.then(
        (result) => resolve({ kind: "ended", result }),
        (error: unknown) => resolve({ kind: "abandoned", reason: String(error) }),
      );
      const end = await promise;
      this.#running.delete(resolve);
      return end;
    });
  }

  /** Those that are served are given back. */
  abortAll(reason: string): void {
    for (const end of this.#running) end({ kind: "abandoned", reason });
  }
}
