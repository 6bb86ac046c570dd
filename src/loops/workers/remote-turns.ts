// Turns of orchestrations whose code is with workers out of process. A turn is sent on committed state only, as one batch
// under one token; what arrives meanwhile waits for the next (E1). The first answer to exactly that batch counts (E5).

import { applyTurn, type TurnPorts } from "../../engine/apply-turn.ts";
import { checkActions } from "../../engine/check-actions.ts";
import type { InstanceState } from "../../engine/state.ts";
import type { Triage, Waiting } from "../../engine/triage.ts";
import type { HubName } from "../../model/ids.ts";
import type { InstanceRef } from "../../model/parts.ts";
import type { Entry } from "../entry.ts";
import type { EngineLimits } from "../environment.ts";
import type { InboxKeeper } from "../inbox-keeper.ts";
import type { Instances } from "../instances.ts";
import type { TurnCommits } from "../turn-commits.ts";
import type { Answer } from "./answer.ts";
import type { BatchDesk, Current } from "./batch-desk.ts";
import type { OpenStream } from "./open-stream.ts";
import { overLimit } from "./over-limit.ts";
import type { CompletionToken, TurnItem, TurnResult } from "./work-item.ts";

type Sorted = Extract<Triage, { kind: "turn" }>;

export interface RemoteTurnsPorts {
  readonly desk: BatchDesk;
  readonly instances: Instances;
  readonly keeper: InboxKeeper;
  readonly commits: () => TurnCommits;
  readonly turnPorts: (hub: HubName) => TurnPorts;
  readonly limits: EngineLimits;
}

export class RemoteTurns {
  readonly #ports: RemoteTurnsPorts;

  constructor(ports: RemoteTurnsPorts) {
    this.#ports = ports;
  }

  /** Its next turn goes to a worker: now if there is a place, else when there is one. */
  offer(entry: Entry, state: InstanceState, { taken, dropped }: Sorted, time: number): void {
    const { desk } = this.#ports;
    const { row } = state;
    if (entry.history.length !== row.historyLength) return this.#readAgain(entry);
    const { ref, holder } = entry;
    const open = desk.claim(entry, { ...row, ref }, holder?.open);
    if (open === undefined) return;
    const { executionId, historyLength, instanceId } = row;
    const batch = desk.batchOf(entry, state, taken, dropped, time);
    batch.isDelta = holder?.open === open && holder.executionId === executionId && holder.historyLength === historyLength;
    const item: TurnItem = {
      sort: "orchestration",
      token: batch.token,
      instanceId,
      executionId,
      row,
      // Later turns append to it.
      history: batch.isDelta ? undefined : entry.history.slice(),
      historyLength,
      newEvents: [{ kind: "OrchestratorStarted", eventId: -1, timestamp: batch.time }, ...taken.map(({ message }) => message)],
    };
    desk.send(entry, open, item);
  }

  answered(ref: InstanceRef, token: CompletionToken, result: TurnResult, answer: Answer): void {
    const { desk, instances, limits } = this.#ports;
    const { from, current } = desk.answered(ref, token, answer);
    if (current === undefined) return answer.accept();
    const { batch, entry, state } = current;
    if (result.requiresHistory === true) {
      // E12: a worker that no longer holds the instance is no failure; one that was given its history has no use for it again.
      if (!batch.isDelta) return desk.refused(current, "The worker asks for a history that it was given.", answer);
      entry.holder = undefined;
      answer.accept();
      return instances.revive(ref);
    }
    const problem = checkActions(result.actions, state);
    if (problem !== undefined) return desk.refused(current, problem, answer);
    const tooMuch = overLimit(result, limits);
    if (tooMuch !== undefined) return desk.poisoned(current, tooMuch, answer);
    this.#commit(current, result, from, answer);
  }

  #commit({ entry, state, batch }: Current, { actions, customStatus }: TurnResult, from: OpenStream | undefined, answer: Answer): void {
    const { desk, keeper, commits, turnPorts } = this.#ports;
    const { taken, dropped, time } = batch;
    const turn = { taken, dropped, time, actions, ...(customStatus !== undefined && { customStatus }) };
    const committing = applyTurn(state, turn, turnPorts(state.row.hub));
    const gone = new Set<Waiting>([...taken, ...dropped]);
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    desk.settled(entry);
    keeper.discardAstray(entry, dropped, state);
    entry.history.push(...committing.turn.append);
    const { executionId, historyLength } = committing.state.row;
    const isWarm = from?.stream.keepsWarm === true && committing.turn.next === undefined;
    entry.holder = isWarm ? { open: from, executionId, historyLength } : undefined;
    commits().commit(entry, committing, "turn", answer);
  }

  /** Its history has not been kept: it was run by another kind of worker before. */
  #readAgain(entry: Entry): void {
    const { instances, keeper } = this.#ports;
    keeper.keepHeld(entry, entry.queue);
    instances.forget(entry);
    instances.summon(entry.ref);
  }
}
