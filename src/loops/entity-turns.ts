// What follows for an entity from what has arrived: locks move at once, in commits of their own; operations go to whoever
// serves its name, one batch at a time (E1, E16).

import { applyEntitySystem } from "../engine/apply-entity.ts";
import type { EntityPorts } from "../engine/entity-message.ts";
import { triageEntity, type WaitingOperation } from "../engine/entity-triage.ts";
import { turnTime } from "../engine/rules.ts";
import type { InstanceState } from "../engine/state.ts";
import type { Waiting } from "../engine/triage.ts";
import type { HubName } from "../model/ids.ts";
import { type Entry, isOut } from "./entry.ts";
import type { Clock } from "./environment.ts";
import type { Instances } from "./instances.ts";
import type { LocalEntities } from "./local-entities.ts";
import type { Stalls } from "./stalls.ts";
import type { TurnCommits } from "./turn-commits.ts";
import type { RemoteEntities } from "./workers/remote-entities.ts";

export interface EntityTurnsPorts {
  readonly clock: Clock;
  readonly instances: Instances;
  readonly stalls: Stalls;
  readonly commits: TurnCommits;
  readonly entityPorts: (hub: HubName) => EntityPorts;
  readonly local: LocalEntities;
  /** Present if workers out of process may connect. */
  readonly remote?: RemoteEntities;
  readonly maxBatch: number;
}

/** A batch that was in flight in this process at this many crashes in a row is not tried again by itself (E5). */
const MAX_BATCH_ATTEMPTS = 3;

export class EntityTurns {
  readonly #ports: EntityTurnsPorts;

  constructor(ports: EntityTurnsPorts) {
    this.#ports = ports;
  }

  prepare(entry: Entry, state: InstanceState): void {
    const { clock, instances, maxBatch } = this.#ports;
    // What stands behind the batch waits for it, locks too.
    if (isOut(entry)) return;
    if (entry.retryStalled && state.row.stalled !== undefined && this.#maySucceed(state)) return this.#lift(entry, state);
    entry.retryStalled = false;
    const now = turnTime(state, entry.queue, clock.now());
    const { system, batch } = triageEntity(state, entry.queue, now, maxBatch);
    if (system !== undefined) {
      const committing = applyEntitySystem(state, system, now, this.#ports.entityPorts(state.row.hub));
      const gone = new Set<Waiting>(system.settled);
      entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
      entry.batch = undefined;
      return this.#ports.commits.commit(entry, committing, "turn");
    }
    if (batch.length === 0) return instances.touch(entry);
    this.#serve(entry, state, batch, now);
  }

  #serve(entry: Entry, state: InstanceState, batch: readonly WaitingOperation[], now: number): void {
    const { local, remote, stalls } = this.#ports;
    const { name, turnAttempt } = state.row;
    if (!local.serves(name)) {
      if (remote !== undefined) return remote.offer(entry, state, batch, now);
      return stalls.unserved(entry, state, local.unknownEntity(name));
    }
    if (turnAttempt < MAX_BATCH_ATTEMPTS) return local.begin(entry, state, batch, now);
    const reason = `Operations were in flight at ${turnAttempt} crashes in a row. Resume the entity to try them again.`;
    stalls.stall(entry, state, reason);
  }

  /** The code of others cannot take this process down: what it was doing at a crash is not held against it. */
  #maySucceed({ row }: InstanceState): boolean {
    return !this.#ports.local.serves(row.name) || row.turnAttempt < MAX_BATCH_ATTEMPTS;
  }

  /** E13: it is tried again; that it stood still is over when this has landed. */
  #lift(entry: Entry, state: InstanceState): void {
    const { stalled: _, ...row } = state.row;
    const { instances } = this.#ports;
    entry.retryStalled = false;
    entry.state = { ...state, row };
    instances.commitAlone([{ kind: "row", ref: entry.ref, row: { stalled: undefined } }], () => instances.revive(entry.ref));
  }
}
