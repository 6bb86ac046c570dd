// For tests of the rules: orchestrations and entities whose commits are carried out in memory, one step at a time, in whatever
// order the test chooses. What a turn makes lands in a step of its own: others land between, that it knows nothing of. Every
// turn replays the whole history, so a rule that breaks determinism shows at once.

import { applyEntityBatch, applyEntitySystem, checkEntityResult } from "../engine/apply-entity.ts";
import { applyTerminate, applyTurn, type Committing, type TurnPorts } from "../engine/apply-turn.ts";
import { checkActions } from "../engine/check-actions.ts";
import { triageEntity } from "../engine/entity-triage.ts";
import { applyRewind } from "../engine/rewind.ts";
import { fold, type InstanceState } from "../engine/state.ts";
import { triage, type Waiting } from "../engine/triage.ts";
import { isEntityId } from "../model/entity.ts";
import type { HistoryEvent, Message } from "../model/events.ts";
import { asExecutionId, asHubName, asInstanceId, type ExecutionId } from "../model/ids.ts";
import type { InstanceRow, NewActivity, Part, TurnPart } from "../model/parts.ts";
import { isTerminal } from "../model/status.ts";
import type { AnyEntity } from "./entity.ts";
import { type AnyOrchestrator, LiveOrchestration } from "./live-orchestration.ts";
import { runEntityBatch } from "./run-entity-batch.ts";
import { runTurns } from "./run-turns.ts";

const HUB = asHubName("hub");
const MAX_PAYLOAD = 1_000_000;
const hop = (callback: () => void): void => void setImmediate(callback);
const watch = { started: () => {}, ended: () => {} };

export interface Citizen {
  state: InstanceState;
  history: readonly HistoryEvent[];
  queue: Waiting[];
  parentRef: number | undefined;
}

interface Job {
  readonly instanceId: string;
  readonly executionId: ExecutionId;
  readonly activity: NewActivity;
}

export interface SmallWorldOptions {
  readonly orchestrators: readonly AnyOrchestrator[];
  readonly entities?: readonly AnyEntity[];
  /** What an activity answers; a failure is what it throws. */
  readonly activity?: (name: string, input: string | undefined) => string;
}

/** Something that may happen next. */
export type Choice =
  | { readonly kind: "turn"; readonly id: string }
  | { readonly kind: "batch"; readonly id: string }
  | { readonly kind: "landing"; readonly id: string }
  | { readonly kind: "activity"; readonly job: Job }
  | { readonly kind: "timer"; readonly id: string; readonly executionId: ExecutionId; readonly timerId: number; readonly fireAt: number };

export class SmallWorld {
  readonly citizens = new Map<string, Citizen>();
  readonly #options: SmallWorldOptions;
  readonly #outstanding = new Map<string, Committing>();
  #jobs: Job[] = [];
  #timers: Extract<Choice, { kind: "timer" }>[] = [];
  #numbers = 0;
  #now = 1_000;

  constructor(options: SmallWorldOptions) {
    this.#options = options;
  }

