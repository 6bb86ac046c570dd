// What a store offers when several nodes share it. A node is one opening of the store; each instance has at most one owner
// among them, who alone commits its turns. See docs/spec/ownership.md.

import type { HubName } from "../model/ids.ts";
import type { ActivityKey, ActivityRow, InboxRow, InstanceRef } from "../model/parts.ts";

/**
 * Word of what others did. Only a hint: all of it is in the store, and a sweep finds what no hint has told.
 *
 * - `messages`: came for instances of this node.
 * - `waiting`: instances that nobody owns have messages.
 * - `changed`: instances of others have begun or ended. `stopped`: and what runs for them is to stop.
 * - `wanted`: another node asks for instances of this one, to end them and put others in their place.
 * - `gone`: rows of instances, this node's own among them, are no longer there.
 * - `activities`: the shared queue has grown.
 * - `due`: an instance that nobody owns has a timer, in ms since the epoch.
 * - `completions`: came for turns that this node dispatched.
 * - `died`: nodes are marked dead, and what they had waits for a `takeOver` part.
 * - `sweep`: hints may have been lost, or a node has left: look for everything.
 */
export type Hint =
  | { readonly kind: "messages" | "waiting" | "changed" | "stopped" | "wanted" | "gone"; readonly refs: readonly InstanceRef[] }
  | { readonly kind: "due"; readonly at: number }
  | { readonly kind: "activities" | "completions" | "died" | "sweep" };

/** Code that a node has, or a worker of it. Absent: every hub, every name. */
export interface Capability {
  readonly hub?: HubName;
  readonly name?: string;
  /** Of instances: entities, or orchestrations. */
  readonly isEntity?: boolean;
}

/** What another node's worker answered: the token says to what, the text is what the taker of tokens wrote. */
export interface ForeignCompletion {
  /** The store's number for it. */
  readonly id: number;
  readonly token: string;
  readonly text: string;
}

export interface Sharing {
  /** The database's clock, in ms since the epoch: one for all nodes, however theirs go. */
  now(): number;
  /** True if other nodes live, as far as is known. */
  readonly hasPeers: boolean;
  /** From now on hints come; one listener, called out of band. */
  listen(listener: (hint: Hint) => void): void;
  /** Instances of this node that have messages, by ref. */
  owned(after: InstanceRef, limit: number): Promise<readonly InstanceRef[]>;
  /**
   * Makes instances that nobody owns this node's own, if they have messages and can go on: neither stalled nor suspended. Only
   * those named by `refs`, or any; only with the code that is wanted, or with any. Never waits for another node that claims.
   */
  claim(
    wanted: readonly Capability[] | undefined,
    refs: readonly InstanceRef[] | undefined,
    limit: number,
  ): Promise<readonly InstanceRef[]>;
  /** Takes activities from the shared queue, in order of scheduling: they are this node's, and in flight. */
  claimActivities(wanted: readonly Capability[] | undefined, limit: number): Promise<readonly ActivityRow[]>;
  /** What this node has claimed: the answer to a claim may have been lost with its connection. */
  claimedActivities(): Promise<readonly (ActivityKey & { readonly order: number })[]>;
  /** Puts claimed activities back into the queue, by their order. */
  returnActivities(orders: readonly number[]): Promise<void>;
  /** What waits in the inbox of an instance of this node; in the order of calls among reads and commits. */
  inbox(ref: InstanceRef): Promise<readonly InboxRow[]>;
  /** Asks whoever owns an instance to release it. */
  want(ref: InstanceRef): void;
  /** Hands a worker's answer to the node that dispatched what it answers; false if that node is not alive. */
  passCompletion(epoch: number, completion: Omit<ForeignCompletion, "id">): Promise<boolean>;
  /** The answers that other nodes have passed to this one, in order, without those that it has seen: they go. */
  takeCompletions(seen: readonly number[], limit: number): Promise<readonly ForeignCompletion[]>;
}
