// The Durable Task server over an SQLite file, without anything around it: PATH, or a postgres:// URL. Prints its port; ends
// with its stdin.

import { engineEnvironment } from "../../src/host/engine-environment.ts";
import { openHubs } from "../../src/loops/open-engine.ts";
import { openGrpcServer } from "../../src/server/grpc/grpc-server.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-threaded.ts";

const [path = ""] = process.argv.slice(2);
const engine = await openHubs({ store: await openSqliteStore({ path }), environment: engineEnvironment });
const say = (fields: object, message: string): void => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
const server = await openGrpcServer({
  engine,
  listen: { host: "127.0.0.1", port: 0 },
  clock: engineEnvironment.clock,
  log: { info: () => {}, warn: say, error: say },
});
process.stdout.write(`${server.address.port}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
