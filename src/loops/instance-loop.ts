// The loop that owns all state. Everything arrives in one mailbox; a tick drains it, runs the turns that follow, and adds
// what they change to the open batch; effects leave only after their commit (E3).
//
// - One turn of an instance is outstanding at a time (E1); what arrives meanwhile waits in its queue (turns.ts).
// - A refused change drops its instance's live function and memory state; the instance is read again and stalled (E13).
// - Messages between instances go through the store, so no turn builds on another's uncommitted one.
// - Any other error of the store ends the loop, and everybody who waits is told (E14).

import type { TurnPorts } from "../engine/apply-turn.ts";
import { SignalboxError } from "../model/errors.ts";
import { asExecutionId, type HubName } from "../model/ids.ts";
import type { InstanceRef, InstanceRow } from "../model/parts.ts";
import { Alarm } from "./alarm.ts";
import { Backlog } from "./backlog.ts";
import { type Change, Committer } from "./committer.ts";
import { Deliveries } from "./deliveries.ts";
import { Dispatch } from "./dispatch.ts";
import { EntityTurns } from "./entity-turns.ts";
import { InboxKeeper } from "./inbox-keeper.ts";
import { Instances } from "./instances.ts";
import { LocalEntities } from "./local-entities.ts";
import { LocalPlaces } from "./local-places.ts";
import type { LoopEvent } from "./loop-events.ts";
import type { LoopOptions } from "./loop-options.ts";
import { Ownership } from "./ownership.ts";
import { Readings } from "./readings.ts";
import { Replacements } from "./replacements.ts";
import { Stalls } from "./stalls.ts";
import { Timers } from "./timers.ts";
import { TurnCommits } from "./turn-commits.ts";
import { Turns } from "./turns.ts";
import { passOn } from "./workers/pass-on.ts";
import type { WorkerHub } from "./workers/worker-hub.ts";
import { DEFAULT_WORKER_LIMITS } from "./workers/worker-limits.ts";
import { Workers } from "./workers/workers.ts";

/** Of what nodes share, when there is room again for more than is free now. */
const CLAIMED_AT_ONCE = 256;
const NOTHING = { orchestration: 0, activity: 0, entity: 0 };
const NO_WORKERS = { streams: 0, inFlight: NOTHING, queued: NOTHING };

export class InstanceLoop {
  /** What became of the starts and deliveries that clients asked for goes the way of those that turns send. */
  readonly deliveries: Deliveries;
  readonly #options: LoopOptions;
  readonly #readings = new Readings((event) => this.post(event));
  readonly #committer: Committer;
  readonly #instances: Instances;
  readonly #dispatch: Dispatch;
  readonly #timers: Timers;
  readonly #alarm: Alarm;
  readonly #backlog: Backlog;
  readonly #commits: TurnCommits;
  readonly #turns: Turns;
  readonly #entities: LocalEntities;
  readonly #replacements: Replacements;
  readonly #workers: Workers | undefined;
  /** Where nodes share the store. */
  readonly #ownership: Ownership | undefined;
  #mailbox: LoopEvent[] = [];
  #isTicking = false;
  #phase: "open" | "draining" | "ended" = "open";