  start(id: string, name: string, input: unknown): void {
    this.#carryOut({
      kind: "start",
      key: { hub: HUB, instanceId: asInstanceId(id) },
      started: {
        kind: "ExecutionStarted",
        eventId: -1,
        timestamp: this.#now,
        name,
        instanceId: asInstanceId(id),
        executionId: this.#mint(),
        input: JSON.stringify(input),
      },
      createdAt: this.#now,
      replaceable: ["Completed", "Failed", "Terminated"],
    });
  }

  terminate(id: string): void {
    this.#put(id, { kind: "ExecutionTerminated", eventId: -1, timestamp: this.#now, recurse: true });
  }

  suspend(id: string): void {
    this.#put(id, { kind: "ExecutionSuspended", eventId: -1, timestamp: this.#now });
  }

  resume(id: string): void {
    this.#put(id, { kind: "ExecutionResumed", eventId: -1, timestamp: this.#now });
  }

  raise(id: string, name: string, data: unknown): void {
    this.#put(id, { kind: "EventRaised", eventId: -1, timestamp: this.#now, name, input: JSON.stringify(data) });
  }

  rewind(id: string): void {
    this.#put(id, { kind: "ExecutionRewound", eventId: -1, timestamp: this.#now });
  }

  citizen(id: string): Citizen {
    const found = this.citizens.get(id);
    if (found === undefined) throw new Error(`nobody is called ${JSON.stringify(id)}`);
    return found;
  }

  choices(): Choice[] {
    const choices: Choice[] = [...this.#outstanding.keys()].map((id) => ({ kind: "landing", id }));
    for (const [id, { queue, state }] of this.citizens) {
      if (queue.length === 0 || this.#outstanding.has(id)) continue;
      const isEntity = isEntityId(id);
      if (isEntity) {
        const { system, batch } = triageEntity(state, queue, this.#now, 4);
        if (system === undefined && batch.length === 0) continue;
      } else {
        const sorted = triage(state, queue, this.#now, false);
        if (sorted.kind === "turn" && sorted.taken.length + sorted.dropped.length === 0) continue;
      }
      choices.push({ kind: isEntity ? "batch" : "turn", id });
    }
    return [...choices, ...this.#jobs.map((job) => ({ kind: "activity", job }) as const), ...this.#timers];
  }

  /** `portion` of an entity's batch, at least one operation, is served. */
  async take(choice: Choice, portion = 1): Promise<void> {
    this.#now += 1;
    switch (choice.kind) {
      case "turn":
        return this.#turn(choice.id);
      case "batch":
        return this.#batch(choice.id, portion);
      case "landing":
        return this.#land(choice.id);
      case "activity":
        return this.#activity(choice.job);
      case "timer": {
        const { id, executionId, timerId, fireAt } = choice;
        this.#timers = this.#timers.filter((each) => each !== choice);
        this.#now = Math.max(this.#now, fireAt);
        const message: Message = { kind: "TimerFired", eventId: -1, timestamp: this.#now, timerId, fireAt };
        return this.#put(id, message, executionId);
      }
    }
  }

  /** Until nothing more can happen; `pick` says what is next. */
  async settle(pick: (choices: number) => number = () => 0): Promise<void> {
    for (let steps = 0; ; steps += 1) {
      const choices = this.choices();
      const choice = choices[pick(choices.length) % Math.max(1, choices.length)];
      if (choice === undefined) return;
      if (steps > 5_000) throw new Error("it does not come to rest");
      await this.take(choice, (pick(4) % 4) / 4);
    }
  }

  async #turn(id: string): Promise<void> {
    const citizen = this.citizen(id);
    const { state, history, queue } = citizen;
    const sorted = triage(state, queue, this.#now, false);
    if (sorted.kind === "terminate") return this.#commit(id, applyTerminate(state, queue, sorted.waiting, this.#now, this.#ports));
    if (sorted.kind === "rewind") return this.#commit(id, applyRewind(state, history, sorted.waiting, this.#now, this.#ports));
    const { taken, dropped } = sorted;
    if (taken.length === 0) {
      return this.#commit(id, applyTurn(state, { taken, dropped, actions: [], time: this.#now }, this.#ports));
    }
    const orchestrator = this.#options.orchestrators.find(({ name }) => name === state.row.name);
    if (orchestrator === undefined) throw new Error(`there is no orchestrator ${state.row.name}`);
    const live = new LiveOrchestration(orchestrator, history, MAX_PAYLOAD);
    const begins: HistoryEvent = { kind: "OrchestratorStarted", eventId: -1, timestamp: this.#now };
    const run = { live, history, events: [begins, ...taken.map(({ message }) => message)], consumed: 0 };
    await runTurns([run], hop, watch);
    if (live.problem !== undefined) throw new Error(live.problem);
    const turn = { taken: taken.slice(0, run.consumed - 1), dropped, time: this.#now, ...live.takeTurn() };
    live.drop();
    const nonsense = checkActions(turn.actions, state);
    if (nonsense !== undefined) throw new Error(nonsense);
    this.#commit(id, applyTurn(state, turn, this.#ports));
  }

  async #batch(id: string, portion: number): Promise<void> {
    const { state, queue } = this.citizen(id);
    const { system, batch } = triageEntity(state, queue, this.#now, 4);
    if (system !== undefined) return this.#commit(id, applyEntitySystem(state, system, this.#now, this.#ports));
    const entity = this.#options.entities?.find(({ name }) => id.startsWith(`@${name}@`));
    if (entity === undefined) throw new Error(`there is no entity for ${id}`);
    const served = batch.slice(0, Math.max(1, Math.floor(batch.length * portion)));
    const operations = served.map(({ message }) => message);
    const result = await runEntityBatch(entity, state.row.entityState, operations, MAX_PAYLOAD);
    const nonsense = checkEntityResult(batch.length, result);
    if (nonsense !== undefined) throw new Error(nonsense);
    this.#commit(id, applyEntityBatch(state, batch, result, this.#now, this.#ports));
  }

  #activity(job: Job): void {
    const { instanceId, executionId, activity } = job;
    this.#jobs = this.#jobs.filter((each) => each !== job);
    const base = { eventId: -1, timestamp: this.#now, taskScheduledId: activity.actionId };
    let message: Message;
    try {
      message = { kind: "TaskCompleted", ...base, result: this.#options.activity?.(activity.name, activity.input) ?? "null" };
    } catch (error) {
      message = { kind: "TaskFailed", ...base, failure: { type: "Error", message: String(error) } };
    }
    this.#deliver(instanceId, message, executionId);
  }

  #commit(id: string, committing: Committing): void {
    this.#outstanding.set(id, committing);
  }

  #land(id: string): void {
    const committing = this.#outstanding.get(id);
    if (committing === undefined) throw new Error(`nothing of ${id} is outstanding`);
    this.#outstanding.delete(id);
    const { state, turn, sends } = committing;
    const citizen = this.citizen(id);
    const { executionId } = citizen.state.row;
    if (turn.historyLength !== citizen.history.length) throw new Error(`a turn of ${id} was computed on another history`);
    const consumed = new Set(turn.consumed);
    citizen.queue = citizen.queue.filter(({ source }) => source.kind !== "inbox" || !consumed.has(source.key));
    citizen.history = turn.next?.history ?? [...citizen.history, ...turn.append];
    citizen.state = state;
    if (state.row.historyLength !== citizen.history.length) throw new Error(`${id} has lost count of its history`);
    const removed = new Set(turn.removeActivities);
    this.#jobs = this.#jobs.filter(
      (job) => job.instanceId !== id || job.executionId !== executionId || !removed.has(job.activity.actionId),
    );
    if (turn.next !== undefined) this.#begin(id, citizen, turn.next);
    for (const activity of turn.addActivities) {
      if (
        !this.#jobs.some((job) => job.instanceId === id && job.activity.actionId === activity.actionId && job.executionId === executionId)
      ) {
        this.#jobs.push({ instanceId: id, executionId, activity });
      }
    }
    for (const timer of turn.addTimers) this.#timers.push({ kind: "timer", id, executionId, ...timer });
    if (turn.ended !== undefined) {
      citizen.queue = [];
      this.#timers = this.#timers.filter((timer) => timer.id !== id);
    }
    for (const part of sends) this.#carryOut(part);
  }

  #begin(id: string, citizen: Citizen, next: NonNullable<TurnPart["next"]>): void {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
    citizen.queue.unshift(...next.inbox.map((message) => this.#waiting(message)));
  }

  #carryOut(part: Part): void {
    switch (part.kind) {
      case "start": {
        const id = part.key.instanceId;
        const holder = this.citizens.get(id);
        if (holder !== undefined && !isTerminal(holder.state.row.status)) {
          const parent = part.started.parent;
          if (parent !== undefined && part.child !== undefined) this.#deliver(parent.instanceId, part.child.ifTaken, parent.executionId);
          return;
        }
        const { started, child } = part;
        const { parent, name, executionId, input } = started;
        const more = { ...(parent !== undefined && { parent }), ...(input !== undefined && { input }) };
        this.#born(id, { name, executionId, status: "Pending", ...more }, child?.parentRef);
        return this.#put(id, started);
      }
      case "deliver":
        return this.#deliver(part.to.instanceId, part.message, part.executionId);
      case "deliverToEntity": {
        const id = part.to.instanceId;
        if (!this.citizens.has(id)) this.#born(id, { name: part.name, executionId: part.executionId, status: "Running" }, undefined);
        return this.#put(id, part.message);
      }
      case "rewind":
        return this.#rewind(part);
      case "deliverToChildren":
        for (const [id, { parentRef, state }] of this.citizens) {
          if (parentRef === part.parentRef && !isTerminal(state.row.status)) this.#put(id, part.message);
        }
        return;
      default:
        throw new Error(`a ${part.kind} is nothing that a turn sends`);
    }
  }

  /** As the store does it. */
  #rewind({ to, message, child }: Extract<Part, { kind: "rewind" }>): void {
    const target = this.citizens.get(to.instanceId);
    if (target !== undefined && target.parentRef === child?.parentRef) {
      if (isTerminal(target.state.row.status)) this.#put(to.instanceId, message);
      return;
    }
    const parent = [...this.citizens].find(([, { state }]) => state.row.ref === child?.parentRef);
    if (parent !== undefined && child !== undefined) this.#deliver(parent[0], child.ifGone, child.parentExecutionId);
  }

  #deliver(id: string, message: Message, executionId?: ExecutionId): void {
    const target = this.citizens.get(id);
    if (target === undefined || isTerminal(target.state.row.status)) return;
    if (executionId === undefined || executionId === target.state.row.executionId) this.#put(id, message, executionId);
  }

  #put(id: string, message: Message, executionId?: ExecutionId): void {
    this.citizens.get(id)?.queue.push(this.#waiting(message, executionId));
  }

  #waiting(message: Message, executionId?: ExecutionId): Waiting {
    this.#numbers += 1;
    return { message, source: { kind: "inbox", key: this.#numbers }, ...(executionId !== undefined && { executionId }) };
  }

  #born(id: string, born: Pick<InstanceRow, "name" | "executionId" | "status" | "parent">, parentRef: number | undefined): void {
    this.#numbers += 1;
    const times = { createdAt: this.#now, updatedAt: this.#now };
    const counts = { historyLength: 0, historyBytes: 0, turnAttempt: 0 };
    const row: InstanceRow = { hub: HUB, instanceId: asInstanceId(id), ref: this.#numbers, ...born, ...times, ...counts };
    this.citizens.set(id, { state: fold(row, []), history: [], queue: [], parentRef });
  }

  #mint(): ExecutionId {
    this.#numbers += 1;
    return asExecutionId(`e${this.#numbers}`);
  }

  readonly #ports: TurnPorts = { mintExecutionId: () => this.#mint(), reserve: () => true, maxInboxMessages: 10_000 };
}
