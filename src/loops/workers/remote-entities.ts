// Operations of entities, in batches for workers out of process or for the entities of this process. One batch of an entity
// is out at a time (E1); its result is committed as one (E16).

import { applyEntityBatch, checkEntityResult, settledBy } from "../../engine/apply-entity.ts";
import type { EntityPorts } from "../../engine/entity-message.ts";
import type { WaitingOperation } from "../../engine/entity-triage.ts";
import type { InstanceState } from "../../engine/state.ts";
import type { Waiting } from "../../engine/triage.ts";
import type { HubName } from "../../model/ids.ts";
import type { InstanceRef } from "../../model/parts.ts";
import type { Entry } from "../entry.ts";
import type { EngineLimits } from "../environment.ts";
import type { TurnCommits } from "../turn-commits.ts";
import type { Answer } from "./answer.ts";
import type { BatchDesk } from "./batch-desk.ts";
import { entityOverLimit } from "./over-limit.ts";
import type { CompletionToken, EntityResult } from "./work-item.ts";

export interface RemoteEntitiesPorts {
  readonly desk: BatchDesk;
  readonly commits: () => TurnCommits;
  readonly entityPorts: (hub: HubName) => EntityPorts;
  readonly limits: EngineLimits;
}

export class RemoteEntities {
  readonly #ports: RemoteEntitiesPorts;

  constructor(ports: RemoteEntitiesPorts) {
    this.#ports = ports;
  }

  /** Its next operations go to a worker: now if there is a place, else when there is one. */
  offer(entry: Entry, state: InstanceState, operations: readonly WaitingOperation[], time: number): void {
    const { desk } = this.#ports;
    const { hub, name, instanceId, executionId, entityState } = state.row;
    const open = desk.claim(entry, { hub, ref: entry.ref, name });
    if (open === undefined) return;
    const { token } = desk.batchOf(entry, state, operations, [], time);
    desk.send(entry, open, {
      sort: "entity",
      token,
      instanceId,
      executionId,
      state: entityState,
      operations: operations.map(({ message }) => message),
    });
  }

  answered(ref: InstanceRef, token: CompletionToken, result: EntityResult, answer: Answer): void {
    const { desk, limits, commits, entityPorts } = this.#ports;
    const { current } = desk.answered(ref, token, answer);
    if (current === undefined) return answer.accept();
    const { entry, state, batch } = current;
    const problem = checkEntityResult(batch.taken.length, result);
    if (problem !== undefined) return desk.refused(current, problem, answer);
    const tooMuch = entityOverLimit(result, limits);
    if (tooMuch !== undefined) return desk.poisoned(current, tooMuch, answer);
    const taken = batch.taken.filter(isOperation);
    const committing = applyEntityBatch(state, taken, result, batch.time, entityPorts(state.row.hub));
    const gone = new Set<Waiting>(settledBy(taken, result));
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    desk.settled(entry);
    commits().commit(entry, committing, "turn", answer);
  }
}

function isOperation(waiting: Waiting): waiting is WaitingOperation {
  const { kind } = waiting.message;
  return kind === "EntityOperationCalled" || kind === "EntityOperationSignaled";
}
