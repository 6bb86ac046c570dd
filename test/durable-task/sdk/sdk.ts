// The JavaScript SDK against a server of ours: its worker and its client, in a hub of the test's own.

import { randomUUID } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";
import {
  type EntityFactory,
  NoOpLogger,
  type TActivity,
  TaskHubGrpcClient,
  TaskHubGrpcWorker,
  type TaskHubGrpcWorkerOptions,
  type TOrchestrator,
} from "@microsoft/durabletask-js";

export interface Definitions {
  readonly orchestrators?: Readonly<Record<string, TOrchestrator>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- a registry holds activities of every input and output type
  readonly activities?: Readonly<Record<string, TActivity<any, any>>>;
  readonly entities?: Readonly<Record<string, EntityFactory>>;
}

export interface SdkOptions extends Definitions {
  readonly address: string;
  /** Absent: one of its own. */
  readonly hub?: string;
  /** Sent with every call. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly worker?: Pick<TaskHubGrpcWorkerOptions, "workItemFilters" | "versioning">;
}

export interface Sdk extends AsyncDisposable {
  readonly hub: string;
  readonly client: TaskHubGrpcClient;
  readonly worker: TaskHubGrpcWorker;
}

/** A client and a worker that serves the definitions. */
export async function connectSdk(options: SdkOptions): Promise<Sdk> {
  const { hub = randomUUID() } = options;
  const client = sdkClient({ ...options, hub });
  const worker = await sdkWorker({ ...options, hub });
  return {
    hub,
    client,
    worker,
    [Symbol.asyncDispose]: async () => {
      leave(worker);
      leave(client);
    },
  };
}

export function sdkClient({ address, hub, metadata = {} }: Pick<SdkOptions, "address" | "hub" | "metadata">): TaskHubGrpcClient {
  return new TaskHubGrpcClient({ hostAddress: address, metadataGenerator: metadataOf(hub, metadata), logger: new NoOpLogger() });
}

export async function sdkWorker(options: SdkOptions): Promise<TaskHubGrpcWorker> {
  const { address, hub, metadata = {}, orchestrators = {}, activities = {}, entities = {} } = options;
  const worker = new TaskHubGrpcWorker({
    hostAddress: address,
    // Each worker has a connection of its own, as if it were a process of its own.
    options: { "grpc.use_local_subchannel_pool": 1 },
    metadataGenerator: metadataOf(hub, metadata),
    logger: new NoOpLogger(),
    ...options.worker,
  });
  for (const [name, orchestrator] of Object.entries(orchestrators)) worker.addNamedOrchestrator(name, orchestrator);
  for (const [name, activity] of Object.entries(activities)) worker.addNamedActivity(name, activity);
  for (const [name, entity] of Object.entries(entities)) worker.addNamedEntity(name, entity);
  hurry(worker);
  await worker.start();
  return worker;
}

/** The SDK waits for a second and more before it connects again. Tests that cut its connections have no time for that. */
function hurry(worker: TaskHubGrpcWorker): void {
  const backoff: unknown = Reflect.get(worker, "_backoff");
  if (typeof backoff !== "object" || backoff === null) throw new Error("The SDK has another backoff now.");
  Object.assign(backoff, { _initialDelayMs: 20, _currentDelayMs: 20, _maxDelayMs: 200 });
}

const leaving = new Map<object, Promise<void>>();

/** Stops it, once, without waiting: the SDK takes a second for its goodbyes. `allLeft` is for the end of the file. */
export function leave(leaver: { stop(): Promise<void> }): void {
  if (!leaving.has(leaver)) leaving.set(leaver, leaver.stop());
}

export async function allLeft(): Promise<void> {
  await Promise.all(leaving.values());
}

function metadataOf(hub: string | undefined, more: Readonly<Record<string, string>>): () => Promise<Metadata> {
  return async () => {
    const metadata = new Metadata();
    if (hub !== undefined) metadata.set("taskhub", hub);
    for (const [key, value] of Object.entries(more)) metadata.set(key, value);
    return metadata;
  };
}
