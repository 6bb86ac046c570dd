// The ctx that an orchestrator gets. It turns calls into actions of its live orchestration; once detached it does nothing
// and refers to nothing, so that a forgotten function cannot keep the engine's memory alive.

import { retryDelay } from "../engine/retry-delay.ts";
import type { ScheduleTask } from "../model/actions.ts";
import { isSignalboxError } from "../model/errors.ts";
import type { ExecutionStarted, ParentInfo, Tags } from "../model/events.ts";
import type { Failure } from "../model/failure.ts";
import { asInstanceId, type ExecutionId, type InstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import type {
  Activity,
  CallOptions,
  ChildOptions,
  CriticalSection,
  OrchestrationContext,
  Orchestrator,
  SignalOptions,
  Timer,
  Value,
} from "./context.ts";
import { EntityCalls } from "./entity-calls.ts";
import type { EntityId } from "./entity-id.ts";
import { ActivityError, ChildError } from "./errors.ts";
import { guidOf } from "./guid.ts";
import { callInAttempts } from "./retried-activity.ts";
import type { Call, TurnFace } from "./turn-face.ts";
import { encodeValue } from "./values.ts";

/** Thrown by continueAsNew so that nothing after it runs; whoever catches it finds a ctx that does nothing. */
class ContinuedAsNew extends Error {}

const NO_TAGS: Tags = {};

export class LiveContext implements OrchestrationContext {
  readonly version?: string;
  readonly parent?: ParentInfo;
  #live: TurnFace | undefined;
  readonly #started: ExecutionStarted;
  readonly #patches = new Map<string, boolean>();
  readonly #entities: EntityCalls;
  #guids = 0;

  constructor(live: TurnFace, started: ExecutionStarted) {
    this.#live = live;
    this.#started = started;
    if (started.version !== undefined) this.version = started.version;
    if (started.parent !== undefined) this.parent = started.parent;
    const { instanceId, executionId } = started;
    const enter = (call: string) => this.#enter(call);
    const encode = (face: TurnFace, value: unknown, what: string) => this.#encode(face, value, what);
    this.#entities = new EntityCalls({ instanceId, executionId, enter, encode });
  }

  detach(): void {
    this.#live = undefined;
  }

  get instanceId(): InstanceId {
    return this.#started.instanceId;
  }
  get executionId(): ExecutionId {
    return this.#started.executionId;
  }
  get name(): string {
    return this.#started.name;
  }
  get tags(): Tags {
    return this.#started.tags ?? NO_TAGS;
  }
  get isReplaying(): boolean {
    return this.#live?.isReplaying ?? true;
  }

  now(): number {
    return this.#live?.now ?? this.#started.timestamp;
  }

  newGuid(): string {
    this.#guids += 1;
    return guidOf(`${this.#guids} ${this.#started.executionId}`);
  }

  callActivity<Input, Output>(activity: Activity<Input, Output>, input: Input, options?: CallOptions): Promise<Output>;
  callActivity(name: string, input?: Value, options?: CallOptions): Promise<Value>;
  callActivity(activity: Activity<never, unknown> | string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
    const name = typeof activity === "string" ? activity : activity.name;
    return this.#call("callActivity", (live, resolve, reject) => {
      const payload = this.#encode(live, input, `The input of activity ${JSON.stringify(name)}`);
      const { tags, ...timing } = options;
      const task: ScheduleTask = {
        kind: "ScheduleTask",
        id: live.nextActionId(),
        name,
        ...(payload !== undefined && { input: payload }),
        ...(tags !== undefined && { tags }),
        ...(Object.keys(timing).length > 0 && { options: timing }),
      };
      const call: Call = { resolve, reject: (failure) => reject(new ActivityError(name, failure)) };
      if (live.attemptsActivities && task.options !== undefined) return callInAttempts(live, task, call);
      live.ask(task);
      live.expect(task.id, call);
    });
  }

  callSubOrchestration<Input, Output>(orchestrator: Orchestrator<Input, Output>, input: Input, options?: ChildOptions): Promise<Output>;
  callSubOrchestration(name: string, input?: Value, options?: ChildOptions): Promise<Value>;
  callSubOrchestration(orchestrator: Orchestrator<never, unknown> | string, input?: unknown, options: ChildOptions = {}): Promise<unknown> {
    const name = typeof orchestrator === "string" ? orchestrator : orchestrator.name;
    const version = options.version ?? (typeof orchestrator === "string" ? undefined : orchestrator.version);
    return this.#call("callSubOrchestration", (live, resolve, reject) => {
      const payload = this.#encode(live, input, `The input of child orchestration ${JSON.stringify(name)}`);
      let childId: InstanceId | undefined = options.instanceId === undefined ? undefined : asInstanceId(options.instanceId);
      const attempt = (count: number): void => {
        const id = live.nextActionId();
        // A retry takes the same id: the ended child is replaced.
        childId ??= asInstanceId(`${this.#started.executionId}:${id}`);
        const instanceId = childId;
        live.ask({
          kind: "CreateSubOrchestration",
          id,
          instanceId,
          name,
          ...(version !== undefined && { version }),
          ...(payload !== undefined && { input: payload }),
          ...(options.tags !== undefined && { tags: options.tags }),
        });
        const fail = (failure: Failure): void => {
          const delay = retryDelay(options.retry, count, failure);
          if (delay === undefined) reject(new ChildError(name, instanceId, failure));
          else this.#after(live, delay, () => attempt(count + 1));
        };
        live.expect(id, { resolve, reject: fail });
      };
      attempt(1);
    });
  }

  createTimer(due: number | Date): Timer {
    const live = this.#enter("createTimer");
    if (live === undefined) return new LiveTimer(new Promise(() => {}), () => {});
    const fireAt = typeof due === "number" ? live.now + due : due.getTime();
    if (!Number.isFinite(fireAt)) throw new RangeError(`ctx.createTimer: ${String(due)} is no moment; give milliseconds or a valid Date`);
    const id = live.nextActionId();
    live.ask({ kind: "CreateTimer", id, fireAt });
    const fired = new Promise<void>((resolve, reject) => live.expect(id, { resolve: () => resolve(), reject }));
    return new LiveTimer(fired, () => this.#live?.forget(id));
  }

  waitForEvent(name: string): Promise<Value> {
    return this.#call("waitForEvent", (live, resolve, reject) => live.awaitEvent(name, { resolve, reject })) as Promise<Value>;
  }

  sendEvent(instanceId: string, name: string, data?: Value): void {
    const live = this.#enter("sendEvent");
    if (live === undefined) return;
    const input = this.#encode(live, data, `The data of event ${JSON.stringify(name)}`);
    live.ask({
      kind: "SendEvent",
      id: live.nextActionId(),
      instanceId: asInstanceId(instanceId),
      name,
      ...(input !== undefined && { input }),
    });
  }

  terminate(instanceId: string, options: { readonly reason?: Value; readonly recurse?: boolean } = {}): void {
    const live = this.#enter("terminate");
    if (live === undefined) return;
    const reason = this.#encode(live, options.reason, "The reason of a termination");
    live.ask({
      kind: "TerminateOrchestration",
      id: live.nextActionId(),
      instanceId: asInstanceId(instanceId),
      recurse: options.recurse ?? true,
      ...(reason !== undefined && { reason }),
    });
  }

  signalEntity(entity: EntityId, operation: string, input?: Value, options: SignalOptions = {}): void {
    this.#entities.signal(entity, operation, input, options);
  }

  callEntity(entity: EntityId, operation: string, input?: Value): Promise<Value> {
    return this.#entities.call(entity, operation, input);
  }

  lockEntities(...entities: readonly EntityId[]): Promise<CriticalSection> {
    return this.#entities.lock(entities);
  }

  get isInCriticalSection(): boolean {
    return this.#entities.isInCriticalSection;
  }

  setCustomStatus(status: Value): void {
    const live = this.#enter("setCustomStatus");
    if (live !== undefined) live.setCustomStatus(this.#encode(live, status, "The custom status"));
  }

  continueAsNew(input: Value, options: { readonly keepEvents?: boolean; readonly version?: string } = {}): never {
    const live = this.#enter("continueAsNew");
    if (live !== undefined) {
      const payload = this.#encode(live, input, "The input of the next execution");
      if (live.problem === undefined) live.continueAsNew(payload, options.version, options.keepEvents ?? true);
    }
    throw new ContinuedAsNew("continued as new");
  }

  patched(id: string): boolean {
    const known = this.#patches.get(id);
    if (known !== undefined) return known;
    const live = this.#enter("patched");
    if (live === undefined) return false;
    const data: Payload = JSON.stringify({ patch: id });
    const on = live.isPatched(data);
    this.#patches.set(id, on);
    if (on) live.ask({ kind: "RecordMarker", id: live.nextActionId(), data });
    return on;
  }

  #enter(call: string): TurnFace | undefined {
    const live = this.#live;
    return live?.enter(call) ? live : undefined;
  }

  /** A call that waits; one that is inert waits for ever. */
  #call(name: string, make: (live: TurnFace, resolve: (value: Value) => void, reject: (error: unknown) => void) => void): Promise<unknown> {
    const live = this.#enter(name);
    return new Promise((resolve, reject) => {
      if (live !== undefined) make(live, resolve, reject);
    });
  }

  #after(live: TurnFace, delayMs: number, next: () => void): void {
    if (delayMs === 0) return next();
    const id = live.nextActionId();
    live.ask({ kind: "CreateTimer", id, fireAt: live.now + delayMs });
    live.expect(id, { resolve: next, reject: () => {} });
  }

  /** A payload over the limit stalls (E13): to fail instead would decide for good what another limit could let through. */
  #encode(live: TurnFace, value: unknown, what: string): Payload | undefined {
    try {
      return encodeValue(value, what, live.maxPayloadLength);
    } catch (error) {
      if (!isSignalboxError(error, "LIMIT_EXCEEDED")) throw error;
      live.stall(error.message);
      return undefined;
    }
  }
}

class LiveTimer implements Timer {
  readonly #fired: Promise<void>;
  readonly #cancel: () => void;
  constructor(fired: Promise<void>, cancel: () => void) {
    this.#fired = fired;
    this.#cancel = cancel;
  }
  get then(): PromiseLike<void>["then"] {
    return this.#fired.then.bind(this.#fired);
  }
  cancel(): void {
    this.#cancel();
  }
}
