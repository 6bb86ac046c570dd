// The whole server: a store, the engine over all its hubs, the Durable Task protocol, and HTTP for those who look after it.

import type { Tracer } from "@opentelemetry/api";
import type { EngineEnvironment, EngineLimits } from "../loops/environment.ts";
import type { HubsOptions } from "../loops/hub-engine.ts";
import { openHubs } from "../loops/open-engine.ts";
import type { WorkerHub } from "../loops/workers/worker-hub.ts";
import type { SignalboxError } from "../model/errors.ts";
import type { HubName } from "../model/ids.ts";
import type { Store } from "../store/store.ts";
import { checkExposure } from "./grpc/credentials.ts";
import { openGrpcServer } from "./grpc/grpc-server.ts";
import type { GrpcLimits, GrpcObserver, GrpcServer, GrpcServerOptions } from "./grpc/options.ts";
import { Status } from "./grpc/status.ts";
import { openHttpServer } from "./http/http-server.ts";
import { Retention } from "./retention.ts";
import { callSpans } from "./telemetry/call-spans.ts";
import { countedWorkers } from "./telemetry/counted-workers.ts";
import type { ServerLog } from "./telemetry/log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { OrchestrationSpans } from "./telemetry/orchestration-spans.ts";

export interface ServerOptions extends Pick<GrpcServerOptions, "listen" | "token" | "tls"> {
  /** Opened when the HTTP server can say that it is not ready yet, and closed with the server. */
  readonly openStore: () => Promise<Store>;
  readonly environment: EngineEnvironment;
  /** Absent: no HTTP. */
  readonly http?: GrpcServerOptions["listen"];
  readonly limits?: {
    readonly engine?: Partial<EngineLimits>;
    readonly workers?: HubsOptions["workers"];
    readonly grpc?: Partial<GrpcLimits>;
  };
  /** Ended instances older than this are purged. Absent: none. */
  readonly retentionMs?: number;
  readonly log: ServerLog;
  /** Absent: no spans are made. */
  readonly tracer?: Tracer;
}

export interface Server extends AsyncDisposable {
  readonly address: GrpcServer["address"];
  readonly httpAddress: GrpcServer["address"] | undefined;
  /** Those that the store has, the first few of them. */
  readonly hubs: readonly HubName[];
  /** Resolves when the engine has stopped: with the error that ended it, or with undefined after `close`. */
  readonly stopped: Promise<SignalboxError | undefined>;
  /** E14. The same time is given to workers that answer what they have, and to the engine that commits it. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

const DEFAULT_DRAIN_MS = 10_000;
const HUBS_TOLD = 10;

/** Resolves when calls are served: the store is open and the engine has taken up what it holds. */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { environment, log, listen, token, tls, limits = {} } = options;
  checkExposure(options);
  await using opened = new AsyncDisposableStack();
  let unready: string | undefined = "starting";
  // Metrics are asked for before there is anything to tell.
  const late: { workers?: WorkerHub; grpc?: GrpcServer } = {};
  const metrics = new Metrics({ workers: () => late.workers?.stats(), grpc: () => late.grpc?.stats() });
  const doors = { ...(token !== undefined && { token }), ...(tls !== undefined && { tls }) };
  const http =
    options.http === undefined
      ? undefined
      : opened.use(await openHttpServer({ listen: options.http, ...doors, unready: () => unready, metrics: () => metrics.text() }));

  const store = await options.openStore();
  const { onCommitted, onStalled } = observers(options, metrics);
  const engine = opened.use(
    await openHubs({
      store,
      environment: { ...environment, limits: { ...environment.limits, ...limits.engine } },
      workers: limits.workers ?? {},
      onCommitted,
      onStalled,
    }),
  );
  await engine.takenUp;
  const hubs = await store.hubs(undefined, HUBS_TOLD);
  const grpc = opened.use(
    await openGrpcServer({
      engine: { hub: engine.hub.bind(engine), workers: countedWorkers(engine.workers, metrics) },
      listen,
      ...doors,
      ...(limits.grpc !== undefined && { limits: limits.grpc }),
      clock: environment.clock,
      log,
      observer: { answered: answered(options, metrics) },
    }),
  );
  const { retentionMs } = options;
  const ports = { engine, store, clock: environment.clock, log, purged: (count: number) => metrics.purged(count) };
  const retention = retentionMs === undefined ? undefined : opened.use(new Retention(retentionMs, ports));
  retention?.start();
  late.workers = engine.workers;
  late.grpc = grpc;
  unready = undefined;

  const rest = opened.move();
  const shutDown = async (drainMs: number): Promise<void> => {
    unready = "shutting down";
    await retention?.[Symbol.asyncDispose]();
    await grpc.close({ drainMs });
    await engine.close({ drainMs });
    await rest.disposeAsync();
  };
  let closing: Promise<void> | undefined;
  const close: Server["close"] = ({ drainMs = DEFAULT_DRAIN_MS } = {}) => (closing ??= shutDown(drainMs));
  return {
    address: grpc.address,
    httpAddress: http?.address,
    hubs,
    stopped: engine.stopped.then((error) => {
      if (error !== undefined) unready = "the engine has stopped";
      return error;
    }),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

function observers({ log, tracer }: ServerOptions, metrics: Metrics): Required<Pick<HubsOptions, "onCommitted" | "onStalled">> {
  const spans = tracer === undefined ? undefined : new OrchestrationSpans(tracer);
  return {
    onCommitted: (turns) => {
      metrics.committed(turns);
      spans?.committed(turns);
    },
    onStalled: (stalled) => {
      metrics.stalled(stalled);
      log.warn({ ...stalled }, "an instance stands still");
    },
  };
}

function answered({ log, tracer, environment }: ServerOptions, metrics: Metrics): NonNullable<GrpcObserver["answered"]> {
  const span = tracer === undefined ? undefined : callSpans(tracer, environment.clock);
  return (method, status, durationMs, metadata) => {
    metrics.answered(method, status, durationMs);
    span?.(method, status, durationMs, metadata);
    if (status !== Status.OK && log.isDebugging)
      log.debug({ method, status: Status[status], ms: Math.round(durationMs) }, "a call was refused");
  };
}
