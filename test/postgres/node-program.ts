// A node in a process of its own: `node-program.ts URL SCHEMA COUNT`. It starts that many instances, whose activities never end
// here, says "started", and stays.

import { openNode } from "./nodes.ts";

const [url = "", schema = "", count = "0"] = process.argv.slice(2);
const node = await openNode({ url, schema, hangs: true, limits: { maxActivities: 100_000 } });
await Promise.all(Array.from({ length: Number(count) }, (_, at) => node.engine.start("chain", 2, { instanceId: `i${at}` })));
process.stdout.write("started\n");
const error = await node.engine.stopped;
process.exit(error === undefined ? 0 : 5);
