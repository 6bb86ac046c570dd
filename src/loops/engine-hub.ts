// The calls of one hub over the loop: what is asked for is checked, becomes a part, and is answered by its commit (E3).

import { isEntityId } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import type { HistoryEvent, Message } from "../model/events.ts";
import { asHubName, asInstanceId, type HubName, type InstanceId, type InstanceKey } from "../model/ids.ts";
import type { InstanceRef, InstanceRow, Once, Part, PartAnswer } from "../model/parts.ts";
import type { Payload } from "../model/payload.ts";
import { present } from "../model/present.ts";
import { isTerminal } from "../model/status.ts";
import type { InstancePage, Store } from "../store/store.ts";
import { checkInstanceId, checkName, checkPayload } from "./call-limits.ts";
import type { Calls } from "./calls.ts";
import type { Deliveries } from "./deliveries.ts";
import { EntityCalls } from "./entity-calls.ts";
import type { EngineEnvironment, EngineLimits } from "./environment.ts";
import type { Hub, StartRequest } from "./hub.ts";
import { type PurgePorts, purgeInstance, purgeInstances } from "./purge.ts";
import { streamHistory } from "./read-history.ts";
import { startPart } from "./start-part.ts";
import type { Waiters, WaitFor } from "./waiters.ts";

/** For how long a repeated call is recognised by its key. */
const ONCE_MS = 10 * 60_000;
/** A node that is just going does not hold up the call. */
const REWOUND_WITHIN_MS = 5_000;
/** Instances that one commit removes when a hub is cleared. */
const CLEARED_AT_ONCE = 200;

export interface HubPorts {
  readonly store: Store;
  readonly environment: Pick<EngineEnvironment, "clock" | "ids">;
  readonly limits: EngineLimits;
  readonly calls: Calls;
  readonly waiters: Waiters;
  readonly deliveries: Deliveries;
  /** It is looked at again, with what waits for it. */
  readonly revive: (ref: InstanceRef) => void;
}

export class EngineHub implements Hub {
  readonly name: HubName;
  readonly #ports: HubPorts;
  readonly #entities: EntityCalls;

  constructor(name: string, ports: HubPorts) {
    this.name = asHubName(checkName(name, "The hub's name", ports.limits));
    this.#ports = ports;
    const ask = (part: Part): Promise<PartAnswer> => this.#ask(part);
    this.#entities = new EntityCalls({ ...ports, hub: this.name, ask, onceUntil: () => ports.environment.clock.now() + ONCE_MS });
  }

  async start(request: StartRequest): Promise<InstanceId> {
    const { environment, limits } = this.#ports;
    const key = this.#key(request.instanceId ?? environment.ids.uuid());
    checkName(request.name, "The orchestration's name", limits);
    checkName(request.version, "The orchestration's version", limits);
    checkName(request.executionId, "The execution id", limits);
    checkPayload(request.input, "The input", limits);
    const part = startPart(key, request, environment);
    const answer = part.replaceable.every(isTerminal) ? await this.#ask(part) : await this.#ports.calls.replace(part);
    if (answer.kind !== "taken") return key.instanceId;
    const message = `Instance ${JSON.stringify(key.instanceId)} is there and ${answer.status}. Choose another id, or wait for its end.`;
    throw new SignalboxError("ALREADY_EXISTS", message);
  }

  async get(instanceId: string, withPayloads: boolean): Promise<InstanceRow | undefined> {
    this.#ports.calls.checkOpen();
    return isEntityId(instanceId) ? undefined : await this.#ports.store.instance(this.#key(instanceId), withPayloads);
  }

  async waitFor(instanceId: string, until: WaitFor, signal: AbortSignal | undefined): Promise<InstanceRow> {
    this.#ports.calls.checkOpen();
    return await this.#ports.waiters.wait(this.#key(instanceId), until, () => this.get(instanceId, true), signal);
  }

