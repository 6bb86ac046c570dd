// One node among several: what it hears of the others, and what it takes and gives up. Every hint is only a reason to look
// into the store; a sweep looks without one. The rules are in docs/spec/ownership.md; on a store of one node nothing of this
// is there.

import type { ActivityRow, InboxRow, InstanceRef } from "../model/parts.ts";
import type { Capability, ForeignCompletion, Hint, Sharing } from "../store/store.ts";
import type { Backlog } from "./backlog.ts";
import type { Change } from "./committer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Entry } from "./entry.ts";
import type { InboxKeeper } from "./inbox-keeper.ts";
import type { Instances } from "./instances.ts";
import type { Places } from "./places.ts";
import type { Readings } from "./readings.ts";
import type { SharingEvent } from "./sharing-event.ts";
import type { Timers } from "./timers.ts";
import { type Passable, received } from "./workers/pass-on.ts";

const PAGE = 256;

export interface OwnershipPorts {
  readonly sharing: Sharing;
  readonly readings: Readings;
  readonly instances: Instances;
  readonly keeper: InboxKeeper;
  readonly deliveries: Deliveries;
  readonly timers: Timers;
  readonly backlog: Backlog;
  readonly dispatch: Dispatch;
  readonly places: readonly Places[];
  readonly commit: (change: Change) => void;
  /** The code that is here or with workers of this node. */
  readonly capabilities: () => readonly Capability[];
  /** Instances of this node that wait for a worker which it does not have. */
  readonly unserved: () => readonly InstanceRef[];
  /** Instances of other nodes have changed; undefined: any may have. */
  readonly changedElsewhere: (refs: readonly InstanceRef[] | undefined) => void;
  /** A worker has said something of an item that this node dispatched, or a node that is no more. */
  readonly said: (said: Passable) => void;
  readonly broke: (error: unknown) => void;
}

export class Ownership {
  readonly #ports: OwnershipPorts;
  /** Inboxes that are being read; true: once more after that. */
  readonly #inboxes = new Map<InstanceRef, boolean>();
  /** Places whose activities are being claimed. */
  readonly #claiming = new Set<Places>();
  /** Places for which the shared queue may have something. */
  readonly #hopeful: Set<Places>;
  #takingCompletions: "no" | "once" | "again" = "no";
  /** Said, but still in the store. */
  #seenCompletions: readonly number[] = [];
  /** Pages of a sweep that have been read. */
  #owned: InstanceRef[] = [];
  #isLookingAtAll = false;
  #isAskedForAll = false;
  /** Any instances are being claimed; "again": once more after that. */
  #claimingAny: "no" | "once" | "again" = "no";

  constructor(ports: OwnershipPorts) {
    this.#ports = ports;
    this.#hopeful = new Set(ports.places);
  }

  heard(event: SharingEvent): void {
    switch (event.kind) {
      case "Hinted":
        return this.#hinted(event.hint);
      case "InboxRead":
        return this.#inboxWasRead(event.ref, event.rows);
      case "Claimed":
        return this.#wereClaimed(event.refs, event.page);
      case "OwnedRead":
        return this.#ownedWereRead(event.refs, event.isLast);
      case "ActivitiesClaimed":
        return this.#activitiesWereClaimed(event.places, event.rows, event.isLast);
      case "ActivitiesReturned":
        return;
      case "ClaimedRead":
        return this.#giveBack(event.claimed.filter((key) => this.#ports.dispatch.letsGo(key)).map(({ order }) => order));
      case "Again":
        return event.again();
      case "Orphaned":
        return this.#ports.said(event.said);
      case "CompletionsTaken":
        return this.#completionsWereTaken(event.completions);
      default:
        event satisfies never;
    }
  }

