// Starts that replace an active instance of the same id: it is terminated, its parent told, its locks released, and the new
// one started, all in one commit. What is there is known only to the loop and the store, so that a wish goes round until it
// is granted or refused by what is found.

import { isOver } from "../engine/apply-turn.ts";
import { TERMINAL_STATUSES } from "../engine/start-child.ts";
import type { InstanceState } from "../engine/state.ts";
import type { Waiting } from "../engine/triage.ts";
import type { InstanceRef, InstanceRow, StartPart } from "../model/parts.ts";
import { isTerminal } from "../model/status.ts";
import type { Store } from "../store/store.ts";
import type { Change } from "./committer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Instances } from "./instances.ts";
import type { Readings } from "./readings.ts";
import type { Replacement } from "./replacement.ts";

export interface ReplacementsPorts {
  readonly store: Store;
  readonly readings: Readings;
  readonly instances: Instances;
  readonly deliveries: Deliveries;
  readonly commit: (change: Change) => void;
  /** Asks the node that owns the instance to give it up, and calls back after a while. Absent: there are no other nodes. */
  readonly want?: (ref: InstanceRef, again: () => void) => void;
}

export class Replacements {
  readonly #ports: ReplacementsPorts;
  readonly #byRef = new Map<InstanceRef, Replacement>();

  constructor(ports: ReplacementsPorts) {
    this.#ports = ports;
  }

  ask(replacement: Replacement): void {
    const { store, readings } = this.#ports;
    readings.start(store.instance(replacement.part.key, false), (row) => ({ kind: "ReplacedRead", replacement, row }));
  }

  wasRead(replacement: Replacement, row: InstanceRow | undefined): void {
    if (row === undefined || isTerminal(row.status)) return this.#start(replacement);
    if (!replacement.part.replaceable.includes(row.status)) return replacement.answered({ kind: "taken", status: row.status });
    // Of two wishes for one instance the later one finds what the earlier one has made.
    const other = this.#byRef.get(row.ref);
    this.#byRef.set(row.ref, replacement);
    if (other !== undefined) this.ask(other);
    this.#ports.instances.revive(row.ref);
  }

  /** The wish that an instance is replaced, if it may be: it is then in the hands of the caller. */
  take(ref: InstanceRef, state: InstanceState): Replacement | undefined {
    if (this.#byRef.size === 0) return undefined;
    const replacement = this.#byRef.get(ref);
    if (replacement === undefined) return undefined;
    this.#byRef.delete(ref);
    if (!isOver(state) && replacement.part.replaceable.includes(state.row.status)) return replacement;
    this.ask(replacement);
    return undefined;
  }

  /** It has left memory: what was wished of it is looked at again. */
  forgotten(ref: InstanceRef): void {
    const replacement = this.#byRef.get(ref);
    if (replacement === undefined) return;
    this.#byRef.delete(ref);
    this.ask(replacement);
  }

  /** It is not here: gone, or another node's, which has to give it up. */
  absent(ref: InstanceRef): void {
    const { want } = this.#ports;
    const replacement = this.#byRef.get(ref);
    if (replacement === undefined || want === undefined) return;
    this.#byRef.delete(ref);
    want(ref, () => this.ask(replacement));
  }

  /** Nobody will look at them any more. */
  abandon(error: Error): void {
    for (const replacement of this.#byRef.values()) replacement.refused(error);
    this.#byRef.clear();
  }

  /** Nobody active is there: only an ended one goes for it. */
  #start(replacement: Replacement): void {
    const { commit, deliveries } = this.#ports;
    const part = endedOnly(replacement.part);
    commit({
      parts: [part],
      bytes: 256 + (part.started.input?.length ?? 0),
      landed: ([answer]) => {
        if (answer === undefined) return;
        deliveries.sent(part, answer);
        if (answer.kind === "taken" && replacement.part.replaceable.includes(answer.status)) this.ask(replacement);
        else replacement.answered(answer);
      },
      refused: (error) => replacement.refused(error),
    });
  }
}

/** The same start, for which only an ended instance makes room. */
export function endedOnly(part: StartPart): StartPart {
  return { ...part, replaceable: part.replaceable.filter(isTerminal) };
}

/** What ends the instance that is replaced. */
export function terminationFor({ part }: Replacement): Waiting {
  const message = { kind: "ExecutionTerminated", eventId: -1, timestamp: part.createdAt, recurse: true } as const;
  // It never was in the inbox, which goes with the end as a whole.
  return { message, source: { kind: "inbox", key: 0 } };
}

/** In the commit that ends the old one every ended instance makes room: it has just become one. */
export function startAfterEnd(part: StartPart): StartPart {
  return { ...part, replaceable: TERMINAL_STATUSES };
}