  async raiseEvent(instanceId: string, name: string, input: Payload | undefined, idempotencyKey?: string): Promise<void> {
    const { limits, environment } = this.#ports;
    checkName(name, "The event's name", limits);
    checkName(idempotencyKey, "The idempotency key", limits);
    checkPayload(input, `The data of event ${JSON.stringify(name)}`, limits);
    const message = { kind: "EventRaised", ...this.#stamp(), name, ...present({ input }) } as const;
    // Keys of events and of signals are two worlds.
    const once = idempotencyKey === undefined ? undefined : { key: `event ${idempotencyKey}`, until: environment.clock.now() + ONCE_MS };
    await this.#deliver(instanceId, message, "raise an event for", { limit: limits.maxInboxMessages, once });
  }

  async suspend(instanceId: string, reason: string | undefined): Promise<void> {
    checkPayload(reason, "The reason", this.#ports.limits);
    await this.#deliver(instanceId, { kind: "ExecutionSuspended", ...this.#stamp(), ...present({ reason }) }, "suspend");
  }

  async resume(instanceId: string, reason: string | undefined): Promise<void> {
    checkPayload(reason, "The reason", this.#ports.limits);
    if (isEntityId(instanceId)) return await this.#entities.resume(instanceId);
    await this.#deliver(instanceId, { kind: "ExecutionResumed", ...this.#stamp(), ...present({ reason }) }, "resume");
  }

  async terminate(instanceId: string, output: Payload | undefined, recurse: boolean): Promise<void> {
    checkPayload(output, "The output", this.#ports.limits);
    const message = { kind: "ExecutionTerminated", ...this.#stamp(), recurse, ...present({ input: output }) } as const;
    await this.#deliver(instanceId, message, undefined);
  }

  async skipGracefulTerminations(instanceIds: readonly string[], reason: string | undefined): Promise<readonly string[]> {
    checkPayload(reason, "The reason", this.#ports.limits);
    const keys = instanceIds.map((instanceId) => this.#key(instanceId));
    const message = { kind: "ExecutionTerminated", ...this.#stamp(), recurse: false, ...present({ input: reason }) } as const;
    const answers = await Promise.all(keys.map((to) => this.#ask({ kind: "deliver", to, message })));
    return instanceIds.filter((_, index) => answers[index]?.kind !== "delivered");
  }

  async rewind(instanceId: string, reason: string | undefined): Promise<void> {
    checkPayload(reason, "The reason", this.#ports.limits);
    const before = await this.get(instanceId, false);
    const message = { kind: "ExecutionRewound", ...this.#stamp(), ...present({ reason }) } as const;
    const answer = await this.#ask({ kind: "rewind", to: this.#key(instanceId), message });
    if (answer.kind !== "notRewound") return await this.#untilRewound(instanceId, before?.updatedAt);
    if (answer.why === "absent") throw notFound(instanceId);
    const refused = `Cannot rewind instance ${JSON.stringify(instanceId)}: only one that has failed goes back to before its failure.`;
    throw new SignalboxError("FAILED_PRECONDITION", refused);
  }

  /** Whoever waits for its end from now on, or raises an event for it, shall not meet the end that was taken back. */
  async #untilRewound(instanceId: string, failedAt: number | undefined): Promise<void> {
    const late = new AbortController();
    const cancel = this.#ports.environment.clock.setTimer(REWOUND_WITHIN_MS, () => late.abort());
    const isRewound = ({ status, updatedAt }: InstanceRow): boolean => status !== "Failed" || updatedAt !== failedAt;
    // Its message is committed: what keeps its turn from being seen here does not take that back.
    await this.waitFor(instanceId, isRewound, late.signal).catch(() => undefined);
    cancel();
  }

  async restart(instanceId: string, withNewId: boolean): Promise<InstanceId> {
    const row = await this.get(instanceId, true);
    if (row === undefined) throw notFound(instanceId);
    const active = `Cannot restart instance ${JSON.stringify(instanceId)}: it is active. Terminate it first, or wait for its end.`;
    if (!isTerminal(row.status)) throw new SignalboxError("FAILED_PRECONDITION", active);
    const { name, version, input, tags, traceContext } = row;
    const again = { ...(!withNewId && { instanceId }), name, ...present({ version, input, tags, traceContext }) };
    try {
      return await this.start(again);
    } catch (error) {
      const isTaken = error instanceof SignalboxError && error.code === "ALREADY_EXISTS";
      throw isTaken ? new SignalboxError("FAILED_PRECONDITION", active, { cause: error }) : error;
    }
  }

  async purge(instanceId: string, recurse: boolean): Promise<number> {
    this.#ports.calls.checkOpen();
    return await purgeInstance(this.#purging, this.#key(instanceId).instanceId, recurse);
  }

  async purgeAll(...[target, recurse, timeoutMs]: Parameters<Hub["purgeAll"]>): ReturnType<Hub["purgeAll"]> {
    this.#ports.calls.checkOpen();
    const { clock } = this.#ports.environment;
    const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + timeoutMs;
    return await purgeInstances(this.#purging, target, recurse, () => clock.monotonic() >= until);
  }

  async query(...[filter, page]: Parameters<Hub["query"]>): Promise<InstancePage> {
    this.#ports.calls.checkOpen();
    return await this.#ports.store.instances({ ...filter, hub: this.name, sort: "orchestrations" }, page);
  }

  async *history(instanceId: string, executionId?: string): AsyncGenerator<readonly HistoryEvent[]> {
    this.#ports.calls.checkOpen();
    if (isEntityId(instanceId)) throw notFound(instanceId);
    yield* streamHistory(this.#ports.store, this.#key(instanceId), executionId);
  }

  signalEntity(...parameters: Parameters<Hub["signalEntity"]>): Promise<void> {
    return this.#entities.signal(...parameters);
  }

  getEntity(...parameters: Parameters<Hub["getEntity"]>): ReturnType<Hub["getEntity"]> {
    return this.#entities.get(...parameters);
  }

  queryEntities(...parameters: Parameters<Hub["queryEntities"]>): ReturnType<Hub["queryEntities"]> {
    return this.#entities.query(...parameters);
  }

  cleanEntities(...parameters: Parameters<Hub["cleanEntities"]>): ReturnType<Hub["cleanEntities"]> {
    return this.#entities.clean(...parameters);
  }

  async clear(): Promise<void> {
    for (;;) {
      const answer = await this.#ask({ kind: "clearHub", hub: this.name, limit: CLEARED_AT_ONCE });
      if (answer.kind !== "cleared") return;
      this.#ports.waiters.lookAgain(answer.refs, (key) => this.#ports.store.instance(key, true));
      if (answer.isLast) return;
    }
  }

  get #purging(): PurgePorts {
    return { store: this.#ports.store, hub: this.name, ask: (part) => this.#ask(part) };
  }

  /** What a commit made of a call goes the way of what turns send. */
  #ask(part: Part): Promise<PartAnswer> {
    return this.#ports.calls.ask(part, (landed) => this.#ports.deliveries.sent(part, landed));
  }

  /** `what` is the call that an ended instance refuses; undefined: to end it again is no error. */
  async #deliver(
    instanceId: string,
    message: Message,
    what: string | undefined,
    { limit, once }: { readonly limit?: number; readonly once?: Once | undefined } = {},
  ): Promise<void> {
    const to = this.#key(instanceId);
    const answer = await this.#ask({ kind: "deliver", to, message, ...present({ limit, once }) });
    if (answer.kind !== "dropped") return;
    if (answer.why === "absent") throw notFound(instanceId);
    if (what === undefined) return;
    if (answer.why === "full") {
      const full = `Cannot ${what} instance ${JSON.stringify(instanceId)}: ${limit} messages wait for it already. Raise more when it has taken some; is it suspended or stalled?`;
      throw new SignalboxError("LIMIT_EXCEEDED", full);
    }
    throw new SignalboxError("FAILED_PRECONDITION", `Cannot ${what} instance ${JSON.stringify(instanceId)}: it has ended.`);
  }

  #key(instanceId: string): InstanceKey {
    return { hub: this.name, instanceId: checkInstanceId(instanceId, this.#ports.limits) };
  }

  #stamp(): { readonly eventId: -1; readonly timestamp: number } {
    return { eventId: -1, timestamp: this.#ports.environment.clock.now() };
  }
}

export function notFound(instanceId: string): SignalboxError {
  return new SignalboxError("NOT_FOUND", `There is no instance ${JSON.stringify(asInstanceId(instanceId))}.`);
}
