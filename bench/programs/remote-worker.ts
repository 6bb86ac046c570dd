// Our own remote worker in a process of its own: ADDRESS. Ends with its stdin.

import { connectWorker } from "../../src/index.ts";
import { add, chain } from "../signalbox/programs.ts";

const [address = ""] = process.argv.slice(2);
const worker = await connectWorker({ address, orchestrators: [chain], activities: [add] });
process.stdout.write("ready\n");
process.stdin.on("end", () => void worker.close().then(() => process.exit(0))).resume();
