// Reads an instance's queue by what is there: which messages the next turn gets, which wait, which are for nobody. The
// queue is given in order of arrival and stays in that order; a pause inside it holds what follows until it is lifted.

import type { ExecutionRewound, ExecutionTerminated, Message } from "../model/events.ts";
import type { ActionId, ExecutionId } from "../model/ids.ts";
import type { InboxKey } from "../model/parts.ts";
import { classify, type Phase, phaseBeneathStall, phaseOf, RULES } from "./rules.ts";
import type { InstanceState } from "./state.ts";

/** A message as it waits in memory, and what its consumption removes from the store. */
export interface Waiting {
  readonly message: Message;
  /** For resolutions: the execution they are meant for (E6). */
  readonly executionId?: ExecutionId;
  readonly source:
    | { readonly kind: "inbox"; readonly key: InboxKey }
    | { readonly kind: "activity"; readonly actionId: ActionId }
    /** One that was due already when the store was opened goes through the inbox before a turn gets it (E5). */
    | { readonly kind: "timer"; readonly timerId: ActionId; readonly wasDue?: true };
}

export type Triage =
  | { readonly kind: "terminate"; readonly waiting: Waiting; readonly message: ExecutionTerminated }
  /** An ended instance is to run again: `applyRewind`. */
  | { readonly kind: "rewind"; readonly waiting: Waiting; readonly message: ExecutionRewound }
  | {
      readonly kind: "turn";
      readonly taken: readonly Waiting[];
      readonly dropped: readonly Waiting[];
      readonly held: readonly Waiting[];
      /** A stalled instance was asked to go on. */
      readonly retried: boolean;
    };

/** `retryStalled`: the instance is tried again although it is stalled, as at the opening of the store (E13). */
export function triage(state: InstanceState, queue: readonly Waiting[], now: number, retryStalled: boolean): Triage {
  const ended = phaseOf(state, now) === "Ended";
  for (const waiting of queue) {
    const { message } = waiting;
    if (!ended && message.kind === "ExecutionTerminated") return { kind: "terminate", waiting, message };
    if (ended && message.kind === "ExecutionRewound") return { kind: "rewind", waiting, message };
  }
  return new Sorting(state, now, retryStalled, queue.length === 1).walk(queue);
}

class Sorting {
  readonly #state: InstanceState;
  readonly #now: number;
  readonly #taken: Waiting[] = [];
  readonly #dropped: Waiting[] = [];
  /** Absent where there is no second. */
  readonly #resolved: Set<number | string> | undefined;
  #phase: Phase;
  #retried = false;

  constructor(state: InstanceState, now: number, retryStalled: boolean, isAlone: boolean) {
    this.#state = state;
    this.#resolved = isAlone ? undefined : new Set();
    this.#now = now;
    this.#phase = retryStalled ? phaseBeneathStall(state, now) : phaseOf(state, now);
  }

  walk(queue: readonly Waiting[]): Triage {
    let held: Waiting[] = [];
    let rest = queue;
    for (;;) {
      const { held: more, released } = this.#pass(rest, held);
      if (released === undefined) return { kind: "turn", taken: this.#taken, dropped: this.#dropped, held: more, retried: this.#retried };
      rest = released;
      held = [];
    }
  }

  /** One walk over the queue; it breaks off when the held ones are to be looked at again before the rest. */
  #pass(queue: readonly Waiting[], held: Waiting[]): { held: Waiting[]; released?: readonly Waiting[] } {
    let looked = 0;
    for (const waiting of queue) {
      looked += 1;
      const before = this.#phase;
      if (this.#admit(waiting)) held.push(waiting);
      const wokeUp = before !== this.#phase && this.#phase !== "Suspended" && held.length > 0;
      if (wokeUp) return { held: [], released: [...held, ...queue.slice(looked)] };
    }
    return { held };
  }

  /** True if the message has to wait. */
  #admit(waiting: Waiting): boolean {
    const { row, open } = this.#state;
    let kind = classify(waiting.message, waiting.executionId, row.executionId, open);
    if (kind === "resolution" && this.#isSecond(waiting.message)) kind = "stale";
    const verdict = RULES[this.#phase][kind];
    switch (verdict) {
      case "hold":
        if (kind === "resolution") this.#resolved?.delete(resolvedBy(waiting.message));
        return true;
      case "take":
        this.#taken.push(waiting);
        if (kind === "start") this.#phase = "Running";
        return false;
      case "pause":
        this.#taken.push(waiting);
        this.#phase = "Suspended";
        return false;
      case "unpause":
        this.#taken.push(waiting);
        this.#phase = "Running";
        return false;
      case "retry":
        this.#dropped.push(waiting);
        this.#retried = true;
        this.#phase = phaseBeneathStall(this.#state, this.#now);
        return false;
      case "drop":
      case "end":
      case "rewind":
        this.#dropped.push(waiting);
        return false;
      default:
        verdict satisfies never;
        return false;
    }
  }

  /** Of two resolutions of one action in one queue the first wins (E6). */
  #isSecond(message: Message): boolean {
    if (this.#resolved === undefined) return false;
    const resolved = resolvedBy(message);
    if (this.#resolved.has(resolved)) return true;
    this.#resolved.add(resolved);
    return false;
  }
}

/**
 * What a resolution resolves. Activities, children and timers take their ids from one row of numbers; calls of entities and
 * critical sections have ids of their own, which the first letter keeps apart.
 */
function resolvedBy(message: Message): ActionId | string {
  if ("taskScheduledId" in message) return message.taskScheduledId;
  if ("requestId" in message) return `r${message.requestId}`;
  if ("criticalSectionId" in message) return `s${message.criticalSectionId}`;
  return message.kind === "TimerFired" ? message.timerId : -1;
}
