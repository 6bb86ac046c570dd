// The loop that owns all state. Everything arrives in one mailbox; a tick drains it, runs the turns that follow, and adds
// what they change to the open batch; effects leave only after their commit (E3).
//
// - One turn of an instance is outstanding at a time (E1); what arrives meanwhile waits in its queue.
// - A refused change drops its instance's live function and memory state; the instance is read again and stalled (E13).
// - Messages between instances go through the store, so no turn builds on another's uncommitted one.
// - Any other error of the store ends the loop, and everybody who waits is told (E14).

import { applyTerminate, applyTurn, type Committing, isOver } from "../engine/apply-turn.ts";
import { eventBytes } from "../engine/event-bytes.ts";
import { present } from "../engine/present.ts";
import { phaseOf, turnTime } from "../engine/rules.ts";
import { fold, type InstanceState } from "../engine/state.ts";
import { type Triage, triage, type Waiting } from "../engine/triage.ts";
import { SignalboxError } from "../model/errors.ts";
import type { HistoryEvent, Message } from "../model/events.ts";
import { asExecutionId } from "../model/ids.ts";
import type {
  ActivityRow,
  DueTimer,
  InboxRow,
  InstanceRef,
  InstanceRow,
  Part,
  PartAnswer,
  StartPart,
  StoredInstance,
} from "../model/parts.ts";
import { LiveOrchestration } from "../runtime/live-orchestration.ts";
import { runTurns, type TurnRun } from "../runtime/run-turns.ts";
import type { Store } from "../store/store.ts";
import type { ActivityTask } from "./activity-task.ts";
import { Alarm } from "./alarm.ts";
import { type Change, Committer } from "./committer.ts";
import type { Definitions } from "./definitions.ts";
import { Dispatch } from "./dispatch.ts";
import type { CommittedEvents } from "./engine.ts";
import { type Entry, fromInbox, isDirect, newEntry } from "./entry.ts";
import type { ActivityExecutor, ActivityOutcome, EngineEnvironment, EngineLimits } from "./environment.ts";
import type { LoopEvent } from "./loop-events.ts";
import { checkReplays } from "./replay-guard.ts";
import { Timers } from "./timers.ts";
import { WarmSet } from "./warm-set.ts";

/** A turn that was in flight at this many crashes in a row is not tried again by itself (E5). */
const MAX_TURN_ATTEMPTS = 3;
/** Turns after which the batch may leave while the next turns are computed. */
const TURNS_PER_FLUSH = 128;
const AWAKE_PAGE = 256;
const ACTIVITY_PAGE = 1_000;

export interface LoopOptions {
  readonly store: Store;
  readonly definitions: Definitions;
  readonly environment: EngineEnvironment;
  readonly executor: ActivityExecutor;
  readonly limits: EngineLimits;
  /** Asks for a tick, once until the next one. */
  readonly wake: () => void;
  readonly observer: LoopObserver;
}

/** Told after commits, in their order (E3). */
export interface LoopObserver {
  turned(row: InstanceRow, hasEnded: boolean): void;
  committed(events: readonly CommittedEvents[]): void;
  ended(error: SignalboxError | undefined): void;
}

export interface PreparedTurn extends TurnRun {
  readonly entry: Entry;
  readonly state: InstanceState;
  readonly sorted: Extract<Triage, { kind: "turn" }>;
  readonly time: number;
}

export class InstanceLoop {
  readonly #options: LoopOptions;
  readonly #store: Store;
  readonly #committer: Committer;
  readonly #dispatch: Dispatch;
  readonly #timers: Timers;
  readonly #alarm: Alarm;
  readonly #entries: WarmSet;
  readonly #openedAt: number;
  #mailbox: LoopEvent[] = [];
  #runnable = new Set<Entry>();
  #told: CommittedEvents[] = [];
  #isTicking = false;
  #reading = 0;
  #awakeFrom: InstanceRef | undefined = -1;
  #activitiesFrom = -1;
  #isReadingActivities = false;
  #phase: "open" | "draining" | "ended" = "open";

