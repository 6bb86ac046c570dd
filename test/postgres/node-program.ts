// A node in a process of its own. `node-program.ts URL SCHEMA hold COUNT` starts that many instances, whose activities never end
// here; `node-program.ts URL SCHEMA serve` runs what there is. Says "ready", and stays.

import { openNode } from "./nodes.ts";

const [url = "", schema = "", mode = "serve", count = "0"] = process.argv.slice(2);
const node = await openNode({
  url,
  schema,
  hangs: mode === "hold",
  limits: { maxActivities: mode === "hold" ? 100_000 : 50, idleMs: 500 },
});
await Promise.all(Array.from({ length: Number(count) }, (_, at) => node.engine.start("chain", 2, { instanceId: `i${at}` })));
process.stdout.write("ready\n");
const error = await node.engine.stopped;
process.exit(error === undefined ? 0 : 5);
