// The turns that follow from what has arrived: each runnable instance's queue is sorted, its function gets what it may
// take, and what it asked for becomes a commit. One turn of an instance is outstanding at a time (E1).

import { applyTerminate, applyTurn, isOver, type TurnPorts } from "../engine/apply-turn.ts";
import { applyRewind } from "../engine/rewind.ts";
import { turnTime } from "../engine/rules.ts";
import type { InstanceState } from "../engine/state.ts";
import { type Triage, triage, type Waiting } from "../engine/triage.ts";
import type { HistoryEvent } from "../model/events.ts";
import { asExecutionId } from "../model/ids.ts";
import { LiveOrchestration } from "../runtime/live-orchestration.ts";
import { runTurns, type TurnRun } from "../runtime/run-turns.ts";
import type { Store } from "../store/store.ts";
import type { Definitions } from "./definitions.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Entry } from "./entry.ts";
import type { EngineEnvironment, EngineLimits } from "./environment.ts";
import type { InboxKeeper } from "./inbox-keeper.ts";
import type { Instances } from "./instances.ts";
import { checkReplays } from "./replay-guard.ts";
import type { Stalls } from "./stalls.ts";
import type { TurnCommits } from "./turn-commits.ts";

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
}

export class Turns {
  readonly #ports: TurnsPorts;

  constructor(ports: TurnsPorts) {
    this.#ports = ports;
  }

  /** The turns of some runnable instances, up to their places in the open batch. */
  async runSome(): Promise<void> {
    const runs: PreparedTurn[] = [];
    for (let entry = this.#ports.instances.takeRunnable(); entry !== undefined; entry = this.#ports.instances.takeRunnable()) {
      const run = this.#prepare(entry);
      if (run !== undefined) runs.push(run);
      if (runs.length === TURNS_PER_FLUSH) break;
    }
    if (runs.length === 0) return;
    const { environment, limits, definitions } = this.#ports;
    const { hop } = environment;
    const { watch } = this.#ports.store;
    await runTurns(runs, hop, { started: ({ entry }) => watch?.turnStarted(entry.ref), ended: () => watch?.turnEnded() });
    if (environment.checkReplays) await checkReplays(runs, hop, limits.maxPayloadLength, definitions);
    for (const run of runs) this.#finish(run);
  }

  #prepare(entry: Entry): PreparedTurn | undefined {
    const { environment, keeper, stalls, commits } = this.#ports;
    const { state } = entry;
    if (state === undefined || entry.isOutstanding || entry.isLeaving) return undefined;
    keeper.keepHeld(entry, entry.queue.filter(wasDue));
    if (entry.queue.length === 0) return undefined;
    const now = turnTime(state, entry.queue, environment.clock.now());
    const retryStalled = entry.retryStalled && state.row.turnAttempt < MAX_TURN_ATTEMPTS;
    const sorted = triage(state, entry.queue, now, retryStalled);
    if (sorted.kind === "terminate") {
      commits.commit(entry, applyTerminate(state, entry.queue, sorted.waiting, now, this.#turnPorts()), "terminate");
      return undefined;
    }
    if (sorted.kind === "rewind") {
      commits.commit(entry, applyRewind(state, entry.history, sorted.waiting, now, this.#turnPorts()), "turn");
      return undefined;
    }
    // A stall is lifted by a commit of its own, so that the crashes of the new try are counted from nothing (E5).
    if (sorted.taken.length === 0 || sorted.retried) {
      this.#settleUntaken(entry, state, sorted, now);
      return undefined;
    }
    const { turnAttempt } = state.row;
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

  #enliven(entry: Entry, state: InstanceState, taken: readonly Waiting[]): LiveOrchestration | undefined {
    const { definitions, limits, stalls } = this.#ports;
    const first = entry.history.find(({ kind }) => kind === "ExecutionStarted") ?? taken[0]?.message;
    const { name, version } = first?.kind === "ExecutionStarted" ? first : state.row;
    const definition = definitions.orchestrator(name, version);
    if (definition === undefined) {
      stalls.stall(entry, state, definitions.unknownOrchestrator(name, version));
      return undefined;
    }
    entry.live = new LiveOrchestration(definition, entry.history, limits.maxPayloadLength);
    return entry.live;
  }

  #finish({ live, entry, state, sorted, consumed, time }: PreparedTurn): void {
    const { environment, keeper, stalls, commits } = this.#ports;
    if (live.problem !== undefined) return stalls.stall(entry, state, live.problem);
    // The first event is the turn's own OrchestratorStarted.
    const taken = sorted.taken.slice(0, Math.max(0, consumed - 1));
    const turn = { taken, dropped: sorted.dropped, time, ...live.takeTurn() };
    const committing = applyTurn(state, turn, this.#turnPorts());
    const gone = new Set<Waiting>([...taken, ...sorted.dropped]);
    entry.queue = entry.queue.length === gone.size ? [] : entry.queue.filter((waiting) => !gone.has(waiting));
    keeper.discardAstray(entry, sorted.dropped, state);
    entry.history = environment.checkReplays ? [...entry.history, ...committing.turn.append] : [];
    commits.commit(entry, committing, "turn");
    // What an end leaves behind is for nobody: it goes when the end has landed (E9).
    if (committing.turn.next === undefined && committing.turn.ended === undefined) keeper.keepHeld(entry, sorted.held);
  }

  #turnPorts(): TurnPorts {
    const { environment, dispatch, limits } = this.#ports;
    const mintExecutionId = () => asExecutionId(environment.ids.uuid());
    return { mintExecutionId, reserve: dispatch.reserve, maxInboxMessages: limits.maxInboxMessages };
  }

  /** No turn follows: stale messages are consumed, what only waits is made durable, and a cold instance goes back. */
  #settleUntaken(entry: Entry, state: InstanceState, { dropped, held, retried }: Sorted, time: number): void {
    const { instances, keeper, commits } = this.#ports;
    const gone = new Set(dropped);
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    entry.retryStalled = false;
    keeper.discardAstray(entry, dropped, state);
    if (isOver(state)) return instances.forget(entry);
    if (gone.size > 0 || retried) {
      const ports = { mintExecutionId: () => state.row.executionId, reserve: () => false, maxInboxMessages: 0 };
      commits.commit(entry, applyTurn(state, { taken: [], dropped, actions: [], time }, ports), "turn");
    }
    keeper.keepHeld(entry, held);
    if (entry.live === undefined && !entry.isOutstanding) instances.forget(entry);
  }
}
