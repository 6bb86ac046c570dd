// One server for the tests of a file, each of which has a hub of its own.

import { afterAll, beforeAll } from "vitest";
import { allLeft, connectSdk, type Sdk, type SdkOptions } from "./sdk.ts";
import { type RunningServer, type ServerLimits, startServer } from "./start-server.ts";

export interface SharedServer {
  readonly address: string;
  readonly port: number;
  readonly pid: number | undefined;
  connect(options?: Omit<SdkOptions, "address">): Promise<Sdk>;
}

export function sharedServer(limits: ServerLimits = {}): SharedServer {
  let server: RunningServer | undefined;
  beforeAll(async () => {
    server = await startServer(limits);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await allLeft();
  });
  const running = (): RunningServer => {
    if (server === undefined) throw new Error("The server has not been started.");
    return server;
  };
  return {
    get address() {
      return running().address;
    },
    get port() {
      return running().port;
    },
    get pid() {
      return running().pid;
    },
    connect: (options = {}) => connectSdk({ ...options, address: running().address }),
  };
}
