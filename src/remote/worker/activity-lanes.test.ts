import { describe, expect, test } from "vitest";
import { ActivityLanes } from "./activity-lanes.ts";

const maxOf = (name: string): number => (name === "rare" ? 1 : Number.POSITIVE_INFINITY);

describe("places for activities", () => {
  test("one that waits for a place of its name holds up nobody else", () => {
    const lanes = new ActivityLanes<string>(3, maxOf);
    expect(lanes.enter("rare", "r1")).toEqual(["r1"]);
    expect(lanes.enter("rare", "r2")).toEqual([]);
    expect(lanes.enter("often", "o1")).toEqual(["o1"]);
    expect(lanes.leave("rare")).toEqual(["r2"]);
  });

  test("there are so many in all, and those that wait come in order", () => {
    const lanes = new ActivityLanes<string>(2, maxOf);
    const begun = ["a", "b", "c", "d"].flatMap((item) => lanes.enter("often", item));
    expect(begun).toEqual(["a", "b"]);
    expect(lanes.leave("often")).toEqual(["c"]);
    expect(lanes.empty()).toEqual(["d"]);
    expect(lanes.leave("often")).toEqual([]);
  });
});
