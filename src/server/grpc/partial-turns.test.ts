import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { OrchestratorResponseSchema } from "../../wire/generated/durable_task_pb.ts";
import { PartialTurns } from "./partial-turns.ts";

const part = (completionToken: string, id: number, isPartial: boolean, chunkIndex?: number) =>
  create(OrchestratorResponseSchema, { completionToken, actions: [{ id }], isPartial, ...(chunkIndex !== undefined && { chunkIndex }) });
const idsOf = (response: ReturnType<typeof part> | undefined) => response?.actions.map(({ id }) => id);

test("an answer in one message is whole", () => {
  expect(idsOf(new PartialTurns(100).add(part("t", 1, false), 10))).toEqual([1]);
});

test("parts of several answers are kept apart, and a whole is given once", () => {
  const turns = new PartialTurns(100);
  expect(turns.add(part("a", 1, true, 0), 10)).toBeUndefined();
  expect(turns.add(part("b", 5, true, 0), 10)).toBeUndefined();
  expect(idsOf(turns.add(part("a", 2, false, 1), 10))).toEqual([1, 2]);
  expect(idsOf(turns.add(part("b", 6, false, 1), 10))).toEqual([5, 6]);
  expect(() => turns.add(part("a", 2, false, 1), 10)).toThrow(/part 0/i);
});

test("an answer begins anew with its part 0", () => {
  const turns = new PartialTurns(100);
  turns.add(part("a", 1, true, 0), 10);
  turns.add(part("a", 7, true, 0), 10);
  expect(idsOf(turns.add(part("a", 8, false, 1), 10))).toEqual([7, 8]);
  turns.add(part("a", 1, true, 0), 10);
  expect(idsOf(turns.add(part("a", 9, false), 10))).toEqual([9]);
});

test("at the bound the oldest goes, and one that is too large by itself is refused", () => {
  const turns = new PartialTurns(100);
  turns.add(part("old", 1, true, 0), 60);
  turns.add(part("new", 2, true, 0), 60);
  expect(() => turns.add(part("old", 3, false, 1), 1)).toThrow(/expected/);
  expect(idsOf(turns.add(part("new", 4, false, 1), 1))).toEqual([2, 4]);
  expect(() => turns.add(part("huge", 1, true, 0), 101)).toThrow(/more than 100 bytes/);
  expect(turns.add(part("next", 1, true, 0), 100)).toBeUndefined();
});
