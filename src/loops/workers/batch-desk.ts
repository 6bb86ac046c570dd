// Batches of one sort, turns or operations of entities, on their way to workers and back: who waits for a place, which batch
// is out under which token (E5), and what becomes of one that comes back unanswered (E10, E13).

import type { InstanceState } from "../../engine/state.ts";
import type { Waiting } from "../../engine/triage.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { InstanceRef, InstanceRow } from "../../model/parts.ts";
import { type Entry, isDirect, isOut, type RemoteBatch } from "../entry.ts";
import type { InboxKeeper } from "../inbox-keeper.ts";
import type { Instances } from "../instances.ts";
import type { Stalls } from "../stalls.ts";
import type { Answer } from "./answer.ts";
import type { InFlight } from "./in-flight.ts";
import type { Market } from "./market.ts";
import type { Delivery, OpenStream } from "./open-stream.ts";
import type { Retries } from "./retries.ts";
import { tokenOf } from "./tokens.ts";
import { WaitingList } from "./waiting-list.ts";
import type { CompletionToken, WorkItem } from "./work-item.ts";

export interface BatchDeskPorts {
  readonly epoch: number;
  readonly instances: Instances;
  readonly keeper: InboxKeeper;
  readonly stalls: Stalls;
  readonly inFlight: InFlight;
  readonly retries: Retries;
  readonly isStopped: () => boolean;
  /** No worker of this node takes work of its kind. */
  readonly unserved: (entry: Entry) => void;
}

/** A batch whose answer counts. */
export interface Current {
  readonly entry: Entry;
  readonly state: InstanceState;
  readonly batch: RemoteBatch;
}

export class BatchDesk {
  readonly #sort: "orchestration" | "entity";
  readonly #ports: BatchDeskPorts;
  readonly #list: WaitingList;
  #made = 0;

  constructor(sort: "orchestration" | "entity", ports: BatchDeskPorts, market: (hub: string) => Market<InstanceRef>) {
    this.#sort = sort;
    this.#ports = ports;
    this.#list = new WaitingList(market);
  }

  isWaiting(ref: InstanceRef): boolean {
    return this.#list.isWaiting(ref);
  }

  unserved(): readonly InstanceRef[] {
    return this.#list.unserved();
  }

  /** The places that have become free are filled. */
  fill(market: Market<InstanceRef>): void {
    for (const ref of this.#list.call(market)) this.#ports.instances.revive(ref);
  }

  /** It took no place: another may have it. */
  giveBack(ref: InstanceRef): void {
    this.#list.giveBack(ref);
  }

  /** A place for its next batch, or undefined: then it waits, and need not stay in memory. */
  claim(entry: Entry, kind: Pick<InstanceRow, "hub" | "ref" | "name" | "version">, preferred?: OpenStream): OpenStream | undefined {
    const { isStopped, retries } = this.#ports;
    const open = isStopped() || retries.isPaused(entry.ref) ? undefined : this.#list.claim(kind, preferred);
    if (open !== undefined) return open;
    this.#park(entry);
    if (!isStopped() && !isOut(entry) && !this.#list.hasTaker(kind)) this.#ports.unserved(entry);
    return undefined;
  }

  /** The same events in the same order are the same batch, under the same token, at the same time (E5). */
  batchOf(entry: Entry, { row }: InstanceState, taken: readonly Waiting[], dropped: readonly Waiting[], time: number): RemoteBatch {
    const { ref, executionId } = row;
    const { batch: last } = entry;
    const batch: RemoteBatch =
      last !== undefined && isSame(last.taken, taken)
        ? last
        : {
            token: tokenOf({ sort: this.#sort, epoch: this.#ports.epoch, ref, executionId, batch: ++this.#made }),
            taken,
            dropped,
            time,
            isOut: true,
            isDelta: false,
            seen: 0,
          };
    batch.isOut = true;
    batch.seen = entry.queue.length;
    entry.batch = batch;
    return batch;
  }

  send(entry: Entry, open: OpenStream, item: WorkItem): void {
    this.#ports.inFlight.send(open, entry.ref, item);
  }

  /** What an answer is about, and from where it came; without `current` it is stale and has no effect (E5). */
  answered(
    ref: InstanceRef,
    token: CompletionToken,
    answer: Answer,
  ): { readonly from: OpenStream | undefined; readonly current: Current | undefined } {
    const from = this.#ports.inFlight.answered(token, answer.from);
    const entry = this.#ports.instances.get(ref);
    if (entry?.state === undefined || entry.batch?.token !== token || entry.isOutstanding || entry.isLeaving) {
      return { from, current: undefined };
    }
    const { batch, state } = entry;
    batch.isOut = this.#ports.inFlight.isOut(token);
    return { from, current: { entry, state, batch } };
  }

  /** Its answer is about to be committed. */
  settled(entry: Entry): void {
    entry.batch = undefined;
    this.#ports.retries.over(entry.ref);
  }

  refused({ entry }: Current, problem: string, answer: Answer): void {
    answer.refuse(new SignalboxError("INVALID_ARGUMENT", `The result makes no sense: ${problem}`));
    this.#failed(entry, `its workers answer with nonsense: ${problem}`);
  }

  /** No try will do better: its instance stands still at once. */
  poisoned({ entry, state }: Current, problem: string, answer: Answer): void {
    answer.refuse(new SignalboxError("LIMIT_EXCEEDED", problem));
    entry.batch = undefined;
    this.#ports.retries.over(entry.ref);
    this.#ports.stalls.stall(entry, state, problem);
  }

  abandoned(ref: InstanceRef, token: CompletionToken, answer: Answer, reason: string | undefined): void {
    const { from, current } = this.answered(ref, token, answer);
    if (from !== undefined && current !== undefined)
      this.#failed(current.entry, `its workers give it back${reason === undefined ? "" : ` (${reason})`}`);
  }

  lost({ ref, token }: Delivery, why: "stream" | "silence"): void {
    const entry = this.#ports.instances.get(ref);
    if (entry?.batch?.token !== token) return;
    entry.batch.isOut = this.#ports.inFlight.isOut(token);
    if (why === "silence") this.#failed(entry, "its workers do not answer", true);
    else this.#ports.instances.revive(ref);
  }

  /** What it waits for lies in the store, so that it may become cold; but a batch that may be sent again keeps its events. */
  #park(entry: Entry): void {
    const { batch, queue } = entry;
    const direct = queue.filter((waiting) => isDirect(waiting) && !(batch?.taken.includes(waiting) ?? false));
    if (direct.length > 0) this.#ports.keeper.keepHeld(entry, direct);
    this.#ports.instances.touch(entry);
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
    const what = this.#sort === "entity" ? "A batch of operations" : "A turn";
    const reason = `${what} was tried many times in a row and comes to nothing: ${why}. Look at the worker, then resume the instance.`;
    stalls.stall(entry, entry.state, reason);
  }
}

/** The same messages in the same order. */
function isSame(taken: readonly Waiting[], others: readonly Waiting[]): boolean {
  return taken.length === others.length && taken.every((waiting, index) => waiting === others[index]);
}
