// `serve`: the Durable Task server in the foreground, until a signal ends it or its store fails.

import { ProxyTracerProvider, type Tracer, trace } from "@opentelemetry/api";
import { engineEnvironment } from "../../host/engine-environment.ts";
import { SignalboxError } from "../../model/errors.ts";
import { openServer, type Server, type ServerOptions } from "../../server/serve.ts";
import { type LogLevel, openLog, type ServerLog } from "../../server/telemetry/log.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-codes.ts";
import { plainText } from "../render/safe-text.ts";
import { addressText, type ListenAddress } from "../server/addresses.ts";
import { type LimitOptions, serverLimits } from "../server/server-limits.ts";
import { openStore, type StorePlace, storePlace, storeText } from "../server/store-place.ts";
import { readGiven, tokenOf } from "../server/token.ts";

export interface ServeOptions extends LimitOptions {
  readonly listen: ListenAddress;
  readonly http: ListenAddress | "off";
  readonly store?: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly retention?: number;
  readonly drain: number;
  readonly logLevel: LogLevel;
}

export async function serve(options: ServeOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const log = openLog({
    level: options.logLevel,
    isPretty: terminal.isInteractive,
    write: (line) => terminal.writeError(line),
  });
  const place = storePlace(options.store, context);
  const tracer = activeTracer(context.version);
  const [token, tls] = await Promise.all([tokenOf(options.tokenFile, context), tlsOf(options, context)]);
  const stop = stopSignals(context);
  try {
    const server = await openServer({
      openStore: () => openStore(place),
      environment: engineEnvironment,
      listen: options.listen,
      limits: serverLimits(options),
      log,
      ...(options.http !== "off" && { http: options.http }),
      ...(token !== undefined && { token }),
      ...(tls !== undefined && { tls }),
      ...(options.retention !== undefined && { retentionMs: options.retention }),
      ...(tracer !== undefined && { tracer }),
    });
    terminal.write(startText(server, place, context));
    return await untilStopped(server, { drainMs: options.drain, log, stop: stop.asked });
  } finally {
    stop.forget();
  }
}

interface Running {
  readonly drainMs: number;
  readonly log: ServerLog;
  readonly stop: Promise<string>;
}

async function untilStopped(server: Server, { drainMs, log, stop }: Running): Promise<number> {
  const why = await Promise.race([server.stopped.then((error) => ({ error })), stop.then((signal) => ({ signal }))]);
  if ("signal" in why) {
    log.info({ signal: why.signal, drainMs }, "shutting down; once more leaves at once");
    await server.close({ drainMs });
    const error = await server.stopped;
    if (error === undefined) {
      log.info({}, "shut down");
      return EXIT.success;
    }
    throw error;
  }
  log.error({ err: why.error }, "the engine has stopped");
  // What was acknowledged is safe in the store, whatever becomes of the rest.
  await server.close({ drainMs: 0 }).catch((error: unknown) => log.error({ err: error }, "the server did not close in good order"));
  if (why.error === undefined) return EXIT.fault;
  throw why.error;
}

/** The first signal asks for a shutdown, the second leaves. One that comes while the server starts is kept for it. */
function stopSignals({ terminal, leave }: CommandContext): { readonly asked: Promise<string>; readonly forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let isAsked = false;
  const forget = terminal.onSignal((signal) => {
    if (isAsked) leave(EXIT.interrupted);
    isAsked = true;
    resolve(signal);
  });
  return { asked: promise, forget };
}

function startText(server: Server, place: StorePlace, { version }: CommandContext): string {
  const { address, httpAddress, hubs } = server;
  const http = httpAddress === undefined ? "" : `, health and metrics at ${addressText(httpAddress)}`;
  const known = hubs.length === 0 ? "none yet" : hubs.map((hub) => plainText(hub)).join(", ");
  return `Signalbox ${version} serves Durable Task at ${addressText(address)}${http}.\nStore: ${storeText(place)}. Hubs: ${known}.\n`;
}

async function tlsOf(options: ServeOptions, context: CommandContext): Promise<ServerOptions["tls"]> {
  const { tlsCert, tlsKey, tlsClientCa } = options;
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new SignalboxError("INVALID_ARGUMENT", "TLS needs both --tls-cert and --tls-key; --tls-client-ca alone is not enough.");
  }
  const [cert, key, clientCa] = await Promise.all([
    readGiven("--tls-cert", tlsCert, context),
    readGiven("--tls-key", tlsKey, context),
    tlsClientCa === undefined ? undefined : readGiven("--tls-client-ca", tlsClientCa, context),
  ]);
  return { cert, key, ...(clientCa !== undefined && { clientCa }) };
}

/** Undefined where nobody has set up an OpenTelemetry SDK (`NODE_OPTIONS=--import ...`): then no span is even begun. */
function activeTracer(version: string): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // One of another copy of the API has been set by somebody.
  const isIdle = provider instanceof ProxyTracerProvider && provider.getDelegateTracer("signalbox") === undefined;
  return isIdle ? undefined : provider.getTracer("signalbox", version);
}
