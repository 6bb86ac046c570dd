// What orchestrations are made of, with the SDK's own worker and client over a real socket.

import { type OrchestrationContext, OrchestrationStatus, TimerTask, whenAll, whenAny } from "@microsoft/durabletask-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allLeft, connectSdk, type Definitions, type Sdk } from "./sdk.ts";
import { type RunningServer, startServer } from "./start-server.ts";

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await allLeft();
});

function connect(definitions: Definitions): Promise<Sdk> {
  return connectSdk({ ...definitions, address: server.address });
}

test("a sequence hands each result to the next activity", async () => {
  await using sdk = await connect({
    orchestrators: {
      async *sequence(ctx: OrchestrationContext, start: number) {
        let value = start;
        for (let step = 0; step < 10; step += 1) value = yield ctx.callActivity("increment", value);
        return value;
      },
    },
    activities: { increment: (_, value: number) => value + 1 },
  });
  const id = await sdk.client.scheduleNewOrchestration("sequence", 5);
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(state).toMatchObject({ runtimeStatus: OrchestrationStatus.COMPLETED, serializedInput: "5", serializedOutput: "15" });
});

test("a fan-out of 1,000 gathers every result", async () => {
  await using sdk = await connect({
    orchestrators: {
      async *fanOut(ctx: OrchestrationContext, width: number) {
        const results: number[] = yield whenAll(Array.from({ length: width }, (_, index) => ctx.callActivity("double", index)));
        return results.reduce((sum, result) => sum + result, 0);
      },
    },
    activities: { double: (_, value: number) => value * 2 },
  });
  const id = await sdk.client.scheduleNewOrchestration("fanOut", 1_000);
  expect(await sdk.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: "999000" });
});
