// What the store must hold: every batch that was carried out, folded a second time by rules of its own. The checks compare
// the engine with this, and the store with this after each opening.

import type { HistoryEvent, Message } from "../../src/model/events.ts";
import type { ExecutionId } from "../../src/model/ids.ts";
import type { InstanceRef } from "../../src/model/parts.ts";
import { isTerminal, type OrchestrationStatus } from "../../src/model/status.ts";
import type { Delivered, DeliverToEntityPart, Part, PartAnswer, StartPart, TurnPart } from "../../src/store/store.ts";

export interface LedgerMessage {
  readonly message: Message;
  readonly executionId?: ExecutionId;
}

export interface LedgerActivity {
  attempt: number;
  inFlight: boolean;
}

export interface LedgerInstance {
  readonly ref: InstanceRef;
  readonly instanceId: string;
  readonly parentRef: InstanceRef | undefined;
  executionId: ExecutionId;
  status: OrchestrationStatus;
  stalled: string | undefined;
  history: HistoryEvent[];
  readonly inbox: Map<number, LedgerMessage>;
  /** By execution and action. */
  readonly activities: Map<string, LedgerActivity>;
  readonly timers: Map<number, number>;
  customStatus: string | undefined;
  lastTurnAt: number;
  /** Turns that left a terminate in the inbox unheeded. */
  turnsPastTerminate: number;
}

/** An execution that has been replaced, or that of an instance that is gone. */
export interface Past {
  readonly instanceId: string;
  readonly history: readonly HistoryEvent[];
  readonly customStatus: string | undefined;
}

export const activityName = (executionId: string, actionId: number): string => `${actionId} ${executionId}`;

export class Ledger {
  readonly instances = new Map<InstanceRef, LedgerInstance>();
  readonly refs = new Map<string, InstanceRef>();
  readonly past: Past[] = [];
  /** Gone or ended by a commit that the process has not been told of: until then it may go on with what it knew. */
  readonly leaving = new Set<InstanceRef>();
  /** Every start and delivery ever accepted, by the tokens of the messages. */
  readonly accepted = new Set<string>();

  byId(instanceId: string): LedgerInstance | undefined {
    const ref = this.refs.get(instanceId);
    return ref === undefined ? undefined : this.instances.get(ref);
  }

  get living(): readonly LedgerInstance[] {
    return [...this.instances.values()].filter(({ status }) => !isTerminal(status));
  }

  childrenOf(parentRef: InstanceRef): readonly LedgerInstance[] {
    return this.living.filter((instance) => instance.parentRef === parentRef);
  }

  apply(part: Part, answer: PartAnswer | undefined): void {
    switch (part.kind) {
      case "start":
        if (answer?.kind === "started") this.#start(part, answer.ref, answer.inboxKey);
        else if (answer?.kind === "taken" && answer.notified !== undefined && part.child !== undefined) {
          const { ref, inboxKey, executionId } = answer.notified;
          this.#put(ref, inboxKey, { message: part.child.ifTaken, executionId });
        }
        return;
      case "deliver": {
        if (answer?.kind !== "delivered") return;
        const { message, executionId } = part;
        this.#put(answer.ref, answer.inboxKey, executionId === undefined ? { message } : { message, executionId });
        return;
      }
      case "rewind": {
        if (answer?.kind === "delivered") this.#put(answer.ref, answer.inboxKey, { message: part.message });
        if (answer?.kind !== "notRewound" || answer.notified === undefined || part.child === undefined) return;
        const { ref, inboxKey, executionId } = answer.notified;
        this.#put(ref, inboxKey, { message: part.child.ifGone, executionId });
        return;
      }
      case "deliverToEntity":
        if (answer?.kind === "delivered") this.#deliverToEntity(part, answer);
        return;
      case "deliverToChildren":
        if (answer?.kind !== "deliveredToChildren") return;
        for (const { ref, inboxKey } of answer.deliveries) this.#put(ref, inboxKey, { message: part.message });
        return;
      case "turn":
        return this.#turn(part, answer);
      case "settle": {
        const { ref, executionId, actionId } = part.activity;
        this.instances.get(ref)?.activities.delete(activityName(executionId, actionId));
        if (answer?.kind === "settled") this.#put(ref, answer.inboxKey, { message: part.message, executionId });
        return;
      }
      case "forgetActivity":
        this.instances.get(part.activity.ref)?.activities.delete(activityName(part.activity.executionId, part.activity.actionId));
        return;
      case "attempt": {
        const { ref, executionId, actionId } = part.activity;
        const activity = this.instances.get(ref)?.activities.get(activityName(executionId, actionId));
        if (activity !== undefined) Object.assign(activity, { attempt: part.attempt, inFlight: part.inFlight });
        return;
      }
      case "raiseAttempts":
        for (const { activities } of this.instances.values()) for (const each of activities.values()) if (each.inFlight) each.attempt += 1;
        return;
      case "release":
      case "takeOver":
        return;
      case "row": {
        const instance = this.instances.get(part.ref);
        if (instance === undefined) return;
        if (part.row.status !== undefined) instance.status = part.row.status;
        if ("stalled" in part.row) instance.stalled = part.row.stalled;
        return;
      }
      case "purge":
      case "removeEntity":
        if (answer?.kind === "purged") this.#remove(part.key.instanceId);
        return;
      case "clearHub":
        for (const { instanceId } of this.#among(answer)) this.#remove(instanceId);
        return;
      case "release":
      case "takeOver":
        // Who owns an instance changes nothing of what it is.
        return;
      default:
        part satisfies never;
    }
  }

  #start({ key, started, child }: StartPart, ref: InstanceRef, inboxKey: number): void {
    this.#remove(key.instanceId);
    const timers = new Map(started.scheduledStartAt === undefined ? [] : [[0, started.scheduledStartAt]]);
    const { executionId } = started;
    this.#add({ ref, instanceId: key.instanceId, parentRef: child?.parentRef, executionId, status: "Pending", timers });
    this.#put(ref, inboxKey, { message: started });
  }