  /** This node has neither its code nor a worker that has: another may. False: there is none. */
  handOver(entry: Entry): boolean {
    if (!this.#ports.sharing.hasPeers || entry.isLeaving) return false;
    this.#leave(entry);
    return true;
  }

  /** Streams have come or gone: what this node can run is not what it was. */
  workersChanged(): void {
    this.#claimAny();
    for (const places of this.#ports.places) this.#hopeful.add(places);
    this.#releaseUnserved();
  }

  /** End of a tick: free places look for activities that nobody has. */
  fill(): void {
    const { dispatch } = this.#ports;
    if (dispatch.isStopped) return;
    if (dispatch.haveLostWorkers() && this.#ports.sharing.hasPeers) this.#lookAtClaims();
    for (const places of this.#hopeful) if (places.free > 0) this.claimActivities(places, places.free);
  }

  claimActivities(places: Places, limit: number): void {
    if (this.#claiming.has(places)) return;
    const { sharing, readings } = this.#ports;
    const asked = Math.min(limit, PAGE);
    this.#claiming.add(places);
    this.#hopeful.delete(places);
    places.readingBegins(true);
    readings.start(sharing.claimActivities(places.wanted(), asked), (rows) =>
      shared({ kind: "ActivitiesClaimed", places, rows, isLast: rows.length < asked }),
    );
  }

  #hinted(hint: Hint): void {
    const { timers, deliveries, dispatch, changedElsewhere, instances } = this.#ports;
    switch (hint.kind) {
      case "messages":
        for (const ref of hint.refs) this.look(ref);
        return;
      case "waiting":
        return this.#claim(hint.refs);
      case "changed":
        return changedElsewhere(hint.refs);
      case "stopped":
        // Its owner has ended it: what this node runs for it goes the same way.
        for (const ref of hint.refs) if (instances.get(ref) === undefined) dispatch.terminated(ref);
        return changedElsewhere(hint.refs);
      case "wanted":
        for (const ref of hint.refs) this.#giveUp(ref);
        return;
      case "gone":
        for (const ref of hint.refs) deliveries.gone(ref, "The instance was removed.");
        return;
      case "due":
        return timers.armed(hint.at);
      case "activities":
        for (const places of this.#ports.places) this.#hopeful.add(places);
        return;
      case "completions":
        return this.#takeCompletions();
      case "died":
        return this.#takeOver();
      case "sweep":
        return this.#sweep();
      default:
        hint satisfies never;
    }
  }

  #giveUp(ref: InstanceRef): void {
    const entry = this.#ports.instances.get(ref);
    if (entry === undefined) return this.#release([ref]);
    if (entry.state === undefined || entry.isLeaving) return;
    this.#leave(entry);
  }

  /** What waits in memory alone goes to the store first. */
  #leave(entry: Entry): void {
    this.#ports.keeper.keepHeld(entry, entry.queue);
    this.#ports.instances.leave(entry, [{ kind: "release", refs: [entry.ref] }]);
  }

  #release(refs: readonly InstanceRef[]): void {
    const { commit, broke } = this.#ports;
    commit({ parts: [{ kind: "release", refs }], bytes: 64, landed: () => {}, refused: broke });
  }

  #sweep(): void {
    const { places, backlog, changedElsewhere } = this.#ports;
    this.#lookAtAll();
    this.#claimAny();
    for (const each of places) this.#hopeful.add(each);
    backlog.lookForTimers();
    // The answer to a claim may have been lost with its connection: what nobody knows goes back.
    this.#lookAtClaims();
    this.#takeCompletions();
    changedElsewhere(undefined);
    this.#releaseUnserved();
  }

  /** In this node's own commit (E4); then what was theirs is looked at like the work of an opening. */
  #takeOver(): void {
    const { commit, broke } = this.#ports;
    commit({ parts: [{ kind: "takeOver" }], bytes: 0, landed: () => this.#sweep(), refused: broke });
  }

  /** New messages may lie in the inbox of an instance that this node owns. */
  look(ref: InstanceRef): void {
    const { instances, sharing, readings } = this.#ports;
    const entry = instances.get(ref);
    if (entry === undefined) return void instances.summon(ref);
    if (entry.isLeaving) {
      entry.missed = true;
      return;
    }
    if (this.#inboxes.has(ref)) return void this.#inboxes.set(ref, true);
    this.#inboxes.set(ref, false);
    readings.start(sharing.inbox(ref), (rows) => shared({ kind: "InboxRead", ref, rows }));
  }

  #inboxWasRead(ref: InstanceRef, rows: readonly InboxRow[]): void {
    const isAskedAgain = this.#inboxes.get(ref) === true;
    this.#inboxes.delete(ref);
    this.#ports.instances.refill(ref, rows);
    if (isAskedAgain) this.look(ref);
  }

  #lookAtAll(): void {
    if (this.#isLookingAtAll) {
      this.#isAskedForAll = true;
      return;
    }
    this.#isLookingAtAll = true;
    this.#lookAtOwned(0);
  }

  #lookAtOwned(after: InstanceRef): void {
    const { sharing, readings } = this.#ports;
    readings.start(sharing.owned(after, PAGE), (refs) => shared({ kind: "OwnedRead", refs, isLast: refs.length < PAGE }));
  }

