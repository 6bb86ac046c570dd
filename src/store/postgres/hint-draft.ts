// What others have to hear of a batch when it has landed.

import type { InstanceRef } from "../store.ts";

export class HintDraft {
  /** Instances of other nodes that got messages, by node. */
  readonly messages = new Map<number, Set<InstanceRef>>();
  /** Instances of other nodes that were removed, by node. */
  readonly gone = new Map<number, Set<InstanceRef>>();
  /** Instances that have begun or ended. */
  readonly changed = new Set<InstanceRef>();
  /** Instances that were terminated: what runs for them elsewhere is to stop. */
  readonly stopped = new Set<InstanceRef>();
  /** Instances that were released; the statement RELEASED tells what is to be known of them. */
  readonly released = new Set<InstanceRef>();
  /** When the first new timer of another node's instances is due, by node. */
  readonly due = new Map<number, number>();
  hasQueuedActivities = false;

  messageTo(node: number, ref: InstanceRef): void {
    setIn(this.messages, node).add(ref);
  }

  timerOf(node: number, fireAt: number): void {
    this.due.set(node, Math.min(fireAt, this.due.get(node) ?? fireAt));
  }

  removed(node: number, ref: InstanceRef): void {
    setIn(this.gone, node).add(ref);
  }
}

function setIn<Key, Value>(sets: Map<Key, Set<Value>>, key: Key): Set<Value> {
  const known = sets.get(key);
  if (known !== undefined) return known;
  const set = new Set<Value>();
  sets.set(key, set);
  return set;
}
