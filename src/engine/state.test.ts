import { expect, test } from "vitest";
import { asExecutionId, asHubName, asInstanceId } from "../model/ids.ts";
import type { InstanceRow } from "../model/parts.ts";
import { turnTime } from "./rules.ts";
import { fold } from "./state.ts";

const row: InstanceRow = {
  hub: asHubName("hub"),
  instanceId: asInstanceId("a"),
  executionId: asExecutionId("second"),
  ref: 1,
  name: "flow",
  status: "Running",
  createdAt: 1,
  updatedAt: 5_000,
  historyLength: 0,
  historyBytes: 0,
  turnAttempt: 0,
};

test("an execution after a continue-as-new goes on from the time of the one before, although the clock went back", () => {
  expect(turnTime(fold(row, []), [], 1_000)).toBe(5_000);
});

test("an execution with turns goes on from the last of them", () => {
  const history = [4_000, 4_500].map((timestamp) => ({ kind: "OrchestratorStarted", eventId: -1, timestamp }) as const);
  expect(turnTime(fold({ ...row, historyLength: 2 }, history), [], 1_000)).toBe(4_500);
});
