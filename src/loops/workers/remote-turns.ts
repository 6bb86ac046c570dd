// Turns of orchestrations whose code is with workers out of process. A turn is sent on committed state only, as one batch
// under one token; what arrives meanwhile waits for the next (E1). The first answer to exactly that batch counts (E5).

import { applyTurn, type TurnPorts } from "../../engine/apply-turn.ts";
import { checkActions } from "../../engine/check-actions.ts";
import type { InstanceState } from "../../engine/state.ts";
import type { Triage, Waiting } from "../../engine/triage.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { HubName } from "../../model/ids.ts";
import type { InstanceRef, InstanceRow } from "../../model/parts.ts";
import { type Entry, isDirect, isOut } from "../entry.ts";
import type { InboxKeeper } from "../inbox-keeper.ts";
import type { Instances } from "../instances.ts";
import type { Stalls } from "../stalls.ts";
import type { TurnCommits } from "../turn-commits.ts";
import type { Answer } from "./answer.ts";
import type { InFlight } from "./in-flight.ts";
import type { Market } from "./market.ts";
import type { Delivery, OpenStream } from "./open-stream.ts";
import type { Retries } from "./retries.ts";
import { tokenOf } from "./tokens.ts";
import { WaitingList } from "./waiting-list.ts";
import type { CompletionToken, TurnItem, TurnResult } from "./work-item.ts";

type Sorted = Extract<Triage, { kind: "turn" }>;

export interface RemoteTurnsPorts {
  readonly epoch: number;
  readonly instances: Instances;
  readonly keeper: InboxKeeper;
  readonly stalls: Stalls;
  readonly commits: () => TurnCommits;
  readonly inFlight: InFlight;
  readonly retries: Retries;
  readonly market: (hub: string) => Market<InstanceRef>;
  readonly turnPorts: (hub: HubName) => TurnPorts;
  readonly isStopped: () => boolean;
}

export class RemoteTurns {
  readonly #ports: RemoteTurnsPorts;
  readonly #list: WaitingList;
  #batches = 0;

  constructor(ports: RemoteTurnsPorts) {
    this.#ports = ports;
    this.#list = new WaitingList(ports.market);
  }

  isWaiting(ref: InstanceRef): boolean {
    return this.#list.isWaiting(ref);
  }

  /** Its next turn goes to a worker: now if there is a place, else when there is one. */
  offer(entry: Entry, state: InstanceState, sorted: Sorted, time: number): void {
    const { row } = state;
    if (entry.history.length !== row.historyLength) return this.#readAgain(entry);
    const isHeldBack = this.#ports.isStopped() || this.#ports.retries.isPaused(entry.ref);
    const open = isHeldBack ? undefined : this.#list.claim(row, entry.holder?.open);
    if (open === undefined) return this.#park(entry);
    this.#send(entry, row, open, sorted, time);
  }

