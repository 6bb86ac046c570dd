// A worker of a remote server: takes turns and activities from its stream, runs them as an embedded engine does, and reports.

import { Definitions } from "../../loops/definitions.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { HistoryEvent } from "../../model/events.ts";
import { eventsFromWire } from "../../wire/event-from-wire.ts";
import { TaskHubSidecarService } from "../../wire/generated/durable_task_pb.ts";
import { Connection } from "../connection.ts";
import { pause } from "../pauses.ts";
import type { RemoteEnvironment } from "../remote-environment.ts";
import { repeatWhileLost } from "../repeat-while-lost.ts";
import { ActivityRunner } from "./activity-runner.ts";
import { Deliveries } from "./deliveries.ts";
import { EntityRunner } from "./entity-runner.ts";
import { ItemService } from "./item-service.ts";
import { Reporter } from "./reporter.ts";
import { TurnRunner, type TurnRunnerPorts } from "./turn-runner.ts";
import { WarmInstances } from "./warm-instances.ts";
import { workFilters } from "./work-filters.ts";
import { WorkStream } from "./work-stream.ts";
import { describeWorkerEvent, type WorkerEvent } from "./worker-event.ts";
import { type RemoteWorker, type RemoteWorkerOptions, workerLimits } from "./worker-options.ts";

const { method } = TaskHubSidecarService;
/** E10: as long as a server leaves activities with a worker that drains. */
const DEFAULT_DRAIN_MS = 30_000;
/** For what is given back at the end of the drain. */
const LAST_REPORTS_MS = 2_000;
const HISTORY_AWAY_MS = 30_000;

/** Connects at once, and again whenever the connection is lost. */
export function connectWorker(options: RemoteWorkerOptions & { readonly environment: RemoteEnvironment }): RemoteWorker {
  return new GrpcWorker(options);
}

class GrpcWorker implements RemoteWorker {
  readonly stopped: Promise<SignalboxError | undefined>;
  readonly #environment: RemoteEnvironment;
  readonly #connection: Connection;
  readonly #stream: WorkStream;
  readonly #activities: ActivityRunner;
  readonly #entities: EntityRunner;
  readonly #warm: WarmInstances;
  /** Ends whatever still tries to reach the server. */
  readonly #ending = new AbortController();
  readonly #deliveries = new Deliveries();
  #closing: Promise<void> | undefined;

  constructor(options: RemoteWorkerOptions & { readonly environment: RemoteEnvironment }) {
    const { environment, orchestrators, activities, entities = [] } = options;
    const limits = workerLimits(options);
    const filters = workFilters(orchestrators, activities, entities);
    const definitions = new Definitions(orchestrators, "worker");
    const { signal } = this.#ending;
    const { clock, hop } = environment;
    const { maxPayloadLength } = limits;
    const onEvent = carefully(options.onEvent ?? logEvent, environment);
    const connection = new Connection(options, clock);
    const fetchHistory: TurnRunnerPorts["fetchHistory"] = (instanceId, executionId) => this.#fetchHistory(instanceId, executionId);
    this.#environment = environment;
    this.#connection = connection;
    this.#warm = new WarmInstances(limits);
    this.#activities = new ActivityRunner({ activities, clock, maxConcurrent: limits.maxConcurrentActivities, maxPayloadLength });
    this.#entities = new EntityRunner(entities, maxPayloadLength);
    const service = new ItemService({
      turns: new TurnRunner({ definitions, warm: this.#warm, hop, maxPayloadLength, fetchHistory }),
      activities: this.#activities,
      entities: this.#entities,
      warm: this.#warm,
      reporter: new Reporter({ connection, environment, signal, onEvent }),
    });
    this.#stream = new WorkStream({
      connection,
      environment,
      limits,
      filters,
      onEvent,
      received: (item, bytes, session) => this.#deliveries.add(item.completionToken, () => service.serve(item, bytes, session)),
      // The server sends a turn without history to the stream that answered the last one only.
      closed: () => this.#warm.clear(),
    });
    this.stopped = this.#run();
  }

  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.#stream.close();
    this.#closing ??= this.#drain(options.drainMs ?? DEFAULT_DRAIN_MS);
    await this.#closing;
    await this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<SignalboxError | undefined> {
    const error = await this.#stream.run().catch(broken);
    this.#closing ??= this.#drain(DEFAULT_DRAIN_MS);
    await this.#closing;
    return error;
  }

  /** E14 */
  async #drain(drainMs: number): Promise<void> {
    const reason = "The worker is closing.";
    this.#activities.stop(reason);
    await this.#settled(drainMs);
    this.#activities.abortAll(reason);
    this.#entities.abortAll(reason);
    await this.#settled(LAST_REPORTS_MS);
    this.#ending.abort(new SignalboxError("SHUT_DOWN", reason));
    this.#warm.clear();
    this.#connection.close();
  }

  async #settled(withinMs: number): Promise<void> {
    const settled = new AbortController();
    const late = pause(this.#environment, withinMs, settled.signal);
    await Promise.race([late, this.#deliveries.settled()]);
    settled.abort();
  }

  async #fetchHistory(instanceId: string, executionId: string): Promise<readonly HistoryEvent[]> {
    const { signal } = this.#ending;
    const request = { instanceId, executionId, forWorkItemProcessing: true };
    const chunks = await repeatWhileLost(this.#environment, { awayMs: HISTORY_AWAY_MS, signal }, () =>
      this.#connection.collect(method.streamInstanceHistory, request, { signal }),
    );
    return chunks.flatMap(({ events }) => eventsFromWire(events));
  }
}

const broken = (cause: unknown): SignalboxError =>
  new SignalboxError("INTERNAL", `The worker has stopped: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });

/** A listener that throws disturbs nobody but its own program. */
function carefully(listener: (event: WorkerEvent) => void, { defect }: RemoteEnvironment): (event: WorkerEvent) => void {
  return (event) => {
    try {
      listener(event);
    } catch (error) {
      defect(error);
    }
  };
}

function logEvent(event: WorkerEvent): void {
  if (event.kind !== "connected") console.error(describeWorkerEvent(event));
}
