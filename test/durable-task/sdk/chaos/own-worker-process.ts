// A worker of our own in a process of its own, as worker-process.ts is one of the SDK.

import { connectWorker } from "../../../../src/remote/worker/remote-worker.ts";
import { remoteEnvironment } from "../../remote-environment.ts";
import type { WorkerConfiguration } from "../worker-process.ts";
import { ownProgram } from "./own-program.ts";

const { address, hub } = JSON.parse(process.argv[2] ?? "") as Pick<WorkerConfiguration, "address" | "hub">;

const { promise: connected, resolve } = Promise.withResolvers<void>();
const worker = connectWorker({
  address,
  hub,
  environment: remoteEnvironment,
  ...ownProgram,
  // Few enough that instances become cold now and then.
  maxWarmInstances: 20,
  onEvent: ({ kind }) => {
    if (kind === "connected") resolve();
  },
});
await connected;
process.stdout.write("connected\n");
process.stdin.once("end", () => process.exit(0)).resume();
void worker.stopped.then((error) => {
  console.error(error);
  process.exit(1);
});
