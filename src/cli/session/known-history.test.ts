import { expect, test } from "vitest";
import { drive } from "../../loops/engine-fixture.ts";
import { asExecutionId, asInstanceId, DEFAULT_HUB } from "../../model/ids.ts";
import { defineOrchestrator } from "../../runtime/define.ts";
import { openMemoryStore } from "../../store/memory/memory-store.ts";
import { knownHistory } from "./known-history.ts";

test("what stands in the inbox is known, as what stands in the history is", async () => {
  const store = await openMemoryStore();
  const waits = defineOrchestrator("waits", async (ctx) => ctx.waitForEvent("a"));
  const driven = drive({ store, orchestrators: [waits], activities: [] });
  const started = driven.engine.start(waits, null, { instanceId: "one" });
  await driven.settle();
  await started;
  const before = await knownHistory(store, "one");
  expect(before).toEqual(await driven.engine.history("one"));
  // As the owner finds it after a crash: acknowledged, and no turn has taken it yet.
  const execution = before.find((event) => event.kind === "ExecutionStarted")?.executionId ?? asExecutionId("");
  const message = { kind: "TaskCompleted", eventId: -1, timestamp: 1, taskScheduledId: 0, result: "1" } as const;
  const to = { hub: DEFAULT_HUB, instanceId: asInstanceId("one") };
  await store.commit({ epoch: store.epoch, parts: [{ kind: "deliver", to, executionId: execution, message, limit: 10 }] });
  expect(await knownHistory(store, "one")).toEqual([...before, message]);
  expect(await knownHistory(store, "nobody")).toEqual([]);
});
