// The Durable Task server: one listener, all hubs of an engine. Calls are translated here; what they mean is up to the engine.

import { Server } from "@grpc/grpc-js";
import { clientCalls } from "./client-calls.ts";
import { completions } from "./completions.ts";
import { Connections } from "./connections.ts";
import { checkExposure, connectionInjector, tokenInterceptor } from "./credentials.ts";
import { entityCalls } from "./entity-calls.ts";
import { historyCalls } from "./history-calls.ts";
import { HubDirectory } from "./hub-directory.ts";
import { DEFAULT_GRPC_LIMITS, type GrpcLimits, type GrpcServer, type GrpcServerOptions } from "./options.ts";
import { PartialTurns } from "./partial-turns.ts";
import { queryCalls } from "./query-calls.ts";
import { implement, SERVICE } from "./service.ts";
import { startOnce } from "./start-once.ts";
import { shuttingDown, Traffic } from "./traffic.ts";
import { Waits } from "./waits.ts";
import { WorkStreams } from "./work-streams.ts";

const DEFAULT_DRAIN_MS = 5_000;
/** How long connections have to close by themselves once their calls have ended. */
const GOODBYE_MS = 1_000;

export async function openGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  checkExposure(options);
  const { engine, clock, log, observer = {}, token } = options;
  const limits: GrpcLimits = { ...DEFAULT_GRPC_LIMITS, ...options.limits };
  const server = new Server({
    "grpc.max_receive_message_length": limits.maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": limits.maxCallsPerConnection,
    // Silent death is found within 15 s (E10).
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    // A large message need not wait for a round trip every 64 KB.
    "grpc-node.flow_control_window": 1024 * 1024,
    "grpc.enable_channelz": 0,
    ...(token === undefined ? {} : { interceptors: [tokenInterceptor(token)] }),
  });
  const injector = connectionInjector(server, options.tls);
  const connections = new Connections(injector, (gone) => engine.workers.disconnected(gone));
  const hubs = new HubDirectory(engine);
  const traffic = new Traffic();
  const waits = new Waits(limits.maxWaiters);
  const ended = (): void => traffic.settle();
  const streams = new WorkStreams(limits, { workers: engine.workers, hubs, connections, clock, log, observer, ended });
  const unary = {
    ...clientCalls(startOnce(clock), waits),
    ...queryCalls(limits.maxPageSize),
    ...entityCalls(limits.maxPageSize),
    ...completions(engine.workers, new PartialTurns(limits.maxPartialBytes), connections),
  };
  const streaming = { ...streams.handlers, ...historyCalls(hubs, limits.historyChunkBytes) };
  server.addService(SERVICE, implement(unary, streaming, { hubs, traffic, clock, log, observer }));
  await connections.listen(options.listen);

  const shutDown = async (drainMs: number): Promise<void> => {
    const closed = connections.close();
    waits.endAll(shuttingDown());
    streams.retire();
    await withinMs(
      drainMs,
      traffic.close(() => Object.values(engine.workers.stats().inFlight).every((count) => count === 0)),
    );
    streams.endAll();
    injector.drain(GOODBYE_MS);
    injector.destroy();
    await withinMs(GOODBYE_MS, closed);
    connections.destroy();
    await closed;
    server.forceShutdown();
  };
  const withinMs = async (ms: number, promise: Promise<void>): Promise<void> => {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.setTimer(ms, resolve);
    await Promise.race([promise, late]);
    cancel();
  };
  let closing: Promise<void> | undefined;
  const close: GrpcServer["close"] = ({ drainMs = DEFAULT_DRAIN_MS } = {}) => (closing ??= shutDown(drainMs));

  const { address } = connections;
  log.info({ ...address }, "listening");
  return {
    address,
    stats: () => ({ connections: connections.size, streams: streams.size, waiters: waits.size }),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
