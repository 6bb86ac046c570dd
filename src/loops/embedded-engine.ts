// The calls of an engine: each becomes a part in the loop's mailbox, and is answered by the commit that carried it (E3).

import { present } from "../engine/present.ts";
import { SignalboxError } from "../model/errors.ts";
import type { HistoryEvent, Message } from "../model/events.ts";
import { asHubName, asInstanceId, DEFAULT_HUB, type HubName, type InstanceId, type InstanceKey } from "../model/ids.ts";
import type { DeliverPart, InstanceRow, Part, PartAnswer } from "../model/parts.ts";
import type { Orchestrator, Value } from "../runtime/context.ts";
import { encodeValue } from "../runtime/values.ts";
import type { InstanceFilter, Store } from "../store/store.ts";
import { Definitions } from "./definitions.ts";
import type { Engine, EngineOptions, InstanceState, StartOptions } from "./engine.ts";
import { DEFAULT_LIMITS, type EngineEnvironment, type EngineLimits } from "./environment.ts";
import { InProcessExecutor } from "./in-process-executor.ts";
import { InstanceLoop } from "./instance-loop.ts";
import { instanceState } from "./instance-state.ts";
import { purgeInstances } from "./purge.ts";
import { readHistory } from "./read-history.ts";
import { startPart } from "./start-part.ts";
import { Waiters, type WaitFor } from "./waiters.ts";

const DEFAULT_DRAIN_MS = 5_000;
const DEFAULT_PAGE = 100;

/** An engine whose ticks are driven by hand. */
export interface DrivenEngine extends Engine {
  readonly loop: InstanceLoop;
}

export class EmbeddedEngine implements DrivenEngine {
  readonly loop: InstanceLoop;
  readonly stopped: Promise<SignalboxError | undefined>;
  readonly #store: Store;
  readonly #hub: HubName;
  readonly #environment: EngineEnvironment;
  readonly #limits: EngineLimits;
  readonly #waiters = new Waiters();
  #over: SignalboxError | undefined;
  #isClosing = false;

