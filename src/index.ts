// The library: durable orchestrations in a program of one's own.

import { engineEnvironment } from "./host/engine-environment.ts";
import type { Engine, EngineOptions } from "./loops/engine.ts";
import { openEngine as open } from "./loops/open-engine.ts";

export type { Engine, EngineOptions, InstanceState, StartOptions } from "./loops/engine.ts";
export type { RetryPolicy } from "./model/activity-options.ts";
export { type ErrorCode, isSignalboxError, SignalboxError } from "./model/errors.ts";
export type { HistoryEvent, Tags } from "./model/events.ts";
export type { Failure } from "./model/failure.ts";
export type { JsonValue } from "./model/payload.ts";
export type { OrchestrationStatus } from "./model/status.ts";
export type {
  Activity,
  ActivityContext,
  CallOptions,
  ChildOptions,
  OrchestrationContext,
  Orchestrator,
  Timer,
  Value,
} from "./runtime/context.ts";
export { defineActivity, defineOrchestrator } from "./runtime/define.ts";
export { ActivityError, ChildError, isActivityError, isChildError } from "./runtime/errors.ts";
export { openMemoryStore } from "./store/memory/memory-store.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./store/sqlite/open-threaded.ts";
export type { Store } from "./store/store.ts";

/**
 * Opens a durable engine over a store, and goes on with what the store holds. Orchestrations and activities run in this process.
 * Fails with the store's error (STORE_LOCKED, STORE_CORRUPT, ...) or INVALID_ARGUMENT for two definitions of one name.
 */
export const openEngine = (options: EngineOptions): Promise<Engine> => open({ ...options, environment: engineEnvironment });
