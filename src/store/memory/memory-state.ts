// What a memory store keeps, apart from the handle that is open on it: a simulated crash drops the handle and opens another.

import type { NewInstance } from "../encoding/parts.ts";
import type { Text } from "../encoding/text.ts";

export interface MemoryTurn {
  readonly first: number;
  readonly count: number;
  readonly text: Text;
}
export interface MemoryActivity {
  readonly order: number;
  readonly ref: number;
  readonly executionId: string;
  readonly actionId: number;
  readonly work: Text;
  readonly attempt: number;
  readonly inFlight: boolean;
  readonly dueAt: number | null;
}
export interface MemoryRow extends Omit<NewInstance, "status"> {
  readonly status: string;
  readonly stalled: Text | null;
  readonly output: Text | null;
  readonly failure: Text | null;
  readonly customStatus: Text | null;
  readonly updatedAt: number;
  readonly completedAt: number | null;
  readonly historyLength: number;
  readonly historyBytes: number;
  readonly turnAttempt: number;
  readonly entityState: Text | null;
  readonly entityLock: Text | null;
}
export interface MemoryMessage {
  readonly message: Text;
  readonly executionId: string | null;
}
export interface MemoryDelivery {
  readonly hub: string;
  readonly until: number;
}
/** Changed in place; whoever changes it notes how to take that back (memory-tables.ts). */
export interface MemoryInstance {
  row: MemoryRow;
  turns: MemoryTurn[];
  /** By key, in no order. */
  inbox: Map<number, MemoryMessage>;
  timers: Map<number, number>;
  /** By action and execution. */
  readonly activities: Map<string, MemoryActivity>;
}

export class MemoryState {
  epoch = 0;
  lastRef = 0;
  lastInboxKey = 0;
  lastOrder = 0;
  /** In order of creation. */
  readonly instances = new Map<number, MemoryInstance>();
  /** hub -> instance id -> ref. */
  readonly refs = new Map<string, Map<string, number>>();
  /** Activities may outlive nothing: they go with their instance. Blobs by hash, as JSON. */
  readonly blobs = new Map<string, string>();
  /** Deliveries that count once, by hub and key, in the order in which they came. */
  readonly deliveries = new Map<string, MemoryDelivery>();
}
