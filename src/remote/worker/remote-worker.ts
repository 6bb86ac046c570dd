// A worker of a remote server: takes turns and activities from its stream, runs them as an embedded engine does, and reports.

import { Definitions } from "../../loops/definitions.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { HistoryEvent } from "../../model/events.ts";
import type { ReceivedActivity } from "../../wire/activities.ts";
import { outcomeToWire } from "../../wire/activities.ts";
import { entityResultToWire, type ReceivedBatch } from "../../wire/entity-work.ts";
import { eventsFromWire } from "../../wire/event-from-wire.ts";
import { TaskHubSidecarService, type WorkItem } from "../../wire/generated/durable_task_pb.ts";
import { type ReceivedTurn, turnResultToWire } from "../../wire/turns.ts";
import { type ReceivedWork, workItemFromWire } from "../../wire/work-items.ts";
import { Connection } from "../connection.ts";
import { pause } from "../pauses.ts";
import type { RemoteEnvironment } from "../remote-environment.ts";
import { repeatWhileLost } from "../repeat-while-lost.ts";
import { ActivityRunner } from "./activity-runner.ts";
import { EntityRunner } from "./entity-runner.ts";
import { Reporter, type Subject } from "./reporter.ts";
import { TurnRunner } from "./turn-runner.ts";
import { WarmInstances } from "./warm-instances.ts";
import { workFilters } from "./work-filters.ts";
import { type Session, WorkStream } from "./work-stream.ts";
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
  readonly #onEvent: (event: WorkerEvent) => void;
  readonly #connection: Connection;
  readonly #stream: WorkStream;
  readonly #turns: TurnRunner;
  readonly #activities: ActivityRunner;
  readonly #entities: EntityRunner;
  readonly #reporter: Reporter;
  readonly #warm: WarmInstances;
  /** Ends whatever still tries to reach the server. */
  readonly #ending = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(options: RemoteWorkerOptions & { readonly environment: RemoteEnvironment }) {
    const { environment, orchestrators, activities, entities = [] } = options;
    const limits = workerLimits(options);
    const filters = workFilters(orchestrators, activities, entities);
    const definitions = new Definitions(orchestrators, "worker");
    const { signal } = this.#ending;
    const { clock, hop } = environment;
    this.#environment = environment;
    this.#onEvent = options.onEvent ?? logEvent;
    this.#connection = new Connection(options, clock);
    this.#warm = new WarmInstances(limits);
    this.#reporter = new Reporter({ connection: this.#connection, environment, signal, onEvent: this.#onEvent });
    this.#turns = new TurnRunner({
      definitions,
      warm: this.#warm,
      hop,
      maxPayloadLength: limits.maxPayloadLength,
      fetchHistory: (instanceId, executionId) => this.#fetchHistory(instanceId, executionId),
    });
    this.#activities = new ActivityRunner({
      activities,
      clock,
      maxConcurrent: limits.maxConcurrentActivities,
      maxPayloadLength: limits.maxPayloadLength,
    });
    this.#entities = new EntityRunner(entities, limits.maxPayloadLength);
    this.#stream = new WorkStream({
      connection: this.#connection,
      environment,
      limits,
      filters,
      onEvent: this.#onEvent,
      received: (item, bytes, session) => this.#received(item, bytes, session),
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
    await Promise.race([late, this.#quiet()]);
    settled.abort();
  }

  /** What was under way may have led to more. */
  async #quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #received(item: WorkItem, bytes: number, session: Session): void {
    const work = this.#take(item, bytes, session).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  /** Never rejects: an item that cannot be served costs itself only (E13). */
  async #take(item: WorkItem, bytes: number, session: Session): Promise<void> {
    try {
      const received = workItemFromWire(item);
      if (received !== undefined) await this.#serve(received, bytes, session);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await this.#reporter.abandon(subjectOf(item), reason);
    }
  }

  async #serve(work: ReceivedWork, bytes: number, session: Session): Promise<void> {
    switch (work.sort) {
      case "orchestration":
        return await this.#turn(work, bytes, session);
      case "activity":
        return await this.#activity(work);
      case "entity":
        return await this.#batch(work);
      default:
        return work satisfies never;
    }
  }

  async #turn(turn: ReceivedTurn, bytes: number, session: Session): Promise<void> {
    const keepsWarm = (): boolean => session.isOpen && session.deltaTurns;
    const outcome = await this.#turns.run({ turn, bytes, attemptsActivities: !session.deltaTurns, keepsWarm });
    if (outcome.kind === "abandoned") return await this.#reporter.abandon(turn, outcome.reason);
    const { token, instanceId } = turn;
    const answer = turnResultToWire(token, instanceId, outcome.result);
    const isTaken = await this.#reporter.report(turn, method.completeOrchestratorTask, answer);
    if (!isTaken) this.#warm.drop(instanceId);
  }

  async #activity(item: ReceivedActivity): Promise<void> {
    const end = await this.#activities.run(item);
    if (end.kind === "abandoned") return await this.#reporter.abandon(item, end.reason);
    await this.#reporter.report(item, method.completeActivityTask, outcomeToWire(item, end.outcome));
  }

  async #batch(batch: ReceivedBatch): Promise<void> {
    const end = await this.#entities.run(batch);
    if (end.kind === "abandoned") return await this.#reporter.abandon(batch, end.reason);
    await this.#reporter.report(batch, method.completeEntityTask, entityResultToWire(batch.token, end.result));
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

/** Of one that could not even be read. */
function subjectOf({ request, completionToken }: WorkItem): Subject {
  const token = completionToken;
  switch (request.case) {
    case "orchestratorRequest":
      return { sort: "orchestration", instanceId: request.value.instanceId, token };
    case "activityRequest":
      return { sort: "activity", instanceId: request.value.orchestrationInstance?.instanceId ?? "", token };
    default:
      return {
        sort: "entity",
        instanceId: request.value !== undefined && "instanceId" in request.value ? request.value.instanceId : "",
        token,
      };
  }
}

function logEvent(event: WorkerEvent): void {
  if (event.kind !== "connected") console.error(describeWorkerEvent(event));
}
