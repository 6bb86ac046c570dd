// A client of a server: it sells an article, with whatever worker is there.
//
//   node examples/remote/client.ts localhost:4001 A1 lamp

import { connectClient } from "../../src/index.ts";
import { sell } from "./orders.ts";

const [address = "localhost:4001", id = "A1", article = "lamp"] = process.argv.slice(2);
await using client = await connectClient({ address });

await client.signalEntity({ name: "shelf", key: article }, "fill", 10);
const order = await client.start(sell, { id, article, count: 3 }, { instanceId: `order-${id}` });
await client.raiseEvent(order, "paid");
const { status, output, failure } = await client.waitForCompletion(order);
console.log(`${status}: ${JSON.stringify(output ?? failure?.message)}`);
console.log(`left on the shelf: ${JSON.stringify((await client.getEntity({ name: "shelf", key: article }))?.state)}`);
