// Activities from their commit to their settlement: dispatch in the order of scheduling, attempts, retries, timeouts, abort.
// An attempt is durable before it begins (E5); the first completion of any delivery settles (E5).

import { activityTimeout } from "../engine/activity-timeout.ts";
import { retryDelay } from "../engine/retry-delay.ts";
import type { SignalboxError } from "../model/errors.ts";
import type { Failure } from "../model/failure.ts";
import type { HubName, InstanceKey } from "../model/ids.ts";
import type { ActivityKey, ActivityRow, InstanceRef, NewActivity } from "../model/parts.ts";
import type { ActivityOutcome } from "../model/work-item.ts";
import type { ActivityTask } from "./activity-task.ts";
import type { Change } from "./committer.ts";
import { Deadlines } from "./deadlines.ts";
import type { Clock } from "./environment.ts";
import type { Places } from "./places.ts";
import { TaskIndex } from "./task-index.ts";
import type { Answer } from "./workers/answer.ts";

interface Due {
  readonly task: ActivityTask;
  readonly attempt: number;
  readonly kind: "startToClose" | "scheduleToClose" | "retry";
}

export interface DispatchPorts {
  readonly clock: Clock;
  readonly local: Places;
  /** Present if workers out of process may connect; they get every activity that is not run here. */
  readonly remote?: Places;
  readonly isLocal: (activityName: string) => boolean;
  readonly commit: (change: Change) => void;
  readonly report: (task: ActivityTask, attempt: number, outcome: ActivityOutcome) => void;
  readonly settle: (task: ActivityTask, outcome: ActivityOutcome, answer?: Answer) => void;
  readonly refused: (task: ActivityTask, reason: string) => void;
}

const NOBODY: readonly Places[] = [];

export class Dispatch {
  readonly #ports: DispatchPorts;
  readonly #due = new Deadlines<Due>();
  readonly #tasks = new TaskIndex();
  /** The commit that removes their rows is still to come: a page that was read before it shows them. */
  readonly #settling = new TaskIndex();
  /** Their attempt is durable; they begin when the whole batch has been taken in, which may have ended their instance. */
  #marked: ActivityTask[] = [];
  #isStopped = false;
  #hasLost = false;

  constructor(ports: DispatchPorts) {
    this.#ports = ports;
  }

  /** In this process. */
  get running(): number {
    return this.#ports.local.running;
  }

  /** The earliest deadline, on the monotonic clock. */
  get nextDue(): number | undefined {
    return this.#due.next;
  }

