// What a gRPC server is opened with.

import type { Metadata, status as Status } from "@grpc/grpc-js";
import type { Clock } from "../../loops/environment.ts";
import type { HubEngine } from "../../loops/hub-engine.ts";
import type { WorkerHub } from "../../loops/workers/worker-hub.ts";

export interface GrpcServerOptions {
  readonly engine: Pick<HubEngine, "hub"> & { readonly workers: WorkerHub };
  /** Port 0: any free one. An address other than loopback needs a token or TLS. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Callers say it as metadata `authorization: Bearer <token>`. */
  readonly token?: string;
  /** PEM. With `clientCa` only clients with a certificate of that authority are served. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer; readonly clientCa?: string | Buffer };
  readonly limits?: Partial<GrpcLimits>;
  readonly clock: Clock;
  readonly log: GrpcLog;
  readonly observer?: GrpcObserver;
}

export interface GrpcLimits {
  /** A larger message is refused with RESOURCE_EXHAUSTED before it is read. */
  readonly maxMessageBytes: number;
  /** Calls at once on one connection; clients hold more back. */
  readonly maxCallsPerConnection: number;
  /** Calls that wait for an instance to start or end. */
  readonly maxWaiters: number;
  /** Items of each sort that may be with one worker at once, whatever it asks for. */
  readonly maxItemsPerStream: number;
  /** Bytes on their way to one worker; its next items are encoded when these have left. */
  readonly maxStreamBytes: number;
  /** A worker that takes nothing for this long while items wait for it loses its stream. */
  readonly stalledStreamMs: number;
  /** A stream without an item for this long gets a health ping. */
  readonly pingMs: number;
  /** Encoded histories that are kept for the next turns of their instances. */
  readonly maxCachedHistoryBytes: number;
  /** From this size on a history goes by StreamInstanceHistory to workers that can take it so. */
  readonly streamedHistoryBytes: number;
  /** Of one chunk of a streamed history. Clients take 4 MB unless they are told otherwise. */
  readonly historyChunkBytes: number;
  /** Bytes of turns whose answers have come in part. */
  readonly maxPartialBytes: number;
  /** Instances or entities of one page. */
  readonly maxPageSize: number;
}

export const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  maxMessageBytes: 64 * 1024 * 1024,
  maxCallsPerConnection: 10_000,
  maxWaiters: 10_000,
  maxItemsPerStream: 1_000,
  maxStreamBytes: 4 * 1024 * 1024,
  stalledStreamMs: 60_000,
  pingMs: 30_000,
  maxCachedHistoryBytes: 64 * 1024 * 1024,
  streamedHistoryBytes: 2 * 1024 * 1024,
  historyChunkBytes: 1024 * 1024,
  maxPartialBytes: 64 * 1024 * 1024,
  maxPageSize: 1_000,
};

/** As pino's. */
export interface GrpcLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For metrics and traces; called often, must be quick and not throw. */
export interface GrpcObserver {
  /** A call was answered; `method` as in the protocol, `metadata` the caller's. */
  answered?(method: string, status: Status, durationMs: number, metadata: Metadata): void;
  streamOpened?(hub: string): void;
  /** `lives`: the worker's connection is still there. */
  streamClosed?(hub: string, lives: boolean): void;
}

export interface GrpcServer extends AsyncDisposable {
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };
  /** For tests and metrics. */
  readonly stats: () => { readonly connections: number; readonly streams: number; readonly waiters: number };
  /**
   * E14: takes no new connections and calls, lets workers answer what they have until the deadline, then ends streams and
   * connections. The engine is not closed.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}
