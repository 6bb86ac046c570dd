// A Durable Task server in a process of its own. The only argument is its configuration as JSON; the first line of output is
// its port. It leaves when its input ends, so that it never outlives the tests, and at once when it is killed.

import { engineEnvironment } from "../../../src/host/engine-environment.ts";
import type { EngineLimits } from "../../../src/loops/environment.ts";
import { openHubs } from "../../../src/loops/open-engine.ts";
import type { WorkerLimits } from "../../../src/loops/workers/worker-limits.ts";
import { openGrpcServer } from "../../../src/server/grpc/grpc-server.ts";
import type { GrpcLimits } from "../../../src/server/grpc/options.ts";
import { openSqliteStore } from "../../../src/store/sqlite/open-threaded.ts";

export interface ServerConfiguration {
  /** Of the SQLite file. */
  readonly path: string;
  /** 0: any free one. */
  readonly port: number;
  readonly limits?: Partial<EngineLimits>;
  readonly workers?: Partial<WorkerLimits>;
  readonly grpc?: Partial<GrpcLimits>;
}

const { path, port, limits = {}, workers = {}, grpc = {} } = JSON.parse(process.argv[2] ?? "") as ServerConfiguration;

const engine = await openHubs({ store: await openSqliteStore({ path }), environment: { ...engineEnvironment, limits }, workers });
const server = await openGrpcServer({
  engine,
  listen: { host: "127.0.0.1", port },
  limits: grpc,
  clock: engineEnvironment.clock,
  log: {
    info: () => undefined,
    warn: (fields, message) => console.error(message, fields),
    error: (fields, message) => console.error(message, fields),
  },
});
process.stdout.write(`${server.address.port}\n`);

const close = async (): Promise<void> => {
  await server.close({ drainMs: 1_000 });
  await engine.close({ drainMs: 1_000 });
};
process.stdin.once("end", () => void close().then(() => process.exit(0))).resume();
void engine.stopped.then((error) => {
  if (error === undefined) return;
  console.error(error);
  process.exit(5);
});
