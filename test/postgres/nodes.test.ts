import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { newSchema, useServer } from "./backend.ts";
import { openNode, type Ran } from "./nodes.ts";
import { withClient } from "./server.ts";

const server = useServer();

async function until(what: string, holds: () => Promise<boolean>, limitMs = 10_000): Promise<void> {
  for (const end = Date.now() + limitMs; !(await holds()); await pause(10)) if (Date.now() > end) throw new Error(`not in time: ${what}`);
}

async function owners(schema: string): Promise<readonly (number | null)[]> {
  return await withClient(server.url, async (client) => {
    const { rows } = await client.query(`SELECT owner FROM ${schema}.instances ORDER BY ref`);
    return rows.map(({ owner }) => (owner === null ? null : Number(owner)));
  });
}

describe("two nodes on one database", () => {
  test("any call may come to any of them", async () => {
    const place = { url: server.url, schema: newSchema() };
    await using a = await openNode(place);
    await using b = await openNode(place);
    await a.engine.start("wait", "go", { instanceId: "w" });
    await b.engine.waitForStart("w");
    expect((await b.engine.get("w"))?.status).toBe("Running");
    await b.engine.suspend("w");
    await until("suspended", async () => (await a.engine.get("w"))?.status === "Suspended");
    await b.engine.raiseEvent("w", "go", 7);
    await a.engine.resume("w");
    expect(await b.engine.waitForCompletion("w")).toMatchObject({ status: "Completed", output: 7 });
    await a.engine.start("wait", "go", { instanceId: "x" });
    await b.engine.terminate("x", { output: "enough" });
    expect(await b.engine.waitForCompletion("x")).toMatchObject({ status: "Terminated", output: "enough" });
    expect(await b.engine.purge("w")).toBe(1);
    expect(await a.engine.get("w")).toBeUndefined();
  });

  test("what one client says by way of both arrives in the order in which it was said", async () => {
    const place = { url: server.url, schema: newSchema() };
    await using a = await openNode(place);
    await using b = await openNode(place);
    const ids = Array.from({ length: 60 }, (_, index) => `w${index}`);
    await Promise.all(ids.map((id) => a.engine.start("wait", "go", { instanceId: id })));
    await Promise.all(ids.map((id) => a.engine.waitForStart(id)));
    const ends = ids.map(async (id) => {
      for (let round = 0; round < 5; round += 1) {
        await b.engine.suspend(id);
        await a.engine.resume(id);
      }
      await b.engine.raiseEvent(id, "go", "first");
      await a.engine.raiseEvent(id, "go", "second").catch(() => undefined);
      return (await a.engine.waitForCompletion(id)).output;
    });
    expect(new Set(await Promise.all(ends))).toEqual(new Set(["first"]));
  });

  test("activities that are too many for one are run by both", async () => {
    const ran: Ran[] = [];
    const place = { url: server.url, schema: newSchema(), limits: { maxActivities: 4 }, ran: (one: Ran) => ran.push(one) };
    await using a = await openNode(place);
    await using b = await openNode(place);
    await a.engine.start("spread", 500, { instanceId: "s" });
    expect(await a.engine.waitForCompletion("s")).toMatchObject({ status: "Completed", output: 500 });
    expect(ran).toHaveLength(500);
    expect(new Set(ran.map(({ node }) => node))).toEqual(new Set([a.name, b.name]));
  });

  test("one that is cold is nobody's, and its timer fires in time, whoever armed it", async () => {
    const place = { url: server.url, schema: newSchema(), limits: { idleMs: 100 } };
    await using b = await openNode(place);
    const a = await openNode(place);
    await a.engine.start("sleep", 1_500, { instanceId: "t" });
    await until("released", async () => (await owners(place.schema)).every((owner) => owner === null));
    await a[Symbol.asyncDispose]();
    const end = await b.engine.waitForCompletion("t");
    const due = (await b.engine.history("t")).find((event) => event.kind === "TimerCreated")?.fireAt ?? 0;
    expect((end.completedAt?.getTime() ?? 0) - due).toBeLessThan(100);
  });

  test("what a node leaves behind at its end the other goes on with at once", async () => {
    const place = { url: server.url, schema: newSchema() };
    const a = await openNode(place);
    await using b = await openNode(place);
    const ids = await Promise.all(Array.from({ length: 20 }, () => a.engine.start("chain", 200)));
    await a[Symbol.asyncDispose]();
    const ends = await Promise.all(ids.map((id) => b.engine.waitForCompletion(id)));
    expect(ends.every(({ status, output }) => status === "Completed" && output === 200)).toBe(true);
  });

  test("clocks that differ by an hour make no timer early or late", async () => {
    const place = { url: server.url, schema: newSchema(), limits: { idleMs: 50 } };
    await using a = await openNode({ ...place, skewMs: 3_600_000 });
    await using b = await openNode({ ...place, skewMs: -3_600_000 });
    const began = performance.now();
    await Promise.all([a.engine.start("sleep", 600, { instanceId: "x" }), b.engine.start("sleep", 600, { instanceId: "y" })]);
    await Promise.all([b.engine.waitForCompletion("x"), a.engine.waitForCompletion("y")]);
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(590);
    expect(took).toBeLessThan(1_200);
  });
});
