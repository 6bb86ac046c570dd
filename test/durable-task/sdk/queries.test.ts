// Lists of instances, in pages that stay stable while instances come and go.

import { type OrchestrationContext, type OrchestrationState, OrchestrationStatus } from "@microsoft/durabletask-js";
import { expect, test } from "vitest";
import { sharedServer } from "./shared-server.ts";

const server = sharedServer();

const orchestrators = {
  leaf: (_: OrchestrationContext, input: unknown) => input,
  async *waiting(ctx: OrchestrationContext) {
    yield ctx.waitForExternalEvent("go");
  },
};

async function all(states: AsyncIterable<OrchestrationState>): Promise<readonly OrchestrationState[]> {
  const found: OrchestrationState[] = [];
  for await (const state of states) found.push(state);
  return found;
}

test("instances are found by status, prefix and time, with inputs and outputs only if asked for", async () => {
  await using sdk = await server.connect({ orchestrators });
  const { client, hub } = sdk;
  for (let index = 0; index < 5; index += 1) await client.scheduleNewOrchestration("leaf", index, `leaf-${index}`);
  await Promise.all(Array.from({ length: 5 }, (_, index) => client.waitForOrchestrationCompletion(`leaf-${index}`)));
  const middle = new Date();
  for (let index = 0; index < 5; index += 1) await client.scheduleNewOrchestration("waiting", index, `waiting-${index}`);
  await Promise.all(Array.from({ length: 5 }, (_, index) => client.waitForOrchestrationStart(`waiting-${index}`)));
  const ids = async (filter: Parameters<typeof client.getAllInstances>[0]) =>
    (await all(client.getAllInstances(filter))).map(({ instanceId }) => instanceId).toSorted();
  const five = (name: string): readonly string[] => Array.from({ length: 5 }, (_, index) => `${name}-${index}`);
  const [leaves, waiting] = [five("leaf"), five("waiting")];

  expect(await ids({ statuses: [OrchestrationStatus.COMPLETED] })).toEqual(leaves);
  expect(await ids({ statuses: [OrchestrationStatus.COMPLETED, OrchestrationStatus.RUNNING] })).toEqual([...leaves, ...waiting]);
  expect(await ids({ instanceIdPrefix: "wait" })).toEqual(waiting);
  expect(await ids({ instanceIdPrefix: "wait%" })).toEqual([]);
  expect(await ids({ createdFrom: new Date(middle.getTime() + 1_000_000) })).toEqual([]);
  expect(await ids({ createdTo: new Date(middle.getTime() - 1_000_000) })).toEqual([]);
  expect(await ids({ taskHubNames: [hub] })).toHaveLength(10);
  expect(await ids({ taskHubNames: ["another"] })).toEqual([]);

  const plain = await all(client.getAllInstances({ instanceIdPrefix: "leaf" }));
  expect(plain.every(({ serializedInput, serializedOutput }) => !serializedInput && !serializedOutput)).toBe(true);
  const whole = await all(client.getAllInstances({ instanceIdPrefix: "leaf", fetchInputsAndOutputs: true }));
  expect(whole.map(({ serializedInput, serializedOutput }) => `${serializedInput} ${serializedOutput}`).toSorted()).toEqual(
    Array.from({ length: 5 }, (_, index) => `${index} ${index}`),
  );
});

test("paging shows each instance that stays exactly once, while others come, change and go", async () => {
  await using sdk = await server.connect({ orchestrators });
  const { client } = sdk;
  const staying = Array.from({ length: 60 }, (_, index) => `staying-${String(index).padStart(2, "0")}`);
  const going = Array.from({ length: 60 }, (_, index) => `going-${String(index).padStart(2, "0")}`);
  await Promise.all([
    ...staying.map((instanceId) => client.scheduleNewOrchestration("waiting", undefined, instanceId)),
    ...going.map((instanceId) => client.scheduleNewOrchestration("leaf", undefined, instanceId)),
  ]);
  await Promise.all(going.map((instanceId) => client.waitForOrchestrationCompletion(instanceId)));
  const seen: string[] = [];
  let page = 0;
  for await (const { values } of client.getAllInstances().asPages(undefined, 7)) {
    expect(values.length).toBeLessThanOrEqual(7);
    seen.push(...values.map(({ instanceId }) => instanceId));
    // Between two pages: some go, some change, some come.
    await client.purgeOrchestration(going[page * 2] ?? "");
    await client.raiseOrchestrationEvent(staying[page] ?? "", "go");
    await client.scheduleNewOrchestration("leaf", undefined, `new-${page}`);
    page += 1;
    if (page > 100) throw new Error("the pages do not end");
  }
  expect(page).toBeGreaterThan(10);
  expect(seen.filter((id) => id.startsWith("staying")).toSorted()).toEqual(staying);
  expect(new Set(seen).size).toBe(seen.length);
});

test("ids of ended instances are listed page by page, by the time of their end", async () => {
  await using sdk = await server.connect({ orchestrators });
  const { client } = sdk;
  const ids = Array.from({ length: 25 }, (_, index) => `leaf-${index}`);
  for (const id of ids) await client.scheduleNewOrchestration("leaf", undefined, id);
  await Promise.all(ids.map((id) => client.waitForOrchestrationCompletion(id)));
  await client.scheduleNewOrchestration("waiting", undefined, "waiting");
  const seen: string[] = [];
  let lastInstanceKey: string | undefined;
  do {
    const page = await client.listInstanceIds({
      runtimeStatus: [OrchestrationStatus.COMPLETED],
      completedTimeFrom: new Date(Date.now() - 60_000),
      pageSize: 10,
      ...(lastInstanceKey !== undefined && { lastInstanceKey }),
    });
    seen.push(...page.values);
    lastInstanceKey = page.hasMoreResults ? page.continuationToken : undefined;
  } while (lastInstanceKey !== undefined);
  expect(seen.toSorted()).toEqual(ids.toSorted());
  expect((await client.listInstanceIds({ completedTimeTo: new Date(Date.now() - 60_000) })).values).toEqual([]);
});

test("hubs do not see each other's instances", async () => {
  await using one = await server.connect({ orchestrators });
  await using other = await server.connect({ orchestrators });
  await one.client.scheduleNewOrchestration("leaf", "one", "same");
  await other.client.scheduleNewOrchestration("leaf", "other", "same");
  expect(await one.client.waitForOrchestrationCompletion("same")).toMatchObject({ serializedOutput: '"one"' });
  expect(await other.client.waitForOrchestrationCompletion("same")).toMatchObject({ serializedOutput: '"other"' });
  await one.client.purgeOrchestration("same");
  expect(await one.client.getOrchestrationState("same")).toBeUndefined();
  expect(await all(other.client.getAllInstances())).toHaveLength(1);
});
