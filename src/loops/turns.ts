// The turns that follow from what has arrived: each runnable instance's queue is sorted, its function gets what it may
// take, and what it asked for becomes a commit. One turn of an instance is outstanding at a time (E1).

import { applyTerminate, applyTurn, isOver, type TurnPorts } from "../engine/apply-turn.ts";
import { applyRewind } from "../engine/rewind.ts";
import { turnTime } from "../engine/rules.ts";
import type { InstanceState } from "../engine/state.ts";
import { type Triage, triage, type Waiting } from "../engine/triage.ts";
import { isEntityId } from "../model/entity.ts";
import type { HistoryEvent } from "../model/events.ts";
import type { HubName } from "../model/ids.ts";
import type { InstanceRef, InstanceRow } from "../model/parts.ts";
import { LiveOrchestration } from "../runtime/live-orchestration.ts";
import { runTurns, type TurnRun } from "../runtime/run-turns.ts";
import type { Store } from "../store/store.ts";
import type { Definitions } from "./definitions.ts";
import type { Dispatch } from "./dispatch.ts";
import type { EntityTurns } from "./entity-turns.ts";
import { type Entry, isOut } from "./entry.ts";
import type { EngineEnvironment, EngineLimits } from "./environment.ts";
import type { InboxKeeper } from "./inbox-keeper.ts";
import type { Instances } from "./instances.ts";
import type { Replacement } from "./replacement.ts";
import { type Replacements, startAfterEnd, terminationFor } from "./replacements.ts";
import { checkReplays } from "./replay-guard.ts";
import type { Stalls } from "./stalls.ts";
import type { TurnCommits } from "./turn-commits.ts";
import type { RemoteTurns } from "./workers/remote-turns.ts";

/** A turn that was in flight at this many crashes in a row is not tried again by itself (E5). */
const MAX_TURN_ATTEMPTS = 3;
/** Turns after which the batch may leave while the next turns are computed. */
const TURNS_PER_FLUSH = 128;

type Sorted = Extract<Triage, { kind: "turn" }>;

interface PreparedTurn extends TurnRun {
  readonly entry: Entry;
  readonly state: InstanceState;
  readonly sorted: Sorted;
  readonly time: number;
}

const wasDue = ({ source }: Waiting): boolean => source.kind === "timer" && source.wasDue === true;

export interface TurnsPorts {
  readonly store: Store;
  readonly definitions: Definitions;
  readonly environment: EngineEnvironment;
  readonly limits: EngineLimits;
  readonly instances: Instances;
  readonly keeper: InboxKeeper;
  readonly stalls: Stalls;
  readonly dispatch: Dispatch;
  readonly commits: TurnCommits;
  /** Present if workers out of process may connect: they get every turn whose code is not here. */
  readonly remote?: RemoteTurns;
  /** It has been looked at: a place with a worker that it did not take is for others. */
  readonly giveBack?: (ref: InstanceRef) => void;
  readonly entities: EntityTurns;
  readonly replacements: Replacements;
  readonly turnPorts: (hub: HubName) => TurnPorts;
}

export class Turns {
  readonly #ports: TurnsPorts;

  constructor(ports: TurnsPorts) {
    this.#ports = ports;
  }

  /** The turns of some runnable instances, up to their places in the open batch. Answers how many it has looked at. */
  async runSome(): Promise<number> {
    const runs: PreparedTurn[] = [];
    let looked = 0;
    for (let entry = this.#ports.instances.takeRunnable(); entry !== undefined; entry = this.#ports.instances.takeRunnable()) {
      looked += 1;
      const run = this.#prepare(entry);
      this.#ports.giveBack?.(entry.ref);
      if (run !== undefined) runs.push(run);
      if (runs.length === TURNS_PER_FLUSH) break;
    }
    if (runs.length === 0) return looked;
    const { environment, limits, definitions } = this.#ports;
    const { hop } = environment;
    const { watch } = this.#ports.store;
    await runTurns(runs, hop, { started: ({ entry }) => watch?.turnStarted(entry.ref), ended: () => watch?.turnEnded() });
    if (environment.checkReplays) await checkReplays(runs, hop, limits.maxPayloadLength, definitions);
    for (const run of runs) this.#finish(run);
    return looked;
  }

