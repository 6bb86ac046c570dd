// The loop that owns all state. Everything arrives in one mailbox; a tick drains it, runs the turns that follow, and adds
// what they change to the open batch; effects leave only after their commit (E3).
//
// - One turn of an instance is outstanding at a time (E1); what arrives meanwhile waits in its queue (turns.ts).
// - A refused change drops its instance's live function and memory state; the instance is read again and stalled (E13).
// - Messages between instances go through the store, so no turn builds on another's uncommitted one.
// - Any other error of the store ends the loop, and everybody who waits is told (E14).

import { SignalboxError } from "../model/errors.ts";
import type { Change } from "./committer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { LoopEvent } from "./loop-events.ts";
import type { LoopOptions } from "./loop-options.ts";
import { type LoopParts, wireLoop } from "./wire-loop.ts";
import type { WorkerHub } from "./workers/worker-hub.ts";

const NOTHING = { orchestration: 0, activity: 0, entity: 0 };
const NO_WORKERS = { streams: 0, inFlight: NOTHING, queued: NOTHING };

export class InstanceLoop {
  /** What became of the starts and deliveries that clients asked for goes the way of those that turns send. */
  readonly deliveries: Deliveries;
  readonly #options: LoopOptions;
  readonly #parts: LoopParts;
  #mailbox: LoopEvent[] = [];
  #isTicking = false;
  #phase: "open" | "draining" | "ended" = "open";

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#parts = wireLoop(
      options,
      (event) => this.post(event),
      (error) => this.#end(error),
    );
    this.deliveries = this.#parts.deliveries;
  }

  /** Takes up what an earlier process left. The attempts of all that was in flight are raised first (E5). */
  open(takenUp: () => void = () => undefined): void {
    const landed = (): void => {
      this.#parts.backlog.take();
      takenUp();
    };
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
    return this.#parts.committer.pending + this.#mailbox.length;
  }

  warmInstances(): number {
    return this.#parts.instances.size;
  }

  workerStats(): ReturnType<WorkerHub["stats"]> {
    return this.#parts.workers?.stats() ?? NO_WORKERS;
  }

  /** Drains the mailbox and runs what follows from it. */
  async tick(): Promise<void> {
    if (this.#isTicking || this.#phase === "ended") return;
    this.#isTicking = true;
    try {
      this.#takeIn();
      this.#parts.workers?.fill();
      // What lands while some turns are computed is taken in before the next ones: so the store gets a batch while turns are
      // still to come. Those that become runnable by it wait for the next tick, which sees to the rest as well.
      let left = this.#parts.instances.runnable;
      while (left > 0 && this.#parts.instances.runnable > 0 && !this.#hasEnded()) {
        left -= await this.#parts.turns.runSome();
        this.#takeIn();
        this.#parts.committer.flush();
      }
      this.#parts.dispatch.pump();
      for (const places of this.#parts.dispatch.wanting) this.#parts.backlog.readActivities(places);
      this.#parts.ownership?.fill();
      this.#parts.committer.flush();
      this.#rest();
    } catch (error) {
      this.#end(error);
    } finally {
      this.#isTicking = false;
      const goesOn = this.#mailbox.length > 0 || this.#parts.instances.runnable > 0 || (this.#parts.workers?.isStirred ?? false);
      if (goesOn && !this.#hasEnded()) this.#options.wake();
    }
  }

  #takeIn(): void {
    this.#drain();
    this.#parts.dispatch.beginMarked();
    // Before a turn lets others run: an activity of what has landed must not be heard before its beginning was told (E3).
    const told = this.#parts.commits.takeTold();
    if (told.length > 0) this.#options.observer.committed(told);
    // Activities that ended as they began.
    this.#drain();
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
        return this.#parts.committer.add(event.change);
      case "BatchLanded":
        return this.#parts.committer.settleLanded(event.landed);
      case "BatchFailed":
        if (!this.#parts.committer.settleFailed(event.changes, event.error)) this.#end(event.error, event.changes);
        return;
      case "InstanceRead":
        return this.#parts.instances.wereRead(event.ref, event.stored);
      case "ActivityReported":
        return this.#parts.dispatch.ended(event.task, event.attempt, event.outcome);
      case "ActivitiesRead":
        return this.#parts.backlog.activitiesWereRead(event.places, event.rows, event.isLast);
      case "TimersRead":
        return this.#parts.backlog.timersWereRead(event.timers);
      case "AwakeRead":
        return this.#parts.backlog.awakeWereRead(event.refs, event.isLast);
      case "ReplaceAsked":
        return this.#parts.replacements.ask(event.replacement);
      case "ReplacedRead":
        return this.#parts.replacements.wasRead(event.replacement, event.row);
      case "EntityServed":
        return this.#parts.entities.ended(event.batch, event.result);
      case "Revived":
        return this.#parts.instances.revive(event.ref);
      case "WorkerSpoke":
        return this.#parts.workers?.heard(event.said);
      case "Shared":
        return this.#parts.ownership?.heard(event.event);
      case "AlarmRang":
        this.#parts.alarm.rang();
        this.#parts.workers?.fire();
        return this.#parts.dispatch.fire();
      case "StopAsked":
        this.#phase = "draining";
        return this.#parts.dispatch.stop();
      case "DrainEnded":
        this.#parts.workers?.abandonAll();
        return this.#parts.dispatch.abortAll("The engine shuts down.");
      case "StoreFailed":
        return this.#end(event.error);
      default:
        event satisfies never;
    }
  }

  /** End of a tick: cold what is old, arm the one alarm, and see whether a drain has come to its end. */
  #rest(): void {
    const { clock } = this.#options.environment;
    this.#parts.instances.rest(clock.monotonic());
    if (this.#parts.readings.isIdle) this.#parts.backlog.readAwake();
    if (this.#phase === "draining" && this.#hasDrained) return this.#end(undefined);
    const now = clock.now();
    if (this.#phase === "open" && this.#parts.timers.next !== undefined && this.#parts.timers.next <= now)
      this.#parts.backlog.lookForTimers();
    // While the store is being asked, what is due is known to be due: an alarm would only spin until the answer.
    const isWaiting = this.#phase === "open" && !this.#parts.timers.isLooking;
    this.#parts.alarm.arm({ wall: isWaiting ? this.#parts.timers.next : undefined, monotonic: this.#earliest() });
  }

  get #hasDrained(): boolean {
    const { committer, readings, instances } = this.#parts;
    const isQuiet = committer.isIdle && readings.isIdle && this.#mailbox.length === 0 && instances.runnable === 0;
    return isQuiet && this.#parts.dispatch.running === 0 && this.#parts.entities.running === 0 && (this.#parts.workers?.isIdle ?? true);
  }

  #earliest(): number | undefined {
    const [deadline, idle, worker] = [this.#parts.dispatch.nextDue, this.#parts.instances.nextIdle, this.#parts.workers?.nextDue];
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
    this.#parts.alarm.stop();
    this.#parts.dispatch.stop();
    this.#parts.dispatch.abortAll(told.message);
    this.#parts.instances.coolAll();
    for (const change of changes) change.refused(told);
    this.#parts.committer.abandon(told);
    this.#parts.replacements.abandon(told);
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
