// A server in a process of its own, to be killed: `node server-process.ts STORE PORT`. Says its port when it listens.

import { openSqliteStore } from "../../src/store/sqlite/open-threaded.ts";
import { openTestServer } from "./server-fixture.ts";

const [path = "", port = "0"] = process.argv.slice(2);
const server = await openTestServer({ store: await openSqliteStore({ path }), port: Number(port) });
process.stdout.write(`${server.port}\n`);
