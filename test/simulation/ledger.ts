// What the store must hold: every batch that was carried out, folded a second time by rules of its own. The checks compare
// the engine with this, and the store with this after each opening.

import { type EntityLock, isEntityId } from "../../src/model/entity.ts";
import type { HistoryEvent, Message } from "../../src/model/events.ts";
import { DEFAULT_HUB, type ExecutionId } from "../../src/model/ids.ts";
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
  readonly hub: string;
  readonly instanceId: string;
  /** Of its orchestration, or entity. */
  readonly name: string;
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
  entityState: string | undefined;
  entityLock: EntityLock | undefined;
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

const nameIn = (hub: string, instanceId: string): string => JSON.stringify([hub, instanceId]);

export class Ledger {
  readonly instances = new Map<InstanceRef, LedgerInstance>();
  /** By hub and instance id. */
  readonly #refs = new Map<string, InstanceRef>();
  readonly past: Past[] = [];
  /** Gone or ended by a commit that the process has not been told of: until then it may go on with what it knew. */
  readonly leaving = new Set<InstanceRef>();
  /** Turns that the process has asked for and has not been told of. */
  readonly outstanding = new Map<InstanceRef, TurnPart>();
  /** Activities that a commit has settled of which the process has not been told. */
  readonly settling = new Set<string>();
  /** Every start and delivery ever accepted, by the tokens of the messages. */
  readonly accepted = new Set<string>();
  /** Keys by which a repeated delivery is recognised, and until when. */
  readonly once = new Map<string, number>();

  /** The process has been told of all that was committed. */
  told(): void {
    this.leaving.clear();
    this.settling.clear();
  }

  byId(instanceId: string, hub: string = DEFAULT_HUB): LedgerInstance | undefined {
    const ref = this.#refs.get(nameIn(hub, instanceId));
    return ref === undefined ? undefined : this.instances.get(ref);
  }

  /** Orchestrations that have not ended. */
  get living(): readonly LedgerInstance[] {
    return [...this.instances.values()].filter(({ status, instanceId }) => !isTerminal(status) && !isEntityId(instanceId));
  }

  get entities(): readonly LedgerInstance[] {
    return [...this.instances.values()].filter(({ instanceId }) => isEntityId(instanceId));
  }

  /** An entity that has anything to do, or is held. */
  get busyEntities(): readonly LedgerInstance[] {
    return this.entities.filter(({ inbox, entityLock, stalled }) => inbox.size > 0 || entityLock !== undefined || stalled !== undefined);
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
        const name = activityName(executionId, actionId);
        this.instances.get(ref)?.activities.delete(name);
        this.settling.add(`${ref} ${name}`);
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
      case "row": {
        const instance = this.instances.get(part.ref);
        if (instance === undefined) return;
        if (part.row.status !== undefined) instance.status = part.row.status;
        if ("stalled" in part.row) instance.stalled = part.row.stalled;
        return;
      }
      case "purge":
      case "removeEntity":
        if (answer?.kind === "purged") this.#remove(part.key);
        return;
      case "clearHub":
        for (const instance of this.#among(answer)) this.#remove(instance);
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
    this.#remove(key);
    const timers = new Map(started.scheduledStartAt === undefined ? [] : [[0, started.scheduledStartAt]]);
    const { executionId } = started;
    const { hub, instanceId } = key;
    this.#add({ ref, hub, instanceId, name: started.name, parentRef: child?.parentRef, executionId, status: "Pending", timers });
    this.#put(ref, inboxKey, { message: started });
  }

  #deliverToEntity({ to, name, executionId, message, dueAt }: DeliverToEntityPart, { ref, inboxKey }: Delivered): void {
    if (!this.instances.has(ref)) {
      this.#add({ ref, ...to, name, parentRef: undefined, executionId, status: "Running", timers: new Map() });
    }
    if (dueAt !== undefined) this.instances.get(ref)?.timers.set(inboxKey, dueAt);
    this.#put(ref, inboxKey, { message });
  }

  #among(answer: PartAnswer | undefined): readonly LedgerInstance[] {
    const refs = answer?.kind === "cleared" ? answer.refs : [];
    return refs.flatMap((ref) => this.instances.get(ref) ?? []);
  }

  #add(born: Pick<LedgerInstance, "ref" | "hub" | "instanceId" | "name" | "parentRef" | "executionId" | "status" | "timers">): void {
    const instance: LedgerInstance = {
      ...born,
      stalled: undefined,
      history: [],
      inbox: new Map(),
      activities: new Map(),
      customStatus: undefined,
      entityState: undefined,
      entityLock: undefined,
      lastTurnAt: 0,
      turnsPastTerminate: 0,
    };
    this.instances.set(born.ref, instance);
    this.#refs.set(nameIn(born.hub, born.instanceId), born.ref);
  }

  #remove({ hub, instanceId }: { readonly hub: string; readonly instanceId: string }): void {
    const instance = this.byId(instanceId, hub);
    if (instance === undefined) return;
    const { ref } = instance;
    this.past.push({ instanceId, history: instance.history, customStatus: instance.customStatus });
    this.instances.delete(ref);
    this.leaving.add(ref);
    this.#refs.delete(nameIn(hub, instanceId));
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
      // A rewind takes back the turns behind the cut, and their times.
      if (next.executionId === executionId) instance.lastTurnAt = lastTurnOf(next.history);
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
    if ("entityState" in row) instance.entityState = row.entityState;
    if ("entityLock" in row) instance.entityLock = row.entityLock;
    if (ended === undefined) return;
    this.leaving.add(part.ref);
    instance.status = ended.status;
    instance.timers.clear();
    instance.inbox.clear();
    if (!ended.dropQueued) return;
    for (const [name, { inFlight }] of instance.activities) if (!inFlight) instance.activities.delete(name);
  }
}

function lastTurnOf(history: readonly HistoryEvent[]): number {
  return history.findLast(({ kind }) => kind === "OrchestratorStarted")?.timestamp ?? 0;
}

/** How a client knows its own start or event again. */
export function tokenOf(instanceId: string, message: Message): string | undefined {
  if (message.kind === "ExecutionStarted") return `start ${instanceId} ${message.input}`;
  if (message.kind === "EventRaised") return `event ${instanceId} ${message.name} ${message.input}`;
  if (message.kind === "EntityOperationSignaled") return `signal ${instanceId} ${message.requestId}`;
  if (message.kind === "ExecutionRewound") return `rewind ${instanceId}`;
  return message.kind === "ExecutionTerminated" ? `terminate ${instanceId}` : undefined;
}