  /** Those that have room again for what stayed in the store. */
  get wanting(): readonly Places[] {
    if (this.#isStopped) return NOBODY;
    const { local, remote } = this.#ports;
    if (remote === undefined || !remote.wantsMore) return local.wantsMore ? [local] : NOBODY;
    return local.wantsMore ? [local, remote] : [remote];
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  reserve(hub: HubName, name: string, version: string | undefined): boolean {
    return !this.#isStopped && this.#placesOf(name).reserve(hub, name, version);
  }

  unreserve(hub: HubName, activities: readonly NewActivity[]): void {
    for (const activity of activities) if (activity.inFlight) this.#placesOf(activity.name).unreserve(hub, activity);
  }

  /** What a turn scheduled, after its commit. */
  scheduled(key: ActivityKey, instance: InstanceKey, activity: NewActivity): void {
    const places = this.#placesOf(activity.name);
    const task = this.#taskOf(key, instance, activity, places);
    task.isMarked = activity.inFlight;
    if (activity.inFlight && places.claim(task)) {
      this.#track(task);
      this.#isMarkedNow(task);
    } else if (places.hasRoom(task, false)) {
      this.#track(task);
      places.enqueue(task);
    }
  }

  /** A row as the store has it, at the opening or when there is room again. True if it was not known yet and is for the reader. */
  adopt(row: ActivityRow, reader: Places): boolean {
    if (this.#tasks.find(row) !== undefined || this.#settling.find(row) !== undefined) return false;
    const { ref, executionId, actionId, hub, instanceId, attempt } = row;
    const key: ActivityKey = { ref, executionId, actionId };
    const places = this.#placesOf(row.name);
    if (places !== reader) return false;
    const task = this.#taskOf(key, { hub, instanceId }, row, places);
    task.attempt = attempt;
    task.wasInFlight = row.inFlight;
    task.isMarked = row.inFlight;
    if (!places.hasRoom(task, true)) return false;
    this.#track(task);
    const now = this.#ports.clock.now();
    const limit = row.options?.scheduleToCloseMs;
    const wait = row.dueAt === undefined ? 0 : row.dueAt - now;
    // Its deadline passed while nobody looked at its row: it is not begun any more.
    if (limit !== undefined && row.scheduledAt + limit <= now) this.#timeOut(task, "scheduleToClose");
    else if (wait > 0) this.#delay(task, wait);
    else places.enqueue(task);
    return true;
  }

  /**
   * A row that this node has claimed is for others too: it is not known here, or its worker is gone and nobody else here takes
   * it. Then it waits here as one that has not begun, for whoever is first.
   */
  letsGo(key: ActivityKey): boolean {
    if (this.#settling.find(key) !== undefined) return false;
    const task = this.#tasks.find(key);
    if (task === undefined) return true;
    if (task.state !== "queued" || this.#placesFor(task).isServed(task)) return false;
    task.isMarked = false;
    return true;
  }

  /** Some have lost their workers since this was last asked. */
  haveLostWorkers(): boolean {
    const hadLost = this.#hasLost;
    this.#hasLost = false;
    return hadLost;
  }

  /** A row that this node has taken from the queue that all nodes share. False: there is no room for it. */
  adoptClaimed(row: ActivityRow, reader: Places): boolean {
    if (this.#settling.find(row) !== undefined) return true;
    const known = this.#tasks.find(row);
    if (known === undefined) return this.adopt(row, reader);
    // It waited here for its turn, and nobody else can begin it any more.
    if (known.state === "queued") known.isMarked = true;
    return true;
  }

  /** E3: what a landed batch has made durable, unless the same batch or the one with it took it away. */
  beginMarked(): void {
    if (this.#marked.length === 0) return;
    const marked = this.#marked;
    this.#marked = [];
    for (const task of marked) if (task.state === "marking") this.#begin(task);
  }

  /** Gives the free places to those that wait. */
  pump(): void {
    if (this.#isStopped) return;
    for (const task of this.#ports.local.take()) this.#placed(task);
    for (const task of this.#ports.remote?.take() ?? []) this.#placed(task);
  }

  /** Timeouts and retries that are due. */
  fire(): void {
    const now = this.#ports.clock.monotonic();
    for (let due = this.#due.take(now); due !== undefined; due = this.#due.take(now)) {
      const { task, attempt, kind } = due;
      if (task.state === "settled") continue;
      if (kind === "scheduleToClose") this.#timeOut(task, "scheduleToClose");
      else if (task.attempt !== attempt) continue;
      else if (kind === "startToClose" && task.state === "running") this.#timeOut(task, "startToClose");
      else if (kind === "retry" && task.state === "delayed") {
        this.#queueAgain(task);
      }
    }
  }

  find(key: ActivityKey): ActivityTask | undefined {
    return this.#tasks.find(key);
  }

  /** The report of a delivery; a worker's answer is accepted when it has been committed. */
  ended(task: ActivityTask, attempt: number, outcome: ActivityOutcome, answer?: Answer): void {
    if (task.state === "settled") return answer?.accept();
    if (outcome.kind === "completed") return this.#settle(task, outcome, answer);
    // A failure speaks for its own attempt only; a success, however late, is the activity's.
    if (task.state !== "running" || attempt !== task.attempt) return answer?.accept();
    this.#fail(task, outcome.failure, answer);
  }

  /** Its worker is gone: the same attempt goes to another. */
  lost(task: ActivityTask): void {
    if (task.state !== "running") return;
    this.#queueAgain(task);
    this.#hasLost = true;
  }

  /** Its worker gave it back: the same attempt, after a pause. */
  givenBack(task: ActivityTask, pauseMs: number): void {
    if (task.state === "running") this.#delay(task, pauseMs);
  }

  /** Nobody gets it until its instance is tried again. */
  setAside(task: ActivityTask): void {
    task.state = "aside";
  }

  /** A stalled instance goes on. */
  takeUp(ref: InstanceRef): void {
    for (const task of this.#tasks.of(ref)) {
      if (task.state !== "aside") continue;
      task.tries = 0;
      this.#queueAgain(task);
    }
  }

  /** The row of one that has been settled is gone. */
  removed(key: ActivityKey): void {
    const task = this.#settling.find(key);
    if (task !== undefined) this.#settling.drop(task);
  }

  /** A completion has settled it: one that was read from the store while that was under way is not begun. */
  settled(key: ActivityKey): void {
    this.removed(key);
    const task = this.#tasks.find(key);
    if (task !== undefined) this.#abandon(task, "The activity has been completed by another delivery.");
  }

  /** Purged, replaced: nobody wants it any more. */
  abort(ref: InstanceRef, reason: string): void {
    for (const task of this.#tasks.of(ref)) this.#abandon(task, reason);
  }

  /** Its commit has removed what nobody started and what ran for its last execution; what ran for earlier ones goes now. */
  terminated(ref: InstanceRef): void {
    const started = this.#tasks.of(ref);
    this.abort(ref, "The instance was terminated.");
    for (const task of started) {
      this.#settling.keep(task);
      this.#ports.commit({
        parts: [{ kind: "forgetActivity", activity: task.key }],
        bytes: 64,
        landed: () => this.#settling.drop(task),
        refused: (error) => this.#ports.refused(task, error.message),
      });
    }
  }

  /** E14: nothing is dispatched from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  abortAll(reason: string): void {
    for (const task of this.#tasks.all()) this.#abandon(task, reason);
  }

  #track(task: ActivityTask): void {
    this.#tasks.keep(task);
    const limit = task.activity.options?.scheduleToCloseMs;
    if (limit === undefined) return;
    const left = task.activity.scheduledAt + limit - this.#ports.clock.now();
    this.#due.add(this.#ports.clock.monotonic() + Math.max(0, left), { task, attempt: 0, kind: "scheduleToClose" });
  }

  #placesOf(activityName: string): Places {
    const { local, remote, isLocal } = this.#ports;
    return remote === undefined || isLocal(activityName) ? local : remote;
  }

  #placesFor({ isRemote }: ActivityTask): Places {
    const { local, remote = local } = this.#ports;
    return isRemote ? remote : local;
  }

  #taskOf(key: ActivityKey, instance: InstanceKey, activity: NewActivity, places: Places): ActivityTask {
    const isRemote = places !== this.#ports.local;
    return { key, instance, activity, isRemote, attempt: 1, state: "queued", wasInFlight: false, isMarked: false, hasBegun: 0, tries: 0 };
  }

  #queueAgain(task: ActivityTask): void {
    task.state = "queued";
    // Its row says that the present attempt is in flight: that stays so.
    task.isMarked = task.isMarked || task.hasBegun === task.attempt;
    this.#placesFor(task).enqueue(task);
  }

  #placed(task: ActivityTask): void {
    if (task.isMarked) this.#begin(task);
    else this.#mark(task);
  }

  #mark(task: ActivityTask): void {
    task.state = "marking";
    this.#ports.commit({
      parts: [{ kind: "attempt", activity: task.key, attempt: task.attempt, inFlight: true }],
      bytes: 64,
      landed: ([answer]) => {
        if (task.state !== "marking") return;
        // Another node runs it, or has ended it.
        if (answer?.kind === "unclaimed") this.#leave(task);
        else this.#isMarkedNow(task);
      },
      refused: (error) => this.#refused(task, error),
    });
  }

  /** The store did not take its attempt: it stands still with its instance, and leaves its place to others (E13). */
  #refused(task: ActivityTask, error: SignalboxError): void {
    if (task.state === "marking") this.#placesFor(task).release(task);
    if (task.state === "marking" || task.state === "delayed") this.setAside(task);
    this.#ports.refused(task, error.message);
  }

  /** It holds a place; a dispatch that is stopped gives it back. */
  #isMarkedNow(task: ActivityTask): void {
    task.isMarked = true;
    task.state = this.#isStopped ? "queued" : "marking";
    if (this.#isStopped) this.#placesFor(task).release(task);
    else this.#marked.push(task);
  }

  #begin(task: ActivityTask): void {
    const { attempt, activity } = task;
    const { clock, report } = this.#ports;
    task.state = "running";
    task.isMarked = false;
    task.hasBegun = attempt;
    const limit = activity.options?.startToCloseMs;
    if (limit !== undefined) this.#due.add(clock.monotonic() + limit, { task, attempt, kind: "startToClose" });
    this.#placesFor(task).run(task, attempt, (outcome) => report(task, attempt, outcome));
  }

  #timeOut(task: ActivityTask, kind: "startToClose" | "scheduleToClose"): void {
    const limitMs = task.activity.options?.[`${kind}Ms`] ?? 0;
    const failure = activityTimeout(task.activity.name, kind, limitMs, task.attempt);
    const attempt = task.attempt;
    const wasRunning = task.state === "running";
    if (kind === "startToClose") this.#fail(task, failure);
    else this.#settle(task, { kind: "failed", failure: { ...failure, isNonRetriable: true } });
    if (wasRunning) this.#placesFor(task).abort(task, attempt, failure.message);
  }

  #fail(task: ActivityTask, failure: Failure, answer?: Answer): void {
    const { options, scheduledAt } = task.activity;
    const delay = retryDelay(options?.retry, task.attempt, failure);
    const now = this.#ports.clock.now();
    const isTooLate = options?.scheduleToCloseMs !== undefined && now + (delay ?? 0) >= scheduledAt + options.scheduleToCloseMs;
    if (delay === undefined || isTooLate) return this.#settle(task, { kind: "failed", failure }, answer);
    this.#placesFor(task).release(task);
    task.attempt += 1;
    task.state = "delayed";
    const { attempt } = task;
    this.#ports.commit({
      parts: [{ kind: "attempt", activity: task.key, attempt, inFlight: false, dueAt: now + delay }],
      bytes: 64,
      landed: ([landed]) => {
        if (landed?.kind === "unclaimed") this.#leave(task);
        else if (task.state === "delayed" && task.attempt === attempt) this.#delay(task, delay);
        answer?.accept();
      },
      refused: (error) => {
        answer?.refuse(error);
        this.#refused(task, error);
      },
    });
  }

  #delay(task: ActivityTask, delay: number): void {
    task.state = "delayed";
    this.#due.add(this.#ports.clock.monotonic() + delay, { task, attempt: task.attempt, kind: "retry" });
  }

  #settle(task: ActivityTask, outcome: ActivityOutcome, answer?: Answer): void {
    this.#leave(task);
    this.#settling.keep(task);
    this.#ports.settle(task, outcome, answer);
  }

  #abandon(task: ActivityTask, reason: string): void {
    const wasRunning = task.state === "running";
    this.#leave(task);
    if (wasRunning) this.#placesFor(task).abort(task, task.attempt, reason);
  }

  #leave(task: ActivityTask): void {
    const holdsPlace = task.state === "running" || task.state === "marking";
    task.state = "settled";
    if (holdsPlace) this.#placesFor(task).release(task);
    this.#tasks.drop(task);
  }
}
