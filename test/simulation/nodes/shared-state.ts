// What several simulated nodes share: the tables of a memory store, and beside them who lives, who owns what, and who has
// claimed what. The same columns as in PostgreSQL (docs/spec/ownership.md), without its statements.

import type { InstanceRef } from "../../../src/model/parts.ts";
import { MemoryState } from "../../../src/store/memory/memory-state.ts";
import type { ForeignCompletion } from "../../../src/store/store.ts";

/** Put into the store on purpose, to see that the checks bite. */
export type Fault =
  | "fence is not checked"
  | "claim does not look at the owner"
  | "hints are all there is"
  | "taken over before the mark"
  | "inbox out of order"
  | "no hint arrives"
  | "each goes by its own clock";

export interface NodeRow {
  /** The number of its last batch. */
  batch: number;
  isDead: boolean;
}

export class SharedState {
  readonly memory = new MemoryState();
  readonly nodes = new Map<number, NodeRow>();
  readonly owners = new Map<InstanceRef, number>();
  /** Nodes by the order of the activities that they have claimed. */
  readonly claims = new Map<number, number>();
  /** Not marked, but silent. */
  readonly silent = new Set<number>();
  readonly fault: Fault | undefined;
  completions: readonly (ForeignCompletion & { readonly node: number })[] = [];
  #lastEpoch = 0;
  #lastCompletion = 0;

  constructor(fault: Fault | undefined) {
    this.fault = fault;
  }

  join(): number {
    const epoch = ++this.#lastEpoch;
    this.nodes.set(epoch, { batch: 0, isDead: false });
    return epoch;
  }

  lives(epoch: number): boolean {
    return this.nodes.get(epoch)?.isDead === false;
  }

  living(): ReadonlySet<number> {
    return new Set([...this.nodes.keys()].filter((epoch) => this.lives(epoch)));
  }

  isFree(ref: InstanceRef): boolean {
    const owner = this.owners.get(ref);
    return owner === undefined || !this.lives(owner);
  }

  pass(node: number, token: string, text: string): boolean {
    if (!this.lives(node)) return false;
    this.completions = [...this.completions, { id: ++this.#lastCompletion, node, token, text }];
    return true;
  }
}