  constructor(options: EngineOptions & { readonly environment: EngineEnvironment; readonly wake: () => void }) {
    const { store, environment, onCommitted } = options;
    this.#store = store;
    this.#hub = options.hub === undefined ? DEFAULT_HUB : asHubName(options.hub);
    this.#environment = environment;
    this.#limits = { ...DEFAULT_LIMITS, ...environment.limits };
    const { promise, resolve } = Promise.withResolvers<SignalboxError | undefined>();
    this.stopped = promise;
    this.loop = new InstanceLoop({
      store,
      definitions: new Definitions(options.orchestrators),
      environment,
      executor: environment.executor ?? new InProcessExecutor(options.activities, this.#limits.maxPayloadLength),
      limits: this.#limits,
      wake: options.wake,
      observer: {
        turned: (row) => {
          if (row.hub === this.#hub) this.#waiters.told(row);
        },
        committed: (events) => {
          try {
            onCommitted?.(events);
          } catch (error) {
            environment.defect(error);
          }
        },
        ended: (error) => {
          this.#over = error ?? new SignalboxError("SHUT_DOWN", "The engine has shut down.");
          this.#waiters.rejectAll(this.#over);
          resolve(error);
        },
      },
    });
  }

  async start<Input>(orchestrator: Orchestrator<Input, unknown> | string, input: Input, options: StartOptions = {}): Promise<InstanceId> {
    const instanceId = asInstanceId(options.instanceId ?? this.#environment.ids.uuid());
    const part = startPart(this.#key(instanceId), orchestrator, this.#encode(input, "The input"), options, this.#environment);
    const answer = await this.#ask(part, (landed) => {
      if (landed.kind === "started") this.loop.deliveries.started(part, landed);
    });
    if (answer.kind !== "taken") return instanceId;
    const message = `Instance ${JSON.stringify(instanceId)} is there and ${answer.status}. Choose another id, or wait for its end.`;
    throw new SignalboxError("ALREADY_EXISTS", message);
  }

  async get(instanceId: string): Promise<InstanceState | undefined> {
    const row = await this.#row(instanceId);
    return row === undefined ? undefined : instanceState(row);
  }

  waitForCompletion(instanceId: string, options: { readonly signal?: AbortSignal } = {}): Promise<InstanceState> {
    return this.#wait(instanceId, "end", options.signal);
  }

  waitForStart(instanceId: string, options: { readonly signal?: AbortSignal } = {}): Promise<InstanceState> {
    return this.#wait(instanceId, "start", options.signal);
  }

  async raiseEvent(instanceId: string, name: string, data?: Value): Promise<void> {
    const input = this.#encode(data, `The data of event ${JSON.stringify(name)}`);
    const message = { kind: "EventRaised", ...this.#stamp(), name, ...present({ input }) } as const;
    await this.#deliver(instanceId, message, "raise an event for", this.#limits.maxInboxMessages);
  }

  async suspend(instanceId: string, reason?: string): Promise<void> {
    await this.#deliver(instanceId, { kind: "ExecutionSuspended", ...this.#stamp(), ...present({ reason }) }, "suspend");
  }

  async resume(instanceId: string, reason?: string): Promise<void> {
    await this.#deliver(instanceId, { kind: "ExecutionResumed", ...this.#stamp(), ...present({ reason }) }, "resume");
  }

  async terminate(instanceId: string, options: { readonly output?: Value; readonly recurse?: boolean } = {}): Promise<void> {
    const input = this.#encode(options.output, "The output");
    const message = { kind: "ExecutionTerminated", ...this.#stamp(), recurse: options.recurse ?? true, ...present({ input }) } as const;
    await this.#deliver(instanceId, message, undefined);
  }

  async purge(...[target, options]: Parameters<Engine["purge"]>): Promise<number> {
    this.#checkOpen();
    return await purgeInstances(
      {
        store: this.#store,
        hub: this.#hub,
        ask: (part) =>
          this.#ask(part, (landed) => {
            if (landed.kind === "purged") this.loop.deliveries.purged(landed);
          }),
      },
      target,
      options?.recurse ?? false,
    );
  }

  async query(...[filter = {}]: Parameters<Engine["query"]>): ReturnType<Engine["query"]> {
    this.#checkOpen();
    const { limit = DEFAULT_PAGE, after, withPayloads = false, createdFrom, createdTo, status, idPrefix, name, tags } = filter;
    const wanted: InstanceFilter = {
      hub: this.#hub,
      ...present({ status, idPrefix, name, tags, createdFrom: createdFrom?.getTime(), createdTo: createdTo?.getTime() }),
    };
    const { rows, next } = await this.#store.instances(wanted, { limit, withPayloads, ...present({ after }) });
    return { instances: rows.map(instanceState), ...present({ next }) };
  }

  async history(instanceId: string): Promise<readonly HistoryEvent[]> {
    this.#checkOpen();
    const events = await readHistory(this.#store, this.#key(instanceId));
    if (events === undefined) throw notFound(instanceId);
    return events;
  }

  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.loop.post({ kind: "StopAsked" });
      const { clock } = this.#environment;
      const cancel = clock.setTimer(options.drainMs ?? DEFAULT_DRAIN_MS, () => this.loop.post({ kind: "DrainEnded" }));
      await this.stopped;
      cancel();
      await this.#store[Symbol.asyncDispose]();
      return;
    }
    await this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #wait(instanceId: string, until: WaitFor, signal: AbortSignal | undefined): Promise<InstanceState> {
    this.#checkOpen();
    return instanceState(await this.#waiters.wait(asInstanceId(instanceId), until, () => this.#row(instanceId), signal));
  }

  async #row(instanceId: string): Promise<InstanceRow | undefined> {
    this.#checkOpen();
    return await this.#store.instance(this.#key(instanceId), true);
  }

  /** `what` is the call that an ended instance refuses; undefined: to end it again is no error. */
  async #deliver(instanceId: string, message: Message, what: string | undefined, limit?: number): Promise<void> {
    const part: DeliverPart = { kind: "deliver", to: this.#key(instanceId), message, ...present({ limit }) };
    const answer = await this.#ask(part, (landed) => {
      if (landed.kind === "delivered") this.loop.deliveries.delivered(part, landed);
    });
    if (answer.kind !== "dropped") return;
    if (answer.why === "absent") throw notFound(instanceId);
    if (what === undefined) return;
    if (answer.why === "full") {
      const full = `Cannot ${what} instance ${JSON.stringify(instanceId)}: ${limit} messages wait for it already. Raise more when it has taken some; is it suspended or stalled?`;
      throw new SignalboxError("LIMIT_EXCEEDED", full);
    }
    throw new SignalboxError("FAILED_PRECONDITION", `Cannot ${what} instance ${JSON.stringify(instanceId)}: it has ended.`);
  }

  #ask(part: Part, landed?: (answer: PartAnswer) => void): Promise<PartAnswer> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      if (this.loop.pendingCalls >= this.#limits.maxPendingCalls) {
        const message = `${this.#limits.maxPendingCalls} calls wait for their commit already. Await some before more are made.`;
        throw new SignalboxError("LIMIT_EXCEEDED", message);
      }
      const change = {
        parts: [part],
        bytes: "started" in part ? 256 + (part.started.input?.length ?? 0) : 256,
        landed: ([answer]: readonly PartAnswer[]) => {
          if (answer === undefined) return reject(new SignalboxError("INTERNAL", "The store gave no answer for a part."));
          landed?.(answer);
          resolve(answer);
        },
        refused: reject,
      };
      this.loop.post({ kind: "Asked", change });
    });
  }

  #checkOpen(): void {
    if (this.#over !== undefined) throw this.#over;
    if (this.#isClosing) throw new SignalboxError("SHUT_DOWN", "The engine is shutting down.");
  }

  #encode(value: unknown, what: string) {
    return encodeValue(value, what, this.#limits.maxPayloadLength);
  }

  #key(instanceId: string): InstanceKey {
    return { hub: this.#hub, instanceId: asInstanceId(instanceId) };
  }

  #stamp(): { readonly eventId: -1; readonly timestamp: number } {
    return { eventId: -1, timestamp: this.#environment.clock.now() };
  }
}

function notFound(instanceId: string): SignalboxError {
  return new SignalboxError("NOT_FOUND", `There is no instance ${JSON.stringify(instanceId)}.`);
}