  #deliverToEntity({ to, executionId, message, dueAt }: DeliverToEntityPart, { ref, inboxKey }: Delivered): void {
    if (!this.instances.has(ref)) {
      this.#add({ ref, instanceId: to.instanceId, parentRef: undefined, executionId, status: "Running", timers: new Map() });
    }
    if (dueAt !== undefined) this.instances.get(ref)?.timers.set(inboxKey, dueAt);
    this.#put(ref, inboxKey, { message });
  }

  #among(answer: PartAnswer | undefined): readonly LedgerInstance[] {
    const refs = answer?.kind === "cleared" ? answer.refs : [];
    return refs.flatMap((ref) => this.instances.get(ref) ?? []);
  }

  #add(born: Pick<LedgerInstance, "ref" | "instanceId" | "parentRef" | "executionId" | "status" | "timers">): void {
    const instance: LedgerInstance = {
      ...born,
      stalled: undefined,
      history: [],
      inbox: new Map(),
      activities: new Map(),
      customStatus: undefined,
      lastTurnAt: 0,
      turnsPastTerminate: 0,
    };
    this.instances.set(born.ref, instance);
    this.refs.set(born.instanceId, born.ref);
  }

  #remove(instanceId: string): void {
    const ref = this.refs.get(instanceId);
    const instance = ref === undefined ? undefined : this.instances.get(ref);
    if (ref === undefined || instance === undefined) return;
    this.past.push({ instanceId, history: instance.history, customStatus: instance.customStatus });
    this.instances.delete(ref);
    this.leaving.add(ref);
    this.refs.delete(instanceId);
  }

  #put(ref: InstanceRef, key: number, message: LedgerMessage): void {
    const instance = this.instances.get(ref);
    instance?.inbox.set(key, message);
    const token = instance === undefined ? undefined : tokenOf(instance.instanceId, message.message);
    if (token !== undefined) this.accepted.add(token);
  }

  #turn(part: TurnPart, answer: PartAnswer | undefined): void {
    const instance = this.instances.get(part.ref);
    if (instance === undefined) return;
    const { executionId, row, next, ended } = part;
    for (const key of part.consumed) instance.inbox.delete(key);
    for (const actionId of part.removeActivities) instance.activities.delete(activityName(executionId, actionId));
    for (const timerId of part.removeTimers) instance.timers.delete(timerId);
    instance.history = [...instance.history, ...part.append];
    for (const { actionId, inFlight } of part.addActivities) {
      instance.activities.set(activityName(executionId, actionId), { attempt: 1, inFlight });
    }
    for (const event of part.append) if (event.kind === "OrchestratorStarted") instance.lastTurnAt = event.timestamp;
    if (next !== undefined) {
      this.past.push({ instanceId: instance.instanceId, history: instance.history, customStatus: instance.customStatus });
      instance.executionId = next.executionId;
      instance.history = [...next.history];
      instance.timers.clear();
      const late = [...instance.inbox];
      instance.inbox.clear();
      const keys = answer?.kind === "turned" ? answer.inboxKeys : [];
      for (const [index, message] of next.inbox.entries()) this.#put(part.ref, keys[index] ?? Number.NaN, { message });
      for (const [key, message] of late) instance.inbox.set(key, message);
    }
    for (const { timerId, fireAt } of part.addTimers) instance.timers.set(timerId, fireAt);
    if (row.status !== undefined) instance.status = row.status;
    if ("stalled" in row) instance.stalled = row.stalled;
    if ("customStatus" in row) instance.customStatus = row.customStatus;
    if (ended === undefined) return;
    this.leaving.add(part.ref);
    instance.status = ended.status;
    instance.timers.clear();
    instance.inbox.clear();
    if (!ended.dropQueued) return;
    for (const [name, { inFlight }] of instance.activities) if (!inFlight) instance.activities.delete(name);
  }
}

/** How a client knows its own start or event again. */
export function tokenOf(instanceId: string, message: Message): string | undefined {
  if (message.kind === "ExecutionStarted") return `start ${instanceId} ${message.input}`;
  if (message.kind === "EventRaised") return `event ${instanceId} ${message.name} ${message.input}`;
  return message.kind === "ExecutionTerminated" ? `terminate ${instanceId}` : undefined;
}
