// The library: durable orchestrations in a program of one's own.

import { engineEnvironment } from "./host/engine-environment.ts";
import type { Engine, EngineOptions } from "./loops/engine.ts";
import { openEngine as open } from "./loops/open-engine.ts";
import type { RemoteClient, RemoteClientOptions } from "./remote/client/remote-client.ts";
import type { RemoteEnvironment } from "./remote/remote-environment.ts";
import type { RemoteWorker, RemoteWorkerOptions } from "./remote/worker/worker-options.ts";
import type { PostgresStoreOptions } from "./store/postgres/open-postgres-store.ts";
import type { Store } from "./store/store.ts";

export type { Engine, EngineOptions, EntityState, HubClient, InstanceState, StartOptions } from "./loops/engine.ts";
export type { RetryPolicy } from "./model/activity-options.ts";
export { type ErrorCode, isSignalboxError, SignalboxError } from "./model/errors.ts";
export type { HistoryEvent, Tags } from "./model/events.ts";
export type { Failure } from "./model/failure.ts";
export type { JsonValue } from "./model/payload.ts";
export type { OrchestrationStatus } from "./model/status.ts";
export type { RemoteClient, RemoteClientOptions } from "./remote/client/remote-client.ts";
export type { ConnectionOptions, TlsOptions } from "./remote/connection-options.ts";
export { describeWorkerEvent, type WorkerEvent } from "./remote/worker/worker-event.ts";
export type { RemoteWorker, RemoteWorkerOptions } from "./remote/worker/worker-options.ts";
export type {
  Activity,
  ActivityContext,
  CallOptions,
  ChildOptions,
  CriticalSection,
  OrchestrationContext,
  Orchestrator,
  SignalOptions,
  Timer,
  Value,
} from "./runtime/context.ts";
export { defineActivity, defineOrchestrator } from "./runtime/define.ts";
export { defineEntity, type EntityOperations } from "./runtime/define-entity.ts";
export type { Entity, EntityContext, EntityOperationHandler } from "./runtime/entity.ts";
export type { EntityId } from "./runtime/entity-id.ts";
export { ActivityError, ChildError, EntityError, isActivityError, isChildError, isEntityError } from "./runtime/errors.ts";
export { openMemoryStore } from "./store/memory/memory-store.ts";
export type { PostgresStoreOptions } from "./store/postgres/open-postgres-store.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./store/sqlite/open-threaded.ts";
export type { Store } from "./store/store.ts";

/**
 * Opens a durable engine over a store, and goes on with what the store holds. Orchestrations and activities run in this process.
 * Fails with the store's error (STORE_LOCKED, STORE_CORRUPT, ...) or INVALID_ARGUMENT for two definitions of one name.
 */
export const openEngine = (options: EngineOptions): Promise<Engine> => open({ ...options, environment: engineEnvironment });

/**
 * A store in PostgreSQL, which any number of engines share, each a node of its own. It makes and migrates its tables. What
 * speaks to PostgreSQL is loaded here, so that other stores do without it.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { openPostgresStore: openStore } = await import("./store/postgres/open-postgres-store.ts");
  return openStore(options);
}

const remoteEnvironment: RemoteEnvironment = { ...engineEnvironment, random: () => Math.random() };

/**
 * A client of a server of the Durable Task protocol: the calls of an engine. The first call makes the connection; what speaks
 * the protocol is loaded here, so that embedded engines do without it.
 */
export async function connectClient(options: RemoteClientOptions): Promise<RemoteClient> {
  const { connectClient: connect } = await import("./remote/remote.ts");
  return connect({ ...options, environment: remoteEnvironment });
}

/**
 * A worker of such a server: it runs the same orchestrators and activities as an engine does, unchanged. It connects at once,
 * and again whenever the connection is lost, until it is closed.
 */
export async function connectWorker(options: RemoteWorkerOptions): Promise<RemoteWorker> {
  const { connectWorker: connect } = await import("./remote/remote.ts");
  return connect({ ...options, environment: remoteEnvironment });
}
