// A worker of the Durable Task SDK for JavaScript in a process of its own: ADDRESS. Ends with its stdin.

import { type ActivityContext, NoOpLogger, type OrchestrationContext, TaskHubGrpcWorker } from "@microsoft/durabletask-js";

const [hostAddress = ""] = process.argv.slice(2);
const worker = new TaskHubGrpcWorker({ hostAddress, logger: new NoOpLogger() });
worker.addNamedActivity("add", (_context: ActivityContext, value: number) => value + 1);
worker.addNamedOrchestrator("chain", async function* (context: OrchestrationContext, steps: number): AsyncGenerator<
  unknown,
  number,
  number
> {
  let value = 0;
  for (let step = 0; step < steps; step += 1) value = yield context.callActivity<number, number>("add", value);
  return value;
});
await worker.start();
process.stdout.write("ready\n");
process.stdin.on("end", () => process.exit(0)).resume();