  constructor(options: LoopOptions) {
    const { store, environment, executor, limits } = options;
    this.#options = options;
    this.#store = store;
    this.#openedAt = environment.clock.now();
    this.#committer = new Committer(
      store,
      limits,
      (landed) => this.post({ kind: "BatchLanded", landed }),
      (changes, error) => this.post({ kind: "BatchFailed", changes, error }),
    );
    this.#dispatch = new Dispatch({
      clock: environment.clock,
      executor,
      maxActivities: limits.maxActivities,
      maxQueued: limits.maxQueuedActivities,
      commit: (change) => this.#committer.add(change),
      report: (task, attempt, outcome) => this.post({ kind: "ActivityReported", task, attempt, outcome }),
      settle: (task, outcome) => this.#settle(task, outcome),
      refused: (task, reason) => this.#stallByRef(task.key.ref, reason),
    });
    this.#timers = new Timers(store);
    this.#alarm = new Alarm(environment.clock, () => this.post({ kind: "AlarmRang" }));
    this.#entries = new WarmSet(limits);
  }

  /** Takes up what an earlier process left. The attempts of all that was in flight are raised first (E5). */
  open(): void {
    const parts: Part[] = [{ kind: "raiseAttempts" }];
    const landed = (): void => {
      this.#readAwake();
      this.#readActivities();
      this.#lookForTimers();
    };
    this.post({ kind: "Asked", change: { parts, bytes: 0, landed, refused: (error) => this.#end(error) } });
  }

  post(event: LoopEvent): void {
    this.#mailbox.push(event);
    if (!this.#isTicking && this.#mailbox.length === 1) this.#options.wake();
  }

  get pendingCalls(): number {
    return this.#committer.pending + this.#mailbox.length;
  }

  /** The state of an instance that is in memory, for those who would wait on it. Committed only if nothing is outstanding. */
  warmInstances(): number {
    return this.#entries.size;
  }

  /** Drains the mailbox and runs what follows from it. */
  async tick(): Promise<void> {
    if (this.#isTicking || this.#phase === "ended") return;
    this.#isTicking = true;
    try {
      const events = this.#mailbox;
      this.#mailbox = [];
      for (const event of events) this.#handle(event);
      await this.#runTurns();
      this.#dispatch.pump();
      if (this.#dispatch.wantsMore) this.#readActivities();
      this.#committer.flush();
      this.#tellCommitted();
      this.#rest();
    } catch (error) {
      this.#end(error);
    } finally {
      this.#isTicking = false;
      if (this.#mailbox.length > 0) this.#options.wake();
    }
  }

  #handle(event: LoopEvent): void {
    if (this.#phase === "ended") return;
    switch (event.kind) {
      case "Asked":
        return this.#committer.add(event.change);
      case "BatchLanded":
        return this.#committer.settleLanded(event.landed);
      case "BatchFailed":
        if (!this.#committer.settleFailed(event.changes, event.error)) this.#end(event.error, event.changes);
        return;
      case "InstanceRead":
        return this.#take(event.ref, event.stored);
      case "ActivityReported":
        return this.#dispatch.ended(event.task, event.attempt, event.outcome);
      case "ActivitiesRead": {
        this.#isReadingActivities = false;
        for (const row of event.rows) {
          if (!this.#isSettling(row)) this.#dispatch.adopt(row);
          this.#activitiesFrom = Math.max(this.#activitiesFrom, row.order);
        }
        // What was scheduled while this page was read may not be on it.
        this.#dispatch.overflow = !event.isLast || this.#dispatch.hasSkipped;
        return;
      }
      case "TimersRead":
        for (const timer of this.#timers.takeDue(event.timers, this.#options.environment.clock.now())) this.#fire(timer);
        return;
      case "AwakeRead":
        for (const ref of event.refs) this.#summon(ref).retryStalled = true;
        this.#awakeFrom = event.isLast ? undefined : event.refs.at(-1);
        return;
      case "AlarmRang":
        this.#alarm.rang();
        this.#dispatch.fire();
        return;
      case "InstancePurged":
        return this.#dispatch.abort(event.ref, "The instance was purged.");
      case "StopAsked":
        this.#phase = "draining";
        return this.#dispatch.stop();
      case "DrainEnded":
        return this.#dispatch.abortAll("The engine shuts down.");
      case "StoreFailed":
        return this.#end(event.error);
      default:
        event satisfies never;
    }
  }

  // Messages

  /** A message that is in the inbox of an instance, by a commit that landed. */
  #receive(ref: InstanceRef, row: InboxRow): void {
    const entry = this.#entries.get(ref);
    if (entry === undefined) this.#summon(ref);
    else if (entry.isLeaving) entry.missed = true;
    else if (entry.state === undefined) entry.early.push(row);
    else {
      entry.queue.push(fromInbox(row));
      this.#runnable.add(entry);
    }
  }

  /** The entry of an instance; reads it if it is cold. */
  #summon(ref: InstanceRef): Entry {
    const known = this.#entries.get(ref);
    if (known !== undefined) return known;
    const entry = newEntry(ref);
    this.#entries.add(entry);
    this.#read(this.#store.load(ref), (stored) => ({ kind: "InstanceRead", ref, stored }));
    return entry;
  }

  #take(ref: InstanceRef, stored: StoredInstance | undefined): void {
    const entry = this.#entries.get(ref);
    if (entry === undefined || entry.state !== undefined) return;
    if (stored === undefined) return this.#forget(entry);
    const known = new Set(stored.inbox.map(({ key }) => key));
    entry.state = fold(stored.row, stored.history);
    entry.history = stored.history;
    const direct = entry.queue;
    entry.queue = [...stored.inbox, ...entry.early.filter(({ key }) => !known.has(key))].map(fromInbox);
    entry.queue.push(...direct);
    entry.early = [];
    this.#runnable.add(entry);
  }

  /** A due timer is given straight to its instance; its row goes with the turn that takes it. */
  #fire(timer: DueTimer): void {
    const { ref, executionId, timerId, fireAt } = timer;
    this.#timers.fired(timer);
    const message: Message = { kind: "TimerFired", eventId: -1, timestamp: fireAt, timerId, fireAt };
    const entry = this.#summon(ref);
    if (entry.isLeaving) {
      this.#timers.settled(timer);
      this.#timers.armed(fireAt);
      return;
    }
    entry.queue.push({ message, executionId, source: { kind: "timer", timerId } });
    if (entry.state !== undefined) this.#runnable.add(entry);
  }

  /** The end of an activity: straight into the turn of a warm instance, else into its inbox. */
  #settle(task: ActivityTask, outcome: ActivityOutcome): void {
    const { ref, executionId, actionId: taskScheduledId } = task.key;
    const base = { eventId: -1, timestamp: this.#options.environment.clock.now(), taskScheduledId };
    const message: Message =
      outcome.kind === "completed"
        ? { kind: "TaskCompleted", ...base, ...present({ result: outcome.result }) }
        : { kind: "TaskFailed", ...base, failure: outcome.failure };
    const entry = this.#entries.get(ref);
    const waiting: Waiting = { message, executionId, source: { kind: "activity", actionId: taskScheduledId } };
    const isReady = entry?.state !== undefined && !entry.isLeaving && entry.state.row.executionId === executionId;
    if (entry === undefined || !isReady || task.wasInFlight) return this.#settleDurably(ref, waiting);
    entry.queue.push(waiting);
    this.#runnable.add(entry);
  }

  #settleDurably(ref: InstanceRef, { message, executionId, source }: Waiting): void {
    if (source.kind !== "activity" || executionId === undefined) return;
    this.#committer.add({
      parts: [{ kind: "settle", activity: { ref, executionId, actionId: source.actionId }, message }],
      bytes: eventBytes(message),
      landed: ([answer]) => {
        if (answer?.kind === "settled") this.#receive(ref, { key: answer.inboxKey, message, executionId });
      },
      refused: (error) => this.#stallByRef(ref, error.message),
    });
  }

  // Turns

  async #runTurns(): Promise<void> {
    while (this.#runnable.size > 0 && this.#phase !== "ended") {
      const runs: PreparedTurn[] = [];
      for (const entry of this.#runnable) {
        this.#runnable.delete(entry);
        const run = this.#prepare(entry);
        if (run !== undefined) runs.push(run);
        if (runs.length === TURNS_PER_FLUSH) break;
      }
      if (runs.length === 0) continue;
      const { hop } = this.#options.environment;
      const { watch } = this.#store;
      await runTurns(runs, hop, { started: ({ entry }) => watch?.turnStarted(entry.ref), ended: () => watch?.turnEnded() });
      if (this.#options.environment.checkReplays)
        await checkReplays(runs, hop, this.#options.limits.maxPayloadLength, this.#options.definitions);
      for (const run of runs) this.#finish(run);
      this.#committer.flush();
    }
  }

  #prepare(entry: Entry): PreparedTurn | undefined {
    const { state } = entry;
    if (state === undefined || entry.isOutstanding || entry.isLeaving || entry.queue.length === 0) return undefined;
    const now = turnTime(state, entry.queue, this.#options.environment.clock.now());
    const retryStalled = entry.retryStalled && state.row.turnAttempt < MAX_TURN_ATTEMPTS;
    const sorted = triage(state, entry.queue, now, retryStalled);
    if (sorted.kind === "terminate") {
      this.#commitTurn(entry, applyTerminate(state, entry.queue, sorted.waiting, now), "terminate");
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
      this.#stall(entry, state, reason);
      return undefined;
    }
    if (entry.live === undefined && !this.#enliven(entry, state, sorted.taken)) return undefined;
    const { live } = entry;
    if (live === undefined) return undefined;
    const started: HistoryEvent = { kind: "OrchestratorStarted", eventId: -1, timestamp: now };
    const events = [started, ...sorted.taken.map(({ message }) => message)];
    return { live, history: live.isReplaying ? entry.history : [], events, consumed: 0, entry, state, sorted, time: now };
  }

  #enliven(entry: Entry, state: InstanceState, taken: readonly Waiting[]): boolean {
    const first = entry.history.find(({ kind }) => kind === "ExecutionStarted") ?? taken[0]?.message;
    const { name, version } = first?.kind === "ExecutionStarted" ? first : state.row;
    const definition = this.#options.definitions.orchestrator(name, version);
    if (definition === undefined) {
      this.#stall(entry, state, this.#options.definitions.unknownOrchestrator(name, version));
      return false;
    }
    entry.live = new LiveOrchestration(definition, entry.history, this.#options.limits.maxPayloadLength);
    return true;
  }

  #finish({ live, entry, state, sorted, consumed, time }: PreparedTurn): void {
    if (live.problem !== undefined) return this.#stall(entry, state, live.problem);
    // The first event is the turn's own OrchestratorStarted.
    const taken = sorted.taken.slice(0, Math.max(0, consumed - 1));
    const turn = { taken, dropped: sorted.dropped, time, ...live.takeTurn() };
    const committing = applyTurn(state, turn, {
      mintExecutionId: () => asExecutionId(this.#options.environment.ids.uuid()),
      reserve: this.#dispatch.reserve,
    });
    const gone = new Set<Waiting>([...taken, ...sorted.dropped]);
    entry.queue = entry.queue.length === gone.size ? [] : entry.queue.filter((waiting) => !gone.has(waiting));
    this.#forgetAstray(entry, sorted.dropped, state);
    if (this.#options.environment.checkReplays) entry.history = [...entry.history, ...committing.turn.append];
    else entry.history = [];
    this.#commitTurn(entry, committing, "turn");
    this.#keepHeld(entry, sorted.held);
  }

  /** No turn follows: stale messages are consumed, what only waits is made durable, and a cold instance goes back. */
  #settleUntaken(entry: Entry, state: InstanceState, { dropped, held, retried }: Extract<Triage, { kind: "turn" }>, time: number): void {
    const gone = new Set(dropped);
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    entry.retryStalled = false;
    this.#forgetAstray(entry, dropped, state);
    if (isOver(state)) return this.#forget(entry);
    if (gone.size > 0 || retried) {
      const ports = { mintExecutionId: () => state.row.executionId, reserve: () => false };
      this.#commitTurn(entry, applyTurn(state, { taken: [], dropped, actions: [], time }, ports), "turn");
    }
    this.#keepHeld(entry, held);
    if (entry.live === undefined && !entry.isOutstanding) this.#forget(entry);
  }

  /** Dropped ends of activities of another execution: their rows are not the turn's to remove. */
  #forgetAstray(entry: Entry, dropped: readonly Waiting[], { row }: InstanceState): void {
    for (const waiting of dropped) {
      if (waiting.source.kind === "activity" && waiting.executionId !== row.executionId) this.#settleDurably(entry.ref, waiting);
    }
  }

  /** What waits in memory only would be lost with it: it goes into the inbox. */
  #keepHeld(entry: Entry, held: readonly Waiting[]): void {
    const direct = held.filter(isDirect);
    if (direct.length === 0 || entry.state === undefined) return;
    const gone = new Set(direct);
    entry.queue = entry.queue.filter((waiting) => !gone.has(waiting));
    for (const waiting of direct) {
      if (waiting.source.kind === "activity") this.#settleDurably(entry.ref, waiting);
      else this.#keepTimer(entry, entry.state, waiting);
    }
  }

  #keepTimer({ ref }: Entry, { row, lastTurnAt }: InstanceState, { message, executionId = row.executionId, source }: Waiting): void {
    if (source.kind !== "timer") return;
    const { timerId } = source;
    const { hub, instanceId, historyLength } = row;
    const nothing = { consumed: [], append: [], addActivities: [], addTimers: [], removeActivities: [] };
    const settled = (): void => this.#timers.settled({ ref, executionId, timerId });
    this.#committer.add({
      parts: [
        { kind: "turn", ref, executionId, historyLength, ...nothing, row: { updatedAt: lastTurnAt }, removeTimers: [timerId] },
        { kind: "deliver", to: { hub, instanceId }, message, executionId },
      ],
      bytes: 128,
      landed: ([, answer]) => {
        settled();
        if (answer?.kind === "delivered") this.#receive(ref, { key: answer.inboxKey, message, executionId });
      },
      refused: (error) => {
        settled();
        this.#stallByRef(ref, error.message);
      },
    });
  }

  #commitTurn(entry: Entry, committing: Committing, kind: "turn" | "terminate"): void {
    const { turn, sends } = committing;
    const before = entry.state;
    entry.state = committing.state;
    entry.isOutstanding = true;
    entry.retryStalled = false;
    if (turn.next !== undefined || turn.ended !== undefined) this.#cool(entry);
    let bytes = 256;
    for (const event of turn.append) bytes += eventBytes(event);
    this.#committer.add({
      parts: sends.length === 0 ? [turn] : [turn, ...sends],
      bytes,
      landed: (answers) => this.#turned(entry, committing, answers, kind),
      refused: (error) => {
        this.#dispatch.unreserve(turn.addActivities);
        if (before !== undefined) this.#readAgainAndStall(entry, before, turn, error);
      },
    });
  }

  #turned(entry: Entry, { turn, sends, state }: Committing, answers: readonly PartAnswer[], kind: "turn" | "terminate"): void {
    const { ref, executionId } = turn;
    const { row } = state;
    entry.isOutstanding = false;
    for (const timerId of turn.removeTimers) this.#timers.settled({ ref, executionId, timerId });
    for (const { fireAt } of turn.addTimers) this.#timers.armed(fireAt);
    const [turned] = answers;
    if (turn.next !== undefined && turned?.kind === "turned") this.#continued(entry, executionId, turn.next.inbox, turned.inboxKeys);
    for (const [index, part] of sends.entries()) this.#sent(part, answers[index + 1]);
    if (turn.append.length > 0) {
      const { instanceId } = row;
      this.#told.push({ instanceId, executionId, from: turn.historyLength, events: turn.append });
      this.#options.observer.turned(row, turn.ended !== undefined);
    }
    for (const activity of turn.addActivities) {
      this.#dispatch.scheduled({ ref, executionId, actionId: activity.actionId }, { hub: row.hub, instanceId: row.instanceId }, activity);
    }
    if (turn.ended !== undefined) {
      if (kind === "terminate") this.#dispatch.abort(ref, "The instance was terminated.");
      for (const waiting of entry.queue) this.#discard(entry.ref, waiting);
      return this.#forget(entry);
    }
    this.#entries.touch(entry, this.#options.environment.clock.monotonic());
    if (entry.queue.length > 0) this.#runnable.add(entry);
  }

  /** The next execution begins with its carry-over; nothing that was meant for the old one reaches it (E6, E9). */
  #continued(entry: Entry, old: string, inbox: readonly Message[], keys: readonly number[]): void {
    const carried: Waiting[] = inbox.flatMap((message, index) => {
      const key = keys[index];
      return key === undefined ? [] : [{ message, source: { kind: "inbox", key } as const }];
    });
    const [late, astray] = [entry.queue.filter((waiting) => !isDirect(waiting)), entry.queue.filter(isDirect)];
    for (const waiting of astray) if (waiting.executionId === old) this.#discard(entry.ref, waiting);
    entry.queue = [...carried, ...late];
    entry.history = [];
  }

  #discard(ref: InstanceRef, waiting: Waiting): void {
    const { source, executionId } = waiting;
    if (source.kind === "activity") this.#settleDurably(ref, waiting);
    else if (source.kind === "timer" && executionId !== undefined) this.#timers.settled({ ref, executionId, timerId: source.timerId });
  }

  /** What the store made of a start or a delivery, once it is committed. Also for those that clients ask for. */
  #sent(part: Part, answer: PartAnswer | undefined): void {
    if (answer === undefined) return;
    if (part.kind === "start" && answer.kind === "started") this.started(part, answer.ref, answer.inboxKey);
    else if (part.kind === "start" && answer.kind === "taken" && answer.notified !== undefined && part.child !== undefined) {
      const { ref, inboxKey, executionId } = answer.notified;
      this.#receive(ref, { key: inboxKey, message: part.child.ifTaken, executionId });
    } else if (part.kind === "deliver" && answer.kind === "delivered") this.delivered(part, answer);
    else if (part.kind === "deliverToChildren" && answer.kind === "deliveredToChildren") {
      for (const { ref, inboxKey } of answer.deliveries) this.#receive(ref, { key: inboxKey, message: part.message });
    }
  }

  delivered(part: Extract<Part, { kind: "deliver" }>, { ref, inboxKey }: Extract<PartAnswer, { kind: "delivered" }>): void {
    this.#receive(ref, { key: inboxKey, message: part.message, ...present({ executionId: part.executionId }) });
  }

  started({ started, key, createdAt }: StartPart, ref: InstanceRef, inboxKey: number): void {
    if (started.scheduledStartAt !== undefined && started.scheduledStartAt > this.#options.environment.clock.now()) {
      return this.#timers.armed(started.scheduledStartAt);
    }
    const { name, executionId, version, input, parent, tags, traceContext, scheduledStartAt } = started;
    if (scheduledStartAt !== undefined) this.#timers.armed(scheduledStartAt);
    const entry = newEntry(ref);
    entry.state = fold(
      {
        ...key,
        ref,
        executionId,
        name,
        status: "Pending",
        createdAt,
        updatedAt: createdAt,
        historyLength: 0,
        historyBytes: 0,
        turnAttempt: 0,
        ...present({ version, input, parent, tags, traceContext, scheduledStartAt }),
      },
      [],
    );
    entry.queue.push(fromInbox({ key: inboxKey, message: started }));
    this.#entries.add(entry);
    this.#runnable.add(entry);
  }

  // Stalls

  #stall(entry: Entry, state: InstanceState, reason: string): void {
    this.#cool(entry);
    entry.retryStalled = false;
    this.#keepHeld(entry, entry.queue);
    if (state.row.stalled === reason) return this.#leave(entry, []);
    this.#leave(entry, [{ kind: "row", ref: entry.ref, row: { stalled: reason, updatedAt: this.#options.environment.clock.now() } }]);
  }

  #stallByRef(ref: InstanceRef, reason: string): void {
    const entry = this.#entries.get(ref);
    if (entry?.state !== undefined) this.#stall(entry, entry.state, reason);
    else this.#committer.add(this.#alone([{ kind: "row", ref, row: { stalled: reason } }], () => {}));
  }

  /** E13: the store took nothing of the turn; what the turn had changed in memory is dropped with it. */
  #readAgainAndStall(entry: Entry, before: InstanceState, turn: Committing["turn"], error: SignalboxError): void {
    for (const message of turn.append) {
      const { ref, executionId } = turn;
      if (message.kind === "TaskCompleted" || message.kind === "TaskFailed") {
        const actionId = message.taskScheduledId;
        if (turn.removeActivities.includes(actionId))
          this.#settleDurably(ref, { message, executionId, source: { kind: "activity", actionId } });
      } else if (message.kind === "TimerFired" && turn.removeTimers.includes(message.timerId)) {
        this.#timers.settled({ ref, executionId, timerId: message.timerId });
      }
    }
    entry.isOutstanding = false;
    entry.state = before;
    this.#stall(entry, before, `The store refused the turn: ${error.message}`);
  }

  /** Leaves memory once its last change is committed; what arrives meanwhile is read again with the rest. */
  #leave(entry: Entry, parts: readonly Part[]): void {
    this.#cool(entry);
    if (parts.length === 0 && !entry.isOutstanding) return this.#forget(entry);
    entry.isLeaving = true;
    const gone = (): void => {
      this.#forget(entry);
      if (entry.missed) this.#summon(entry.ref);
    };
    this.#committer.add(this.#alone(parts, gone));
  }

  /** A change that the store has no reason to refuse: if it does, rules of ours are broken. */
  #alone(parts: readonly Part[], landed: () => void): Change {
    return { parts, bytes: 256, landed, refused: (error) => this.#end(error) };
  }

  #cool(entry: Entry): void {
    entry.live?.drop();
    entry.live = undefined;
  }

  #forget(entry: Entry): void {
    this.#cool(entry);
    this.#runnable.delete(entry);
    this.#entries.delete(entry);
  }

  // Reading and resting

  #readAwake(): void {
    const from = this.#awakeFrom;
    if (from === undefined) return;
    this.#awakeFrom = undefined;
    this.#read(this.#store.awake(from, AWAKE_PAGE), (refs) => ({ kind: "AwakeRead", refs, isLast: refs.length < AWAKE_PAGE }));
  }

  #readActivities(): void {
    if (this.#isReadingActivities) return;
    this.#isReadingActivities = true;
    this.#dispatch.hasSkipped = false;
    const page = this.#store.activities(this.#activitiesFrom, ACTIVITY_PAGE);
    this.#read(page, (rows) => ({ kind: "ActivitiesRead", rows, isLast: rows.length === 0 }));
  }

  /** Its end is known here, and only the commit that removes the row is still to come. */
  #isSettling({ ref, executionId, actionId, inFlight, attempt }: ActivityRow): boolean {
    const entry = this.#entries.get(ref);
    if (inFlight && attempt === 1) return true;
    if (entry?.state?.row.executionId !== executionId) return false;
    const isQueued = entry.queue.some(({ source }) => source.kind === "activity" && source.actionId === actionId);
    return isQueued || !entry.state.open.tasks.has(actionId);
  }

  #lookForTimers(): void {
    if (!this.#timers.isLooking) this.#read(this.#timers.look(), (timers) => ({ kind: "TimersRead", timers }));
  }

  #read<T>(reading: Promise<T>, event: (value: T) => LoopEvent): void {
    this.#reading += 1;
    reading.then(
      (value) => {
        this.#reading -= 1;
        this.post(event(value));
      },
      (error: unknown) => this.post({ kind: "StoreFailed", error }),
    );
  }

  #tellCommitted(): void {
    if (this.#told.length === 0) return;
    const told = this.#told;
    this.#told = [];
    this.#options.observer.committed(told);
  }

  /** End of a tick: cold what is old, arm the one alarm, and see whether a drain has come to its end. */
  #rest(): void {
    const { clock } = this.#options.environment;
    for (const entry of this.#entries.surplus(clock.monotonic())) this.#forget(entry);
    if (this.#awakeFrom !== undefined && this.#reading === 0) this.#readAwake();
    const isQuiet = this.#committer.isIdle && this.#reading === 0 && this.#mailbox.length === 0;
    if (this.#phase === "draining" && isQuiet && this.#dispatch.running === 0) return this.#end(undefined);
    const now = clock.now();
    if (this.#phase === "open" && this.#timers.next !== undefined && this.#timers.next <= now) this.#lookForTimers();
    this.#alarm.arm({ wall: this.#phase === "open" ? this.#timers.next : undefined, monotonic: this.#earliest() });
  }

  #earliest(): number | undefined {
    const [deadline, idle] = [this.#dispatch.nextDue, this.#entries.nextIdle];
    if (deadline === undefined || idle === undefined) return deadline ?? idle;
    return Math.min(deadline, idle);
  }

  #end(error: unknown, changes: readonly Change[] = []): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    const reason = error === undefined || error instanceof SignalboxError ? error : broken(error);
    const told = reason ?? new SignalboxError("SHUT_DOWN", "The engine has shut down.");
    this.#alarm.stop();
    this.#dispatch.stop();
    this.#dispatch.abortAll(told.message);
    for (const entry of this.#entries) this.#cool(entry);
    for (const change of changes) change.refused(told);
    this.#committer.abandon(told);
    for (const event of this.#mailbox) if (event.kind === "Asked") event.change.refused(told);
    this.#mailbox = [];
    this.#options.observer.ended(reason);
  }
}

function broken(cause: unknown): SignalboxError {
  return new SignalboxError("INTERNAL", `The engine's loop broke: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
