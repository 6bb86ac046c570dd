// A worker of a server: run as many as you like, kill any of them at any moment.
//
//   node examples/remote/worker.ts localhost:4001
//
// In a project of your own, import from "signalbox".

import { connectWorker } from "../../src/index.ts";
import { sell, shelf, ship } from "./orders.ts";

const [address = "localhost:4001"] = process.argv.slice(2);
await using worker = await connectWorker({ address, orchestrators: [sell], activities: [ship], entities: [shelf] });

// What runs is finished and reported first.
process.once("SIGTERM", () => void worker.close());
process.once("SIGINT", () => void worker.close());
console.log(`working for ${address}`);
const error = await worker.stopped;
if (error !== undefined) throw error;
