// The same definitions on a server that is not ours: whole histories, no deltas.

import { expect, test } from "vitest";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openPlainBackend } from "./plain-backend.ts";
import { remoteEnvironment } from "./remote-environment.ts";

const environment = remoteEnvironment;
const double = defineActivity("double", (_, n: number) => n * 2);

test("a sequence of activities, with whole histories", async () => {
  const sequence = defineOrchestrator("sequence", async (ctx, rounds: number) => {
    let sum = 0;
    for (let round = 0; round < rounds; round += 1) sum += await ctx.callActivity(double, round);
    return sum;
  });
  await using backend = await openPlainBackend();
  await using client = connectClient({ address: backend.address, environment });
  await using worker = connectWorker({ address: backend.address, environment, orchestrators: [sequence], activities: [double] });
  const id = await client.start(sequence, 5);
  expect(await client.waitForCompletion(id)).toMatchObject({ status: "Completed", output: 20 });
  await worker.close();
});
