// Payloads over the limit: a clear refusal, a failed activity, or an instance that stands still with its reason; never an item
// that is delivered for ever.

import { status } from "@grpc/grpc-js";
import { type OrchestrationContext, OrchestrationStatus, type TaskFailedError } from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { statusOfCall } from "../../../src/server/grpc/server-fixture.ts";
import { sharedServer } from "./shared-server.ts";
import { until } from "./until.ts";

const LIMIT = 100_000;
const server = sharedServer({ engine: { maxPayloadLength: LIMIT } });
const tooLong = "x".repeat(LIMIT + 1);

test("inputs and events over the limit are refused", async () => {
  await using sdk = await server.connect({
    orchestrators: {
      async *waiting(ctx: OrchestrationContext) {
        const event: unknown = yield ctx.waitForExternalEvent("go");
        return event;
      },
    },
  });
  const { client } = sdk;
  const refusal = { code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining("100000") };
  expect(await statusOfCall(client.scheduleNewOrchestration("waiting", tooLong))).toMatchObject(refusal);
  const id = await client.scheduleNewOrchestration("waiting");
  expect(await statusOfCall(client.raiseOrchestrationEvent(id, "go", tooLong))).toMatchObject(refusal);
  await client.raiseOrchestrationEvent(id, "go", "short");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: '"short"' });
});

test("an activity whose result is over the limit fails, once", async () => {
  let runs = 0;
  await using sdk = await server.connect({
    orchestrators: {
      async *large(ctx: OrchestrationContext) {
        try {
          yield ctx.callActivity("large");
        } catch (error) {
          return (error as TaskFailedError).message;
        }
        return "no failure";
      },
    },
    activities: { large: () => ((runs += 1), tooLong) },
  });
  const id = await sdk.client.scheduleNewOrchestration("large");
  const state = await sdk.client.waitForOrchestrationCompletion(id);
  expect(state?.serializedOutput).toContain("100000");
  expect(runs).toBe(1);
});

test("an orchestrator that returns too much stands still with the reason, and can be terminated", async () => {
  let turns = 0;
  await using sdk = await server.connect({ orchestrators: { large: () => ((turns += 1), tooLong), leaf: () => "done" } });
  const { client } = sdk;
  const id = await client.scheduleNewOrchestration("large");
  await until(() => turns > 0);
  const other = await client.scheduleNewOrchestration("leaf");
  expect(await client.waitForOrchestrationCompletion(other)).toMatchObject({ serializedOutput: '"done"' });
  expect(await client.getOrchestrationState(id)).not.toMatchObject({ runtimeStatus: OrchestrationStatus.COMPLETED });
  expect(turns).toBe(1);
  await client.terminateOrchestration(id, "enough");
  expect(await client.waitForOrchestrationCompletion(id)).toMatchObject({ runtimeStatus: OrchestrationStatus.TERMINATED });
});