  #prepare(entry: Entry): PreparedTurn | undefined {
    const { environment, keeper, stalls, commits, turnPorts } = this.#ports;
    const { state } = entry;
    if (state === undefined || entry.isOutstanding || entry.isLeaving) return undefined;
    const replacement = this.#ports.replacements.take(entry.ref, state);
    if (replacement !== undefined) return this.#replace(entry, state, replacement);
    // While a worker has a turn of it only a terminate changes anything (E1, E8).
    if (isOut(entry) && !isTerminated(entry)) return undefined;
    if (entry.queue.some(wasDue)) keeper.keepHeld(entry, entry.queue.filter(wasDue));
    if (entry.queue.length === 0) return undefined;
    if (isEntityId(state.row.instanceId)) {
      this.#ports.entities.prepare(entry, state);
      return undefined;
    }
    const now = turnTime(state, entry.queue, environment.clock.now());
    const { row } = state;
    const remote = this.#remoteFor(row);
    // The code of others cannot take this process down: what it was doing at a crash is not held against it.
    const retryStalled = entry.retryStalled && (remote !== undefined || row.turnAttempt < MAX_TURN_ATTEMPTS);
    const sorted = triage(state, entry.queue, now, retryStalled);
    if (sorted.kind === "terminate") {
      entry.batch = undefined;
      commits.commit(entry, applyTerminate(state, entry.queue, sorted.waiting, now, turnPorts(row.hub)), "terminate");
      return undefined;
    }
    if (sorted.kind === "rewind") {
      entry.queue = entry.queue.filter((waiting) => waiting !== sorted.waiting);
      commits.commit(entry, applyRewind(state, entry.history, sorted.waiting, now, turnPorts(row.hub)), "turn");
      return undefined;
    }
    if (remote !== undefined && this.#takeControls(entry, state, now)) return undefined;
    // A stall is lifted by a commit of its own, so that the crashes of the new try are counted from nothing (E5).
    const isLifted = sorted.retried || (remote !== undefined && retryStalled && row.stalled !== undefined);
    if (sorted.taken.length === 0 || isLifted) {
      this.#settleUntaken(entry, state, { ...sorted, retried: isLifted }, now, remote !== undefined);
      return undefined;
    }
    const tooLong = this.#tooLong(row);
    if (tooLong !== undefined) {
      stalls.stall(entry, state, tooLong);
      return undefined;
    }
    if (remote !== undefined) {
      remote.offer(entry, state, sorted, now);
      return undefined;
    }
    const { turnAttempt } = row;
    if (turnAttempt >= MAX_TURN_ATTEMPTS) {
      const reason = `A turn was in flight at ${turnAttempt} crashes in a row. Resume the instance to try it again, or terminate it.`;
      stalls.stall(entry, state, reason);
      return undefined;
    }
    const live = entry.live ?? this.#enliven(entry, state, sorted.taken);
    if (live === undefined) return undefined;
    const started: HistoryEvent = { kind: "OrchestratorStarted", eventId: -1, timestamp: now };
    const events = [started, ...sorted.taken.map(({ message }) => message)];
    return { live, history: live.isReplaying ? entry.history : [], events, consumed: 0, entry, state, sorted, time: now };
  }

