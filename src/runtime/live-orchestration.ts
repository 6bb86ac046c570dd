// One orchestrator function, alive between turns. It is given events one at a time; after each one that may run code the
// driver lets all microtasks run before the next (design section 3), the same live and in replay.
//
// - L1 Code runs only between `feed` answering true and the next `settle`; a call of ctx at any other time is a stall.
// - L2 Action ids are 1, 2, 3, ... in the order of the calls. In replay each echo in history must be the next action.
// - L3 After its end (result, failure, continue-as-new) an orchestration takes no event: what follows is not consumed.
// - L4 A dropped one is inert: its promises never settle and its ctx does nothing.

import { type EchoEvent, isEcho } from "../engine/echo-event.ts";
import type { Action, CompleteOrchestration } from "../model/actions.ts";
import { isSignalboxError } from "../model/errors.ts";
import type { EventRaised, ExecutionStarted, HistoryEvent } from "../model/events.ts";
import type { Failure } from "../model/failure.ts";
import type { Payload } from "../model/payload.ts";
import type { Orchestrator, Value } from "./context.ts";
import { failureOf } from "./failure-of.ts";
import { LiveContext } from "./live-context.ts";
import { RaisedEvents } from "./raised-events.ts";
import { mismatch, surplus } from "./replay-check.ts";
import type { Call, TurnFace } from "./turn-face.ts";
import { decodeValue, encodeValue } from "./values.ts";

export interface LiveTurn {
  readonly actions: readonly Action[];
  readonly customStatus?: { readonly payload: Payload | undefined };
}

export type AnyOrchestrator = Orchestrator<never, unknown>;

export class LiveOrchestration implements TurnFace {
  /** Of the turn. */
  now = 0;
  isReplaying: boolean;
  readonly maxPayloadLength: number;
  readonly attemptsActivities: boolean;
  readonly #orchestrator: AnyOrchestrator;
  readonly #patches: ReadonlySet<Payload>;
  readonly #calls = new Map<number | string, Call>();
  readonly #raised = new RaisedEvents();
  #asked: Action[] = [];
  #lastActionId = 0;
  #position = 0;
  #mayRun = false;
  #problem: string | undefined;
  #ending: CompleteOrchestration | undefined;
  #hasEnded = false;
  #customStatus: { readonly payload: Payload | undefined } | undefined;
  #context: LiveContext | undefined;

  constructor(
    orchestrator: AnyOrchestrator,
    history: readonly HistoryEvent[],
    maxPayloadLength: number,
    { attemptsActivities = false }: { readonly attemptsActivities?: boolean } = {},
  ) {
    this.#orchestrator = orchestrator;
    this.attemptsActivities = attemptsActivities;
    this.isReplaying = history.length > 0;
    this.maxPayloadLength = maxPayloadLength;
    this.#patches = new Set(history.flatMap((event) => (event.kind === "GenericEvent" && event.data !== undefined ? [event.data] : [])));
  }

