// A real server on a real socket, over a store of the test's choice.

import { engineEnvironment } from "../../src/host/engine-environment.ts";
import type { EngineLimits } from "../../src/loops/environment.ts";
import type { HubEngine } from "../../src/loops/hub-engine.ts";
import { openHubs } from "../../src/loops/open-engine.ts";
import type { WorkerLimits } from "../../src/loops/workers/worker-limits.ts";
import { openGrpcServer } from "../../src/server/grpc/grpc-server.ts";
import type { GrpcLimits, GrpcServer } from "../../src/server/grpc/options.ts";
import type { Store } from "../../src/store/store.ts";

export interface TestServer extends AsyncDisposable {
  readonly engine: HubEngine;
  readonly grpc: GrpcServer;
  readonly port: number;
  readonly address: string;
}

export interface TestServerOptions {
  readonly store: Store;
  /** 0, if absent: any free one. */
  readonly port?: number;
  readonly token?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits?: Partial<GrpcLimits>;
  readonly engineLimits?: Partial<EngineLimits>;
  readonly workers?: Partial<WorkerLimits>;
}

export async function openTestServer({
  store,
  port = 0,
  token,
  tls,
  limits = {},
  engineLimits = {},
  workers = {},
}: TestServerOptions): Promise<TestServer> {
  const environment = { ...engineEnvironment, limits: engineLimits };
  const engine = await openHubs({ store, environment, workers });
  const grpc = await openGrpcServer({
    engine,
    listen: { host: "127.0.0.1", port },
    ...(token !== undefined && { token }),
    ...(tls !== undefined && { tls }),
    limits,
    clock: engineEnvironment.clock,
    log: { info: () => {}, warn: () => {}, error: (fields, message) => console.error(message, fields) },
  });
  return {
    engine,
    grpc,
    port: grpc.address.port,
    address: `127.0.0.1:${grpc.address.port}`,
    [Symbol.asyncDispose]: async () => {
      await grpc.close({ drainMs: 0 });
      await engine.close({ drainMs: 0 });
    },
  };
}
