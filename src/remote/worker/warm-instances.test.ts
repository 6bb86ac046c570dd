import { describe, expect, test } from "vitest";
import { asExecutionId, asInstanceId } from "../../model/ids.ts";
import { defineOrchestrator } from "../../runtime/define.ts";
import { LiveOrchestration } from "../../runtime/live-orchestration.ts";
import { type WarmInstance, WarmInstances } from "./warm-instances.ts";

const idle = defineOrchestrator("idle", (ctx) => ctx.waitForEvent("go"));
const warm = (bytes: number): WarmInstance => ({
  executionId: asExecutionId("e"),
  live: new LiveOrchestration(idle, [], 1_000),
  historyLength: 2,
  bytes,
});
const id = asInstanceId;

describe("warm instances", () => {
  test("are bounded by count, least recently used first", () => {
    const instances = new WarmInstances({ maxWarmInstances: 2, maxWarmBytes: 1_000 });
    for (const name of ["a", "b"]) instances.keep(id(name), warm(1));
    const a = instances.take(id("a"));
    instances.keep(id("a"), a ?? warm(1));
    instances.keep(id("c"), warm(1));
    expect(["a", "b", "c"].map((name) => instances.take(id(name)) !== undefined)).toEqual([true, false, true]);
    expect([instances.size, instances.bytes]).toEqual([0, 0]);
  });

  test("are bounded by bytes; one that is larger than all of them is not kept", () => {
    const instances = new WarmInstances({ maxWarmInstances: 100, maxWarmBytes: 10 });
    instances.keep(id("a"), warm(6));
    instances.keep(id("b"), warm(5));
    expect([instances.size, instances.bytes]).toEqual([1, 5]);
    instances.keep(id("c"), warm(11));
    expect([instances.size, instances.bytes]).toEqual([0, 0]);
  });

  test("a second one of the same id takes the place of the first", () => {
    const instances = new WarmInstances({ maxWarmInstances: 100, maxWarmBytes: 100 });
    instances.keep(id("a"), warm(6));
    instances.keep(id("a"), warm(7));
    expect([instances.size, instances.bytes]).toEqual([1, 7]);
    instances.clear();
    expect([instances.size, instances.bytes]).toEqual([0, 0]);
  });
});
