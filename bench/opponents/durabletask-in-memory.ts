// The in-memory, not durable, backend that comes with the Durable Task SDK for JavaScript.

import {
  type ActivityContext,
  InMemoryOrchestrationBackend,
  type OrchestrationContext,
  TestOrchestrationClient,
  TestOrchestrationWorker,
} from "@microsoft/durabletask-js";
import { timed, type Work } from "../measure.ts";

/** `instances` orchestrations of `steps` sequential activities. */
export function durableTaskInMemory(instances: number, steps: number): Work {
  return () =>
    withoutConsole(async () => {
      const backend = new InMemoryOrchestrationBackend();
      const worker = new TestOrchestrationWorker(backend);
      worker.addNamedActivity("add", (_context: ActivityContext, value: number) => value + 1);
      worker.addNamedOrchestrator("chain", async function* (context: OrchestrationContext): AsyncGenerator<unknown, number, number> {
        let value = 0;
        for (let step = 0; step < steps; step += 1) value = yield context.callActivity<number, number>("add", value);
        return value;
      });
      const client = new TestOrchestrationClient(backend);
      await worker.start();
      const done = await timed(instances * steps, async () => {
        const ids = await Promise.all(Array.from({ length: instances }, () => client.scheduleNewOrchestration("chain")));
        for (const id of ids) {
          const state = await client.waitForOrchestrationCompletion(id, true, 600_000);
          if (state?.serializedOutput !== String(steps))
            throw new Error(`durabletask-js answered ${state?.serializedOutput}, not ${steps}`);
        }
      });
      await worker.stop();
      await client.stop();
      return done;
    });
}

/** Its worker writes every event to the console and takes no logger; writing is not what is compared. */
async function withoutConsole<Result>(work: () => Promise<Result>): Promise<Result> {
  const { log, info, debug, warn } = console;
  console.log = console.info = console.debug = console.warn = () => {};
  try {
    return await work();
  } finally {
    Object.assign(console, { log, info, debug, warn });
  }
}
