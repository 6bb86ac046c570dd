// A Durable Task server in a process of its own. The only argument is its configuration as JSON; the first line of output is
// its port. It leaves when its input ends, so that it never outlives the tests, and at once when it is killed.

import { engineEnvironment } from "../../../src/host/engine-environment.ts";
import { openServer, type ServerOptions } from "../../../src/server/serve.ts";
import { openLog } from "../../../src/server/telemetry/log.ts";
import { openPostgresStore } from "../../../src/store/postgres/open-postgres-store.ts";
import { openSqliteStore } from "../../../src/store/sqlite/open-threaded.ts";

export interface ServerConfiguration {
  /** An SQLite file, or a database of PostgreSQL that several nodes share. */
  readonly store: { readonly path: string } | { readonly url: string };
  /** 0: any free one. */
  readonly port: number;
  readonly limits?: ServerOptions["limits"];
}

const { store, port, limits = {} } = JSON.parse(process.argv[2] ?? "") as ServerConfiguration;

const server = await openServer({
  openStore: () => ("path" in store ? openSqliteStore(store) : openPostgresStore(store)),
  listen: { host: "127.0.0.1", port },
  environment: engineEnvironment,
  limits,
  log: openLog({ level: "warn", isPretty: false, write: (line) => process.stderr.write(line) }),
});
process.stdout.write(`${server.address.port}\n`);

process.stdin.once("end", () => void server.close({ drainMs: 1_000 }).then(() => process.exit(0))).resume();
void server.stopped.then((error) => {
  if (error === undefined) return;
  console.error(error);
  process.exit(5);
});