  /** Inboxes of warm ones before any cold one can send: what its earlier owner has sent comes first (E7). */
  #ownedWereRead(refs: readonly InstanceRef[], isLast: boolean): void {
    this.#owned.push(...refs);
    if (!isLast) return this.#lookAtOwned(refs.at(-1) ?? 0);
    const owned = this.#owned;
    this.#owned = [];
    this.#isLookingAtAll = false;
    const isCold = (ref: InstanceRef): boolean => this.#ports.instances.get(ref) === undefined;
    for (const ref of [...owned.filter((ref) => !isCold(ref)), ...owned.filter(isCold)]) this.look(ref);
    if (!this.#isAskedForAll) return;
    this.#isAskedForAll = false;
    this.#lookAtAll();
  }

  #claim(refs: readonly InstanceRef[]): void {
    const { sharing, readings, capabilities, dispatch } = this.#ports;
    if (dispatch.isStopped) return;
    readings.start(sharing.claim(capabilities(), refs, refs.length), (found) => shared({ kind: "Claimed", refs: found, page: undefined }));
  }

  #claimAny(): void {
    const { sharing, readings, capabilities, dispatch } = this.#ports;
    if (dispatch.isStopped) return;
    if (this.#claimingAny !== "no") {
      this.#claimingAny = "again";
      return;
    }
    this.#claimingAny = "once";
    const claimed = sharing.claim(capabilities(), undefined, PAGE);
    readings.start(claimed, (found) => shared({ kind: "Claimed", refs: found, page: found.length < PAGE ? "last" : "full" }));
  }

  #wereClaimed(refs: readonly InstanceRef[], page: "last" | "full" | undefined): void {
    for (const ref of refs) this.#ports.instances.summon(ref);
    if (page === undefined) return;
    const isOver = page === "last" && this.#claimingAny === "once";
    this.#claimingAny = "no";
    if (!isOver) this.#claimAny();
  }

  #activitiesWereClaimed(places: Places, rows: readonly ActivityRow[], isLast: boolean): void {
    const { dispatch } = this.#ports;
    this.#claiming.delete(places);
    const unwanted = dispatch.isStopped ? rows : rows.filter((row) => !dispatch.adoptClaimed(row, places));
    this.#giveBack(unwanted.map(({ order }) => order));
    if (!isLast && unwanted.length === 0) this.#hopeful.add(places);
    places.pageWasRead(isLast);
  }

  #giveBack(orders: readonly number[]): void {
    const { sharing, readings } = this.#ports;
    if (orders.length > 0) readings.start(sharing.returnActivities(orders), () => shared({ kind: "ActivitiesReturned" }));
  }

  #takeCompletions(): void {
    if (this.#takingCompletions !== "no") {
      this.#takingCompletions = "again";
      return;
    }
    this.#takingCompletions = "once";
    const { sharing, readings } = this.#ports;
    const seen = this.#seenCompletions;
    this.#seenCompletions = [];
    readings.start(sharing.takeCompletions(seen, PAGE), (completions) => shared({ kind: "CompletionsTaken", completions }));
  }

  #completionsWereTaken(completions: readonly ForeignCompletion[]): void {
    const isOver = completions.length === 0 && this.#takingCompletions === "once";
    this.#takingCompletions = "no";
    this.#seenCompletions = completions.map(({ id }) => id);
    for (const completion of completions) {
      const said = received(completion);
      if (said !== undefined) this.#ports.said(said);
    }
    if (!isOver) this.#takeCompletions();
  }

  /** What is of no use here goes back into the queue that all nodes share. */
  #lookAtClaims(): void {
    const { sharing, readings } = this.#ports;
    readings.start(sharing.claimedActivities(), (claimed) => shared({ kind: "ClaimedRead", claimed }));
  }

  #releaseUnserved(): void {
    const { sharing, unserved, instances } = this.#ports;
    if (!sharing.hasPeers) return;
    const cold: InstanceRef[] = [];
    for (const ref of unserved()) {
      const entry = instances.get(ref);
      if (entry === undefined) cold.push(ref);
      else if (entry.state !== undefined && !entry.isOutstanding) this.handOver(entry);
    }
    if (cold.length > 0) this.#release(cold);
  }
}

function shared(event: SharingEvent): { readonly kind: "Shared"; readonly event: SharingEvent } {
  return { kind: "Shared", event };
}