  constructor(options: LoopOptions) {
    const { store, definitions, environment, executor, limits, observer, workers: workerLimits } = options;
    const { clock } = environment;
    const { sharing } = store;
    this.#options = options;
    this.#committer = new Committer(
      store,
      limits,
      (landed) => this.post({ kind: "BatchLanded", landed }),
      (changes, error) => this.post({ kind: "BatchFailed", changes, error }),
    );
    const commit = (change: Change): void => this.#committer.add(change);
    const readings = this.#readings;
    const timers = new Timers(store);
    const instances = new Instances({
      store,
      limits,
      clock,
      readings,
      commit,
      mayStayCold: (ref, row) => workers?.mayStayCold(ref, row) ?? false,
      forgotten: (ref) => {
        workers?.giveBack(ref);
        this.#replacements.forgotten(ref);
      },
      untaken: (ref, waiting) => deliveries.timerUntaken(ref, waiting),
      isShared: store.sharing !== undefined,
      broke: (error) => this.#end(error),
    });
    const keeper = new InboxKeeper({
      instances,
      timers,
      commit,
      removed: (activity) => dispatch.removed(activity),
      refused: (ref, reason) => stalls.stallByRef(ref, reason),
    });
    const stalls = new Stalls({ instances, keeper, timers, clock, stalled: observer.stalled.bind(observer) });
    const openedAt = clock.now();
    const deliveries = new Deliveries({ instances, keeper, timers, clock, openedAt, gone: (ref, reason) => dispatch.abort(ref, reason) });
    const local = new LocalPlaces({ executor, maxActivities: limits.maxActivities, maxQueued: limits.maxQueuedActivities });
    const turnPorts = (hub: HubName): TurnPorts => ({
      mintExecutionId: () => asExecutionId(environment.ids.uuid()),
      reserve: (name, version) => dispatch.reserve(hub, name, version),
      maxInboxMessages: limits.maxInboxMessages,
    });
    const workers =
      workerLimits === undefined
        ? undefined
        : new Workers({
            epoch: store.epoch,
            clock,
            limits: workerLimits,
            engineLimits: limits,
            instances,
            keeper,
            stalls,
            turnPorts,
            commits: () => this.#commits,
            dispatch: () => dispatch,
            deliveries,
            isStopped: () => dispatch.isStopped,
            unserved: (entry) => this.#ownership?.unserved(entry),
            streamsChanged: () => this.#ownership?.workersChanged(),
            ...(sharing !== undefined && {
              passOn: (said) => passOn(sharing, said, (orphan) => this.post({ kind: "Shared", event: { kind: "Orphaned", said: orphan } })),
            }),
          });
    const places = workers === undefined ? [local] : [local, workers.activities];
    const dispatch: Dispatch = new Dispatch({
      clock,
      local,
      ...(workers !== undefined && { remote: workers.activities }),
      isLocal: (name) => executor.serves?.(name) ?? true,
      commit,
      report: (task, attempt, outcome) => this.post({ kind: "ActivityReported", task, attempt, outcome }),
      settle: (task, outcome, answer) => deliveries.activityEnded(task, outcome, answer),
      refused: (task, reason) => stalls.stallByRef(task.key.ref, reason),
    });
    const turned = (row: InstanceRow, hasEnded: boolean): void => {
      if (hasEnded) workers?.over(row.ref);
      observer.turned(row, hasEnded);
    };
    this.#commits = new TurnCommits({ instances, deliveries, keeper, stalls, dispatch, timers, clock, commit, turned });
    this.#entities = new LocalEntities({
      entities: options.entities,
      instances,
      limits,
      report: (batch, result) => this.post({ kind: "EntityServed", batch, result }),
      commits: () => this.#commits,
      entityPorts: turnPorts,
    });
    const entities = new EntityTurns({
      clock,
      instances,
      stalls,
      commits: this.#commits,
      entityPorts: turnPorts,
      local: this.#entities,
      ...(workers !== undefined && { remote: workers.entities }),
      maxBatch: (workerLimits ?? DEFAULT_WORKER_LIMITS).maxEntityBatch,
    });
    this.#replacements = new Replacements({ store, readings, instances, deliveries, commit });
    this.#turns = new Turns({
      store,
      definitions,
      environment,
      limits,
      instances,
      keeper,
      stalls,
      dispatch,
      commits: this.#commits,
      turnPorts,
      entities,
      replacements: this.#replacements,
      ...(workers !== undefined && { remote: workers.turns, giveBack: (ref: InstanceRef) => workers.giveBack(ref) }),
    });
    this.#backlog = new Backlog({
      store,
      readings,
      instances,
      deliveries,
      dispatch,
      timers,
      clock,
      places,
      ...(sharing !== undefined && { claimActivities: (of) => this.#ownership?.claimActivities(of, CLAIMED_AT_ONCE) }),
    });
    if (sharing !== undefined) {
      this.#ownership = new Ownership({
        sharing,
        readings,
        instances,
        deliveries,
        timers,
        backlog: this.#backlog,
        dispatch,
        places,
        commit,
        capabilities: () => [
          ...definitions.names.map((name) => ({ name })),
          ...this.#entities.names.map((name) => ({ name, isEntity: true })),
          ...(workers?.capabilities() ?? []),
        ],
        unserved: () => workers?.unserved() ?? [],
        changedElsewhere: observer.changedElsewhere.bind(observer),
        said: (said) => workers?.taken(said),
        broke: (error) => this.#end(error),
      });
    }
    this.#workers = workers;
    this.#alarm = new Alarm(clock, () => this.post({ kind: "AlarmRang" }));
    this.#instances = instances;
    this.#timers = timers;
    this.#dispatch = dispatch;
    this.deliveries = deliveries;
  }

  /** Takes up what an earlier process left. The attempts of all that was in flight are raised first (E5). */
  open(): void {
    const landed = (): void => this.#backlog.take();
    const refused = (error: SignalboxError): void => this.#end(error);
    this.post({ kind: "Asked", change: { parts: [{ kind: "raiseAttempts" }], bytes: 0, landed, refused } });
    this.#options.store.sharing?.listen((hint) => {
      if (!this.#hasEnded()) this.post({ kind: "Shared", event: { kind: "Hinted", hint } });
    });
  }

  post(event: LoopEvent): void {
    this.#mailbox.push(event);
    if (!this.#isTicking && this.#mailbox.length === 1) this.#options.wake();
  }

  get pendingCalls(): number {
    return this.#committer.pending + this.#mailbox.length;
  }

  warmInstances(): number {
    return this.#instances.size;
  }

  workerStats(): ReturnType<WorkerHub["stats"]> {
    return this.#workers?.stats() ?? NO_WORKERS;
  }

  /** Drains the mailbox and runs what follows from it. */
  async tick(): Promise<void> {
    if (this.#isTicking || this.#phase === "ended") return;
    this.#isTicking = true;
    try {
      this.#drain();
      this.#dispatch.beginMarked();
      // Before a turn lets others run: an activity of what has landed must not be heard before its beginning was told (E3).
      const told = this.#commits.takeTold();
      if (told.length > 0) this.#options.observer.committed(told);
      // Activities that ended as they began.
      this.#drain();
      this.#workers?.fill();
      while (this.#instances.hasRunnable && !this.#hasEnded()) {
        await this.#turns.runSome();
        this.#committer.flush();
      }
      this.#dispatch.pump();
      for (const places of this.#dispatch.wanting) this.#backlog.readActivities(places);
      this.#ownership?.fill();
      this.#committer.flush();
      this.#rest();
    } catch (error) {
      this.#end(error);
    } finally {
      this.#isTicking = false;
      const goesOn = this.#mailbox.length > 0 || (this.#workers?.isStirred ?? false);
      if (goesOn && !this.#hasEnded()) this.#options.wake();
    }
  }

  #drain(): void {
    const events = this.#mailbox;
    if (events.length === 0) return;
    this.#mailbox = [];
    for (const event of events) this.#handle(event);
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
        return this.#instances.wereRead(event.ref, event.stored);
      case "ActivityReported":
        return this.#dispatch.ended(event.task, event.attempt, event.outcome);
      case "ActivitiesRead":
        return this.#backlog.activitiesWereRead(event.places, event.rows, event.isLast);
      case "TimersRead":
        return this.#backlog.timersWereRead(event.timers);
      case "AwakeRead":
        return this.#backlog.awakeWereRead(event.refs, event.isLast);
      case "ReplaceAsked":
        return this.#replacements.ask(event.replacement);
      case "ReplacedRead":
        return this.#replacements.wasRead(event.replacement, event.row);
      case "EntityServed":
        return this.#entities.ended(event.batch, event.result);
      case "Revived":
        return this.#instances.revive(event.ref);
      case "WorkerSpoke":
        return this.#workers?.heard(event.said);
      case "Shared":
        return this.#ownership?.heard(event.event);
      case "AlarmRang":
        this.#alarm.rang();
        this.#workers?.fire();
        return this.#dispatch.fire();
      case "StopAsked":
        this.#phase = "draining";
        return this.#dispatch.stop();
      case "DrainEnded":
        this.#workers?.abandonAll();
        return this.#dispatch.abortAll("The engine shuts down.");
      case "StoreFailed":
        return this.#end(event.error);
      default:
        event satisfies never;
    }
  }

  /** End of a tick: cold what is old, arm the one alarm, and see whether a drain has come to its end. */
  #rest(): void {
    const { clock } = this.#options.environment;
    this.#instances.rest(clock.monotonic());
    if (this.#readings.isIdle) this.#backlog.readAwake();
    if (this.#phase === "draining" && this.#hasDrained) return this.#end(undefined);
    const now = clock.now();
    if (this.#phase === "open" && this.#timers.next !== undefined && this.#timers.next <= now) this.#backlog.lookForTimers();
    // While the store is being asked, what is due is known to be due: an alarm would only spin until the answer.
    const isWaiting = this.#phase === "open" && !this.#timers.isLooking;
    this.#alarm.arm({ wall: isWaiting ? this.#timers.next : undefined, monotonic: this.#earliest() });
  }

  get #hasDrained(): boolean {
    const isQuiet = this.#committer.isIdle && this.#readings.isIdle && this.#mailbox.length === 0;
    return isQuiet && this.#dispatch.running === 0 && this.#entities.running === 0 && (this.#workers?.isIdle ?? true);
  }

  #earliest(): number | undefined {
    const [deadline, idle, worker] = [this.#dispatch.nextDue, this.#instances.nextIdle, this.#workers?.nextDue];
    const earlier = deadline === undefined || idle === undefined ? (deadline ?? idle) : Math.min(deadline, idle);
    return earlier === undefined || worker === undefined ? (earlier ?? worker) : Math.min(earlier, worker);
  }

  /** A turn that is awaited may find the loop ended when it comes back. */
  #hasEnded(): boolean {
    return this.#phase === "ended";
  }

  #end(error: unknown, changes: readonly Change[] = []): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    const reason = error === undefined || error instanceof SignalboxError ? error : broken(error);
    const told = reason ?? new SignalboxError("SHUT_DOWN", "The engine has shut down.");
    this.#alarm.stop();
    this.#dispatch.stop();
    this.#dispatch.abortAll(told.message);
    this.#instances.coolAll();
    for (const change of changes) change.refused(told);
    this.#committer.abandon(told);
    this.#replacements.abandon(told);
    for (const event of this.#mailbox) refuse(event, told);
    this.#mailbox = [];
    this.#options.observer.ended(reason);
  }
}

/** Who waits for what is still in the mailbox waits in vain. */
function refuse(event: LoopEvent, told: SignalboxError): void {
  if (event.kind === "Asked") event.change.refused(told);
  else if (event.kind === "ReplaceAsked" || event.kind === "ReplacedRead") event.replacement.refused(told);
  else if (event.kind === "WorkerSpoke" && "answer" in event.said) event.said.answer.refuse(told);
  else if (event.kind === "Shared" && event.event.kind === "Orphaned") event.event.said.answer.refuse(told);
}

function broken(cause: unknown): SignalboxError {
  return new SignalboxError("INTERNAL", `The engine's loop broke: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