  /** Undefined for an instance whose code is here, or would have to be. */
  #remoteFor({ name, version }: InstanceRow): RemoteTurns | undefined {
    const { remote, definitions } = this.#ports;
    return remote === undefined || definitions.orchestrator(name, version) !== undefined ? undefined : remote;
  }

  /** The end of what is there and the start of what comes for it, in one commit. */
  #replace(entry: Entry, state: InstanceState, replacement: Replacement): undefined {
    const { environment, commits, turnPorts } = this.#ports;
    const now = Math.max(environment.clock.now(), state.lastTurnAt);
    const { sends, ...end } = applyTerminate(state, entry.queue, terminationFor(replacement), now, turnPorts(state.row.hub));
    entry.batch = undefined;
    commits.commit(entry, { ...end, sends: [...sends, startAfterEnd(replacement.part)] }, "terminate", {
      accept: () => replacement.answered({ kind: "done" }),
      refuse: (error) => replacement.refused(error),
    });
  }

  #enliven(entry: Entry, state: InstanceState, taken: readonly Waiting[]): LiveOrchestration | undefined {
    const { definitions, limits, stalls } = this.#ports;
    const first = entry.history.find(({ kind }) => kind === "ExecutionStarted") ?? taken[0]?.message;
    const { name, version } = first?.kind === "ExecutionStarted" ? first : state.row;
    const definition = definitions.orchestrator(name, version);
    if (definition === undefined) {
      stalls.unserved(entry, state, definitions.unknownOrchestrator(name, version));
      return undefined;
    }
    entry.live = new LiveOrchestration(definition, entry.history, limits.maxPayloadLength);
    return entry.live;
  }

  #finish({ live, entry, state, sorted, consumed, time }: PreparedTurn): void {
    const { environment, keeper, stalls, commits, turnPorts } = this.#ports;
    if (live.problem !== undefined) return stalls.stall(entry, state, live.problem);
    // The first event is the turn's own OrchestratorStarted.
    const taken = sorted.taken.slice(0, Math.max(0, consumed - 1));
    const turn = { taken, dropped: sorted.dropped, time, ...live.takeTurn() };
    const committing = applyTurn(state, turn, turnPorts(state.row.hub));
    entry.queue = without(entry.queue, taken, sorted.dropped);
    keeper.discardAstray(entry, sorted.dropped, state);
    entry.history = environment.checkReplays ? [...entry.history, ...committing.turn.append] : [];
    commits.commit(entry, committing, "turn");
    // What an end leaves behind is for nobody: it goes when the end has landed (E9).
    if (committing.turn.next === undefined && committing.turn.ended === undefined) keeper.keepHeld(entry, sorted.held);
  }

  /**
   * Suspend and resume need no code: where the code is with workers they take effect at once, whether a worker is there or
   * not. An execution without history gets its start first.
   */
  #takeControls(entry: Entry, state: InstanceState, now: number): boolean {
    if (state.row.historyLength === 0 || state.row.stalled !== undefined) return false;
    const controls = entry.queue.filter(({ message: { kind } }) => kind === "ExecutionSuspended" || kind === "ExecutionResumed");
    if (controls.length === 0) return false;
    const sorted = triage(state, controls, now, false);
    if (sorted.kind !== "turn" || sorted.taken.length === 0) return false;
    const { taken, dropped } = sorted;
    const committing = applyTurn(state, { taken, dropped, actions: [], time: now }, this.#ports.turnPorts(state.row.hub));
    entry.queue = without(entry.queue, taken, dropped);
    // A batch that came back was computed on another history, at an earlier time (E5).
    entry.batch = undefined;
    entry.history.push(...committing.turn.append);
    this.#ports.commits.commit(entry, committing, "turn");
    return true;
  }

  /** Why an execution gets no more turns. */
  #tooLong({ historyLength, historyBytes }: InstanceRow): string | undefined {
    const { maxHistoryLength, maxHistoryBytes } = this.#ports.limits;
    if (historyLength <= maxHistoryLength && historyBytes <= maxHistoryBytes) return undefined;
    const limit = historyLength > maxHistoryLength ? `${maxHistoryLength} events` : `${maxHistoryBytes} bytes`;
    return `The execution's history has ${historyLength} events and ${historyBytes} bytes, more than the limit of ${limit}. Terminate it, or raise the limit; long-lived orchestrations continue as new in time.`;
  }

  /** No turn follows: stale messages are consumed, what only waits is made durable, and a cold instance goes back. */
  #settleUntaken(entry: Entry, state: InstanceState, { dropped, held, retried }: Sorted, time: number, isRemote: boolean): void {
    const { instances, keeper, commits, dispatch } = this.#ports;
    const gone = new Set(dropped);
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    entry.retryStalled = false;
    keeper.discardAstray(entry, dropped, state);
    if (isOver(state)) return instances.forget(entry);
    if (gone.size > 0 || retried) {
      const ports = { mintExecutionId: () => state.row.executionId, reserve: () => false, maxInboxMessages: 0 };
      commits.commit(entry, applyTurn(state, { taken: [], dropped, actions: [], time }, ports), "turn");
    }
    if (retried) dispatch.takeUp(entry.ref);
    keeper.keepHeld(entry, held);
    if (entry.isOutstanding) return;
    if (isRemote) instances.touch(entry);
    else if (entry.live === undefined) instances.forget(entry);
  }
}

/** What is left of a queue after some of it: most turns take it all. */
function without(queue: readonly Waiting[], taken: readonly Waiting[], dropped: readonly Waiting[]): Waiting[] {
  if (queue.length === taken.length + dropped.length) return [];
  const gone = new Set([...taken, ...dropped]);
  return queue.filter((waiting) => !gone.has(waiting));
}

/** Looks only at what has arrived since it was last asked. */
function isTerminated({ batch, queue }: Entry): boolean {
  if (batch === undefined) return false;
  const from = batch.seen;
  batch.seen = queue.length;
  for (let index = from; index < queue.length; index++) if (queue[index]?.message.kind === "ExecutionTerminated") return true;
  return false;
}
