// Entities whose code is in this process: their batches run on its own event loop and come back through the mailbox.

import { applyEntityBatch, settledBy } from "../engine/apply-entity.ts";
import type { EntityPorts } from "../engine/entity-message.ts";
import type { WaitingOperation } from "../engine/entity-triage.ts";
import type { InstanceState } from "../engine/state.ts";
import type { Waiting } from "../engine/triage.ts";
import { SignalboxError } from "../model/errors.ts";
import type { HubName } from "../model/ids.ts";
import type { EntityResult } from "../model/work-item.ts";
import type { AnyEntity } from "../runtime/entity.ts";
import { failureOf } from "../runtime/failure-of.ts";
import { runEntityBatch } from "../runtime/run-entity-batch.ts";
import type { Entry } from "./entry.ts";
import type { EngineLimits } from "./environment.ts";
import type { Instances } from "./instances.ts";
import type { LocalBatch } from "./local-batch.ts";
import type { TurnCommits } from "./turn-commits.ts";

export interface LocalEntitiesPorts {
  readonly entities: readonly AnyEntity[];
  readonly instances: Instances;
  readonly limits: Pick<EngineLimits, "maxPayloadLength">;
  readonly report: (batch: LocalBatch, result: EntityResult) => void;
  readonly commits: () => TurnCommits;
  readonly entityPorts: (hub: HubName) => EntityPorts;
}

export class LocalEntities {
  readonly #ports: LocalEntitiesPorts;
  readonly #entities = new Map<string, AnyEntity>();
  #running = 0;

  constructor(ports: LocalEntitiesPorts) {
    this.#ports = ports;
    for (const entity of ports.entities) {
      if (this.#entities.has(entity.name)) {
        throw new SignalboxError("INVALID_ARGUMENT", `Entity ${JSON.stringify(entity.name)} is defined twice.`);
      }
      this.#entities.set(entity.name, entity);
    }
  }

  get running(): number {
    return this.#running;
  }

  get names(): readonly string[] {
    return [...this.#entities.keys()];
  }

  serves(name: string): boolean {
    return this.#entities.has(name);
  }

  unknownEntity(name: string): string {
    const known = [...this.#entities.keys()].map((other) => JSON.stringify(other)).join(", ") || "none";
    return `No entity is named ${JSON.stringify(name)}; this engine has: ${known}. Open the engine with it to go on.`;
  }

  begin(entry: Entry, state: InstanceState, operations: readonly WaitingOperation[], time: number): void {
    const entity = this.#entities.get(state.row.name);
    if (entity === undefined) return;
    const batch = { entry, state, operations, time };
    entry.batch = { token: "", taken: operations, dropped: [], time, isOut: true, isDelta: false, seen: 0 };
    this.#running += 1;
    const messages = operations.map(({ message }) => message);
    const run = runEntityBatch(entity, state.row.entityState, messages, this.#ports.limits.maxPayloadLength);
    // Operations fail one by one; what fails here is all of them.
    const failed = (error: unknown): EntityResult => ({ results: [], actions: [], state: undefined, failure: failureOf(error) });
    void run.then(
      (result) => this.#ports.report(batch, result),
      (error: unknown) => this.#ports.report(batch, failed(error)),
    );
  }

  ended({ entry, state, operations, time }: LocalBatch, result: EntityResult): void {
    const { instances, commits, entityPorts } = this.#ports;
    this.#running -= 1;
    // Stalled meanwhile, or cleared away: nobody waits for it.
    if (instances.get(entry.ref) !== entry || entry.state !== state || entry.isLeaving) return;
    entry.batch = undefined;
    const committing = applyEntityBatch(state, operations, result, time, entityPorts(state.row.hub));
    const gone = new Set<Waiting>(settledBy(operations, result));
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    commits().commit(entry, committing, "turn");
  }
}