  /** The places that have become free are filled. */
  fill(market: Market<InstanceRef>): void {
    for (const ref of this.#list.call(market)) this.#ports.instances.revive(ref);
  }

  /** It took no place: another may have it. */
  giveBack(ref: InstanceRef): void {
    this.#list.giveBack(ref);
  }

  answered(ref: InstanceRef, token: CompletionToken, result: TurnResult, answer: Answer): void {
    const { inFlight, instances } = this.#ports;
    const from = inFlight.answered(token);
    const entry = instances.get(ref);
    if (entry?.state === undefined || entry.batch?.token !== token || entry.isOutstanding || entry.isLeaving) return answer.accept();
    const { batch, state } = entry;
    batch.isOut = inFlight.isOut(token);
    if (result.requiresHistory === true && batch.isDelta) {
      entry.holder = undefined;
      answer.accept();
      return instances.revive(ref);
    }
    const problem =
      result.requiresHistory === true ? "The worker asks for a history that it was given." : checkActions(result.actions, state);
    if (problem !== undefined) {
      answer.refuse(new SignalboxError("INVALID_ARGUMENT", `The turn's result makes no sense: ${problem}`));
      return this.#failed(entry, `its workers answer with nonsense: ${problem}`);
    }
    this.#commit(entry, state, batch.taken, result, from, answer);
  }

  abandoned(ref: InstanceRef, token: CompletionToken): void {
    const from = this.#ports.inFlight.answered(token);
    const entry = this.#ports.instances.get(ref);
    if (from === undefined || entry?.batch?.token !== token) return;
    entry.batch.isOut = this.#ports.inFlight.isOut(token);
    this.#failed(entry, "its workers give it back");
  }

  lost({ ref, token }: Delivery, why: "stream" | "silence"): void {
    const entry = this.#ports.instances.get(ref);
    if (entry?.batch?.token !== token) return;
    entry.batch.isOut = this.#ports.inFlight.isOut(token);
    if (why === "silence") this.#failed(entry, "its workers do not answer", true);
    else this.#ports.instances.revive(ref);
  }

  #send(entry: Entry, row: InstanceRow, open: OpenStream, { taken, dropped }: Sorted, time: number): void {
    const { ref } = entry;
    const { holder, history } = entry;
    const { executionId, historyLength, instanceId } = row;
    const isDelta = holder?.open === open && holder.executionId === executionId && holder.historyLength === historyLength;
    const again = entry.batch !== undefined && isSame(entry.batch.taken, taken) ? entry.batch : undefined;
    const batch = again ?? {
      token: tokenOf({ sort: "orchestration", epoch: this.#ports.epoch, ref, executionId, batch: ++this.#batches }),
      taken,
      dropped,
      time,
      isOut: true,
      seen: 0,
      isDelta,
    };
    batch.isOut = true;
    batch.isDelta = isDelta;
    batch.seen = entry.queue.length;
    entry.batch = batch;
    const item: TurnItem = {
      sort: "orchestration",
      token: batch.token,
      instanceId,
      executionId,
      row,
      // Later turns append to it.
      history: isDelta ? undefined : history.slice(),
      historyLength,
      newEvents: [{ kind: "OrchestratorStarted", eventId: -1, timestamp: batch.time }, ...taken.map(({ message }) => message)],
    };
    this.#ports.inFlight.send(open, ref, item);
  }

  #commit(
    entry: Entry,
    state: InstanceState,
    taken: readonly Waiting[],
    { actions, customStatus }: TurnResult,
    from: OpenStream | undefined,
    answer: Answer,
  ): void {
    const { keeper, commits, retries, turnPorts } = this.#ports;
    const { dropped = [], time = state.lastTurnAt } = entry.batch ?? {};
    const turn = { taken, dropped, time, actions, ...(customStatus !== undefined && { customStatus }) };
    const committing = applyTurn(state, turn, turnPorts(state.row.hub));
    const gone = new Set<Waiting>([...taken, ...dropped]);
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    entry.batch = undefined;
    retries.over(entry.ref);
    keeper.discardAstray(entry, dropped, state);
    entry.history.push(...committing.turn.append);
    const { executionId, historyLength } = committing.state.row;
    const isWarm = from?.stream.keepsWarm === true && committing.turn.next === undefined;
    entry.holder = isWarm ? { open: from, executionId, historyLength } : undefined;
    commits().commit(entry, committing, "turn", answer);
  }

  /** What it waits for lies in the store, so that it may become cold; but a batch that may be sent again keeps its events. */
  #park(entry: Entry): void {
    const { batch, queue } = entry;
    const direct = queue.filter((waiting) => isDirect(waiting) && !(batch?.taken.includes(waiting) ?? false));
    if (direct.length > 0) this.#ports.keeper.keepHeld(entry, direct);
    this.#ports.instances.touch(entry);
  }

  /** Its history has not been kept: it was run by another kind of worker before. */
  #readAgain(entry: Entry): void {
    const { instances, keeper } = this.#ports;
    keeper.keepHeld(entry, entry.queue);
    instances.forget(entry);
    instances.summon(entry.ref);
  }

  #failed(entry: Entry, why: string, hasPaused = false): void {
    const { instances, retries, stalls } = this.#ports;
    if (isOut(entry)) return;
    if (retries.failed(entry.ref, hasPaused)) {
      if (hasPaused) instances.revive(entry.ref);
      return;
    }
    entry.batch = undefined;
    if (entry.state === undefined) return;
    const reason = `A turn was tried many times in a row and comes to nothing: ${why}. Look at the worker, then resume the instance.`;
    stalls.stall(entry, entry.state, reason);
  }
}

/** The same messages in the same order. */
function isSame(taken: readonly Waiting[], others: readonly Waiting[]): boolean {
  return taken.length === others.length && taken.every((waiting, index) => waiting === others[index]);
}
