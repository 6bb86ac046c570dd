// The typed face of one hub: values are encoded and decoded here, the rules stand behind the hub.

import type { SignalboxError } from "../model/errors.ts";
import type { HistoryEvent } from "../model/events.ts";
import { asHubName, asInstanceId, DEFAULT_HUB, type InstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import { present } from "../model/present.ts";
import type { Orchestrator, Value } from "../runtime/context.ts";
import { encodeValue } from "../runtime/values.ts";
import type { Store } from "../store/store.ts";
import type { Engine, EngineOptions, InstanceState, StartOptions } from "./engine.ts";
import { notFound } from "./engine-hub.ts";
import type { EngineEnvironment } from "./environment.ts";
import type { Hub } from "./hub.ts";
import { Hubs } from "./hubs.ts";
import type { InstanceLoop } from "./instance-loop.ts";
import { instanceState } from "./instance-state.ts";
import { readHistory } from "./read-history.ts";

const DEFAULT_PAGE = 100;

/** An engine whose ticks are driven by hand. */
export interface DrivenEngine extends Engine {
  readonly loop: InstanceLoop;
}

export class EmbeddedEngine implements DrivenEngine {
  readonly loop: InstanceLoop;
  readonly stopped: Promise<SignalboxError | undefined>;
  readonly #hubs: Hubs;
  readonly #hub: Hub;
  readonly #store: Store;
  readonly #maxPayloadLength: number;

  constructor(options: EngineOptions & { readonly environment: EngineEnvironment; readonly wake: () => void }) {
    this.#hubs = new Hubs(options);
    this.#hub = this.#hubs.hub(options.hub === undefined ? DEFAULT_HUB : asHubName(options.hub));
    this.#store = options.store;
    this.#maxPayloadLength = this.#hubs.limits.maxPayloadLength;
    this.loop = this.#hubs.loop;
    this.stopped = this.#hubs.stopped;
    this.#hubs.open();
  }

  async start<Input>(orchestrator: Orchestrator<Input, unknown> | string, input: Input, options: StartOptions = {}): Promise<InstanceId> {
    const isName = typeof orchestrator === "string";
    const { instanceId, tags, replaceable, scheduledStartAt } = options;
    return await this.#hub.start({
      name: isName ? orchestrator : orchestrator.name,
      ...present({
        instanceId,
        version: options.version ?? (isName ? undefined : orchestrator.version),
        input: this.#encode(input, "The input"),
        tags,
        replaceable,
        scheduledStartAt: scheduledStartAt?.getTime(),
      }),
    });
  }

  async get(instanceId: string): Promise<InstanceState | undefined> {
    const row = await this.#hub.get(instanceId, true);
    return row === undefined ? undefined : instanceState(row);
  }

  async waitForCompletion(instanceId: string, options: { readonly signal?: AbortSignal } = {}): Promise<InstanceState> {
    return instanceState(await this.#hub.waitFor(instanceId, "end", options.signal));
  }

  async waitForStart(instanceId: string, options: { readonly signal?: AbortSignal } = {}): Promise<InstanceState> {
    return instanceState(await this.#hub.waitFor(instanceId, "start", options.signal));
  }

  async raiseEvent(instanceId: string, name: string, data?: Value): Promise<void> {
    await this.#hub.raiseEvent(instanceId, name, this.#encode(data, `The data of event ${JSON.stringify(name)}`));
  }

  async suspend(instanceId: string, reason?: string): Promise<void> {
    await this.#hub.suspend(instanceId, reason);
  }

  async resume(instanceId: string, reason?: string): Promise<void> {
    await this.#hub.resume(instanceId, reason);
  }

  async terminate(instanceId: string, options: { readonly output?: Value; readonly recurse?: boolean } = {}): Promise<void> {
    await this.#hub.terminate(instanceId, this.#encode(options.output, "The output"), options.recurse ?? true);
  }

  async purge(...[target, options]: Parameters<Engine["purge"]>): Promise<number> {
    const recurse = options?.recurse ?? false;
    if (typeof target === "string") return await this.#hub.purge(target, recurse);
    const { status, createdTo } = target;
    const { deleted } = await this.#hub.purgeAll(present({ status, createdTo: createdTo?.getTime() }), recurse);
    return deleted;
  }

  async query(...[filter = {}]: Parameters<Engine["query"]>): ReturnType<Engine["query"]> {
    const { limit = DEFAULT_PAGE, after, withPayloads = false, createdFrom, createdTo, status, idPrefix, name, tags } = filter;
    const wanted = present({ status, idPrefix, name, tags, createdFrom: createdFrom?.getTime(), createdTo: createdTo?.getTime() });
    const { rows, next } = await this.#hub.query(wanted, { limit, withPayloads, ...present({ after }) });
    return { instances: rows.map(instanceState), ...present({ next }) };
  }

  async history(instanceId: string): Promise<readonly HistoryEvent[]> {
    this.#hubs.checkOpen();
    const events = await readHistory(this.#store, { hub: this.#hub.name, instanceId: asInstanceId(instanceId) });
    if (events === undefined) throw notFound(instanceId);
    return events;
  }

  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    return this.#hubs.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #encode(value: unknown, what: string): Payload | undefined {
    return encodeValue(value, what, this.#maxPayloadLength);
  }
}