  /** Why it cannot go on (E13). */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What the turn has asked for so far. Failures are left out: a stack is not the same twice. */
  get asked(): readonly unknown[] {
    return [...this.#asked, this.#ending === undefined ? undefined : { ...this.#ending, failure: this.#ending.failure?.message }];
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** True if code may run now: all microtasks have to run before the next event. */
  feed(event: HistoryEvent): boolean {
    this.#position += 1;
    if (isEcho(event)) return this.#confirm(event);
    switch (event.kind) {
      case "OrchestratorStarted":
        if (this.isReplaying) this.#checkNothingLeft();
        this.now = event.timestamp;
        return false;
      case "ExecutionStarted":
        return this.#begin(event);
      case "TaskCompleted":
      case "SubOrchestrationInstanceCompleted":
        return this.#resolve(event.taskScheduledId, event.result);
      case "TimerFired":
        return this.#resolve(event.timerId, undefined);
      case "TaskFailed":
      case "SubOrchestrationInstanceFailed":
        return this.#reject(event.taskScheduledId, event.failure);
      case "EventRaised":
        return this.#raise(event);
      case "ExecutionSuspended":
      case "ExecutionResumed":
      case "ExecutionTerminated":
      case "ExecutionCompleted":
      case "ExecutionRewound":
        return false;
      case "EntityOperationCompleted":
        return this.#resolve(event.requestId, event.output);
      case "EntityOperationFailed":
        return this.#reject(event.requestId, event.failure);
      case "EntityLockGranted":
        return this.#resolve(event.criticalSectionId, undefined);
      default:
        return event satisfies never;
    }
  }

  /** After all microtasks have run. */
  settle(): void {
    if (!this.#mayRun) return;
    this.#mayRun = false;
    if (this.#hasEnded || this.#problem !== undefined || this.#calls.size + this.#raised.waiting > 0) return;
    this.stall(
      `Orchestrator ${JSON.stringify(this.#orchestrator.name)} has not ended and awaits something that is not ctx: move it into an activity.`,
    );
  }

  /** History has been gone through; what comes now is new. */
  endReplay(): void {
    if (!this.isReplaying) return;
    this.#checkNothingLeft();
    this.isReplaying = false;
    this.#customStatus = undefined;
  }

  /** What the turn asked for, once. */
  takeTurn(): LiveTurn {
    const actions = this.#asked;
    this.#asked = [];
    const ending = this.#ending;
    if (ending !== undefined) actions.push(ending.status === "ContinuedAsNew" ? this.#withCarryover(ending) : ending);
    this.#ending = undefined;
    const customStatus = this.#customStatus;
    this.#customStatus = undefined;
    return customStatus === undefined ? { actions } : { actions, customStatus };
  }

  /** L4 */
  drop(): void {
    this.#context?.detach();
    this.#context = undefined;
    this.#calls.clear();
    this.#raised.clear();
  }

  // What ctx asks for. The context checks `enter` first.

  /** False if the call must do nothing: L1 and L3. */
  enter(call: string): boolean {
    if (this.#hasEnded || this.#problem !== undefined) return false;
    if (this.#mayRun) return true;
    const stack = new Error("called outside a turn").stack?.split("\n").slice(2).join("\n") ?? "";
    this.stall(`ctx.${call} was called outside a turn: the code awaited something that is not ctx. Move it into an activity.\n${stack}`);
    return false;
  }

  nextActionId(): number {
    this.#lastActionId += 1;
    return this.#lastActionId;
  }

  ask(action: Action): void {
    this.#asked.push(action);
  }

  expect(id: number | string, call: Call): void {
    this.#calls.set(id, call);
  }

  forget(id: number | string): void {
    this.#calls.delete(id);
  }

  awaitEvent(name: string, call: Call): void {
    const event = this.#raised.takeOrWait(name, call);
    if (event === undefined) return;
    const value = this.#decode(event.input);
    if (value !== undefined) call.resolve(value.value);
  }

  setCustomStatus(payload: Payload | undefined): void {
    this.#customStatus = { payload };
  }

  /** A patch is on if its marker is in history, or if this is the first time that any execution gets here. */
  isPatched(marker: Payload): boolean {
    return !this.isReplaying || this.#patches.has(marker);
  }

  continueAsNew(input: Payload | undefined, version: string | undefined, keepEvents: boolean): void {
    this.#end({
      status: "ContinuedAsNew",
      ...(input !== undefined && { result: input }),
      ...(version !== undefined && { newVersion: version }),
    });
    if (!keepEvents) this.#raised.forgetBuffered();
  }

  stall(reason: string): void {
    this.#problem ??= reason;
  }

  #begin(started: ExecutionStarted): boolean {
    const input = this.#decode(started.input);
    if (input === undefined) return false;
    this.#mayRun = true;
    const context = new LiveContext(this, started);
    this.#context = context;
    try {
      const result = this.#orchestrator.run(context, input.value as never);
      Promise.resolve(result).then(
        (output) => this.#complete(output),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  #complete(output: unknown): void {
    if (this.#hasEnded || !this.enter("return")) return;
    try {
      const result = encodeValue(output, "The orchestrator's output", this.maxPayloadLength);
      this.#end({ status: "Completed", ...(result !== undefined && { result }) });
    } catch (error) {
      if (isSignalboxError(error, "LIMIT_EXCEEDED")) this.stall(error.message);
      else this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#hasEnded || !this.enter("throw")) return;
    this.#end({ status: "Failed", failure: failureOf(error) });
  }

  #end(ending: Omit<CompleteOrchestration, "kind" | "id">): void {
    this.#hasEnded = true;
    this.#ending = { kind: "CompleteOrchestration", id: this.nextActionId(), ...ending };
  }

  #withCarryover(ending: CompleteOrchestration): CompleteOrchestration {
    const { buffered } = this.#raised;
    return buffered.length === 0 ? ending : { ...ending, carryoverEvents: buffered };
  }

  #resolve(id: number | string, result: Payload | undefined): boolean {
    const call = this.#calls.get(id);
    if (call === undefined) return false;
    const value = this.#decode(result);
    if (value === undefined) return false;
    this.#calls.delete(id);
    this.#mayRun = true;
    call.resolve(value.value);
    return true;
  }

  #reject(id: number | string, failure: Failure): boolean {
    const call = this.#calls.get(id);
    if (call === undefined) return false;
    this.#calls.delete(id);
    this.#mayRun = true;
    call.reject(failure);
    return true;
  }

  #raise(event: EventRaised): boolean {
    if (!this.#raised.isAwaited(event)) {
      this.#raised.keep(event);
      return false;
    }
    const value = this.#decode(event.input);
    if (value === undefined) return false;
    this.#mayRun = true;
    this.#raised.takeWaiter(event)?.resolve(value.value);
    return true;
  }

  #decode(payload: Payload | undefined): { readonly value: Value } | undefined {
    try {
      return { value: decodeValue(payload) };
    } catch (error) {
      this.stall(
        `Event ${this.#position - 1} carries a payload that is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
      );
      return undefined;
    }
  }

  /** L2 */
  #confirm(event: EchoEvent): false {
    if (!this.isReplaying) return false;
    let asked = this.#asked.shift();
    while (asked?.kind === "TerminateOrchestration") asked = this.#asked.shift();
    const problem = mismatch(event, asked ?? this.#ending, this.#position - 1);
    if (problem !== undefined) this.stall(problem);
    return false;
  }

  #checkNothingLeft(): void {
    const left = this.#asked.find((action) => action.kind !== "TerminateOrchestration") ?? this.#ending;
    if (left !== undefined) this.stall(surplus(left, this.#position));
    this.#asked = [];
  }
}
