// All streams of work of a server: opened by GetWorkItems, watched together, ended together.

import { Metadata } from "@grpc/grpc-js";
import type { Clock } from "../../loops/environment.ts";
import type { WorkerHub } from "../../loops/workers/worker-hub.ts";
import { SignalboxError } from "../../model/errors.ts";
import { filtersFromWire } from "../../wire/filters.ts";
import { type GetWorkItemsRequest, WorkerCapability } from "../../wire/generated/durable_task_pb.ts";
import type { Connections } from "./connections.ts";
import { encodeItem, type WorkerDialect } from "./encode-item.ts";
import { HistoryCache } from "./history-cache.ts";
import type { HubDirectory } from "./hub-directory.ts";
import type { GrpcLimits, GrpcLog, GrpcObserver } from "./options.ts";
import type { RawStream, StreamHandlers } from "./service.ts";
import { Status } from "./status.ts";
import { WorkStream } from "./work-stream.ts";

/** Our own worker says by it that it takes delta turns; answered in kind (docs/durable-task.md). */
const DELTA_KEY = "signalbox-delta-turns";
const ENTITY_VERSION_KEY = "entity-request-version";

export interface WorkStreamsPorts {
  readonly workers: WorkerHub;
  readonly hubs: HubDirectory;
  readonly connections: Pick<Connections, "of">;
  readonly clock: Clock;
  readonly log: GrpcLog;
  readonly observer: GrpcObserver;
  /** A stream has ended. */
  readonly ended: () => void;
}

export class WorkStreams {
  readonly #limits: GrpcLimits;
  readonly #ports: WorkStreamsPorts;
  readonly #cache: HistoryCache;
  readonly #open = new Set<WorkStream>();
  #cancelWatch: (() => void) | undefined;

  constructor(limits: GrpcLimits, ports: WorkStreamsPorts) {
    this.#limits = limits;
    this.#ports = ports;
    this.#cache = new HistoryCache(limits.maxCachedHistoryBytes);
  }

  get size(): number {
    return this.#open.size;
  }

  readonly handlers: Pick<StreamHandlers, "getWorkItems"> = {
    getWorkItems: async (request, call) => {
      const ended = new Promise<void>((resolve) => call.once("close", resolve));
      this.#accept(request, call);
      await ended;
    },
  };

  /** The workers get nothing more, and may still answer what they have. */
  retire(): void {
    for (const stream of this.#open) stream.retire();
  }

  endAll(): void {
    this.#cancelWatch?.();
    for (const stream of this.#open) {
      stream.end({ code: Status.UNAVAILABLE, details: "The server is shutting down. Connect again." });
    }
  }

  #accept(request: GetWorkItemsRequest, call: RawStream): void {
    const { workers, hubs, connections, clock, log, observer } = this.#ports;
    // Its end was told before anybody listened.
    if (call.cancelled) throw new SignalboxError("UNAVAILABLE", "The stream was cancelled before it was open.");
    const hub = hubs.of(call.metadata).name;
    const dialect = dialectOf(request, call.metadata);
    const most = this.#limits.maxItemsPerStream;
    const stream = new WorkStream({
      hub,
      connection: connections.of(call.getPeer()),
      filters: filtersFromWire(request.workItemFilters),
      credits: {
        orchestration: credit(request.maxConcurrentOrchestrationWorkItems, most),
        activity: credit(request.maxConcurrentActivityWorkItems, most),
        entity: credit(request.maxConcurrentEntityWorkItems, most),
      },
      keepsWarm: dialect.isOurs,
      maxBytes: this.#limits.maxStreamBytes,
      call,
      workers,
      outbox: {
        encode: (item) => encodeItem(item, dialect, this.#cache, this.#limits.streamedHistoryBytes),
        unsendable: (token, error) => {
          log.error({ hub, err: error }, "a work item cannot be encoded");
          const why = `It cannot be encoded for its workers: ${error instanceof Error ? error.message : String(error)}`;
          workers.abandon(token, why).catch((failure: unknown) => log.error({ hub, err: failure }, "a work item could not be given back"));
        },
        now: () => clock.monotonic(),
      },
      ended: (ended, lives) => {
        this.#open.delete(ended);
        observer.streamClosed?.(hub, lives);
        this.#ports.ended();
        if (this.#open.size > 0) return;
        this.#cancelWatch?.();
        this.#cancelWatch = undefined;
      },
    });
    // At once: the worker sees by it that it is connected.
    call.sendMetadata(answerTo(dialect));
    this.#open.add(stream);
    observer.streamOpened?.(hub);
    this.#watch();
    stream.open();
  }

  /** One timer for all streams: pings for idle ones, an end for stuck ones. */
  #watch(): void {
    const { clock, log } = this.#ports;
    const { pingMs, stalledStreamMs } = this.#limits;
    this.#cancelWatch ??= clock.setTimer(Math.min(pingMs, stalledStreamMs) / 2, () => {
      this.#cancelWatch = undefined;
      const now = clock.monotonic();
      for (const stream of this.#open) {
        if (stream.isStuckSince(now - stalledStreamMs)) {
          log.warn({ hub: stream.hub }, "a worker took nothing for too long and lost its connection");
          stream.cut();
        } else {
          stream.pingIfIdleSince(now - pingMs / 2);
        }
      }
      if (this.#open.size > 0) this.#watch();
    });
  }
}

function dialectOf({ capabilities }: GetWorkItemsRequest, metadata: Metadata): WorkerDialect {
  return {
    isOurs: metadata.get(DELTA_KEY)[0] === "1",
    entityRequestVersion: metadata.get(ENTITY_VERSION_KEY)[0] === "2" ? 2 : 1,
    streamsHistory: capabilities.includes(WorkerCapability.HISTORY_STREAMING),
  };
}

function answerTo({ isOurs }: WorkerDialect): Metadata {
  const metadata = new Metadata();
  if (isOurs) metadata.set(DELTA_KEY, "1");
  return metadata;
}

/** None asked for means as many as one worker may have. */
function credit(asked: number, most: number): number {
  return asked <= 0 ? most : Math.min(asked, most);
}
