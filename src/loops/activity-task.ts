import type { InstanceKey } from "../model/ids.ts";
import type { ActivityKey, NewActivity } from "../model/parts.ts";

/** An activity that the loop holds in memory: queued, waiting for a retry, or running. */
export interface ActivityTask {
  readonly key: ActivityKey;
  readonly instance: InstanceKey;
  readonly activity: NewActivity;
  /** With workers out of process. */
  readonly isRemote: boolean;
  /** The attempt that runs or is next; durable before it begins (E5). */
  attempt: number;
  state: "queued" | "marking" | "running" | "delayed" | "aside" | "settled";
  /** In flight when the process died: its row says so already, and what it leads to goes through the inbox (E5). */
  wasInFlight: boolean;
  /** Its row says already that the present attempt is in flight. */
  isMarked: boolean;
  /** The last attempt that has begun in this process; 0: none. */
  hasBegun: number;
  /** How often in a row workers gave it back. */
  tries: number;
}
