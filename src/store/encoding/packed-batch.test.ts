import { expect, test } from "vitest";
import { packAnswers, packBatch, unpackAnswers, unpackBatch } from "./packed-batch.ts";
import type { EncodedBatch, EncodedTurn } from "./parts.ts";

const events = { text: "[]", count: 0, bytes: 0 };
const bare: EncodedTurn = {
  kind: "turn",
  ref: 1,
  executionId: "e1",
  historyLength: 0,
  consumed: [],
  append: events,
  next: null,
  change: { status: null, updatedAt: null, columns: [] },
  addActivities: [],
  addTimers: [],
  removeActivities: [],
  removeTimers: [],
  ended: null,
};
const full: EncodedTurn = {
  ...bare,
  ref: 2,
  consumed: [-1, 4],
  append: { text: '[{"kind":"x"}]', count: 1, bytes: 14 },
  next: { executionId: "e2", version: "1", input: null, tags: null, history: events, inbox: ["a", "b"] },
  change: {
    status: "Running",
    updatedAt: 5,
    columns: [
      ["output", null],
      ["completedAt", 4],
    ],
  },
  addActivities: [
    { actionId: 1, inFlight: true, work: "{}" },
    { actionId: 2, inFlight: false, work: "@h\n{}" },
  ],
  addTimers: [{ timerId: 3, fireAt: 9 }],
  removeActivities: [7, 8, 9],
  removeTimers: [6],
  ended: { status: "Completed", dropQueued: true },
};

test("a batch survives the way to the thread", () => {
  const deliver = { kind: "deliver", hub: "h", instanceId: "i", executionId: null, message: "{}", limit: null, once: null } as const;
  const batch: EncodedBatch = { epoch: 3, parts: [full, deliver, bare, { kind: "raiseAttempts" }, full], blobs: [["h", '"x"']] };
  expect(unpackBatch(structuredClone(packBatch(batch)))).toEqual(batch);
  const empty: EncodedBatch = { epoch: 3, parts: [], blobs: [] };
  expect(unpackBatch(structuredClone(packBatch(empty)))).toEqual(empty);
});

test("answers survive the way back", () => {
  const answers = [
    { kind: "done" },
    { kind: "turned", inboxKeys: [] },
    { kind: "turned", inboxKeys: [-2, -1] },
    { kind: "unsettled" },
  ] as const;
  expect(unpackAnswers(structuredClone(packAnswers(answers)))).toEqual(answers);
});
