// Workers out of process on several nodes: work finds the node that has a worker, and answers find the node that asked.

import { describe, expect, test } from "vitest";
import { engineEnvironment } from "../../src/host/engine-environment.ts";
import type { EngineLimits } from "../../src/loops/environment.ts";
import type { HubEngine } from "../../src/loops/hub-engine.ts";
import { openHubs } from "../../src/loops/open-engine.ts";
import { ending, FakeStream, type FakeStreamOptions, task } from "../../src/loops/workers/hubs-fixture.ts";
import type { Completion, WorkItem } from "../../src/loops/workers/work-item.ts";
import { asExecutionId, asInstanceId } from "../../src/model/ids.ts";
import { openPostgresStore } from "../../src/store/postgres/open-postgres-store.ts";
import { crash, newSchema, useServer } from "./backend.ts";
import { withClient } from "./server.ts";

const server = useServer();

interface HubNode extends AsyncDisposable {
  readonly engine: HubEngine;
  readonly epoch: number;
}

async function openNode(schema: string, limits: Partial<EngineLimits> = {}): Promise<HubNode> {
  const store = await openPostgresStore({ url: server.url, schema, reconnectMs: 5_000 });
  const engine = await openHubs({ store, environment: { ...engineEnvironment, limits }, workers: {} });
  return { engine, epoch: store.epoch, [Symbol.asyncDispose]: () => engine.close({ drainMs: 100 }) };
}

/** An orchestration of two activities, one after the other, and an entity that counts. */
function answerTo(item: WorkItem): Completion {
  if (item.sort === "activity") return { sort: "activity", outcome: { kind: "completed", result: "1" } };
  if (item.sort === "entity") {
    const count = Number(item.state ?? 0) + item.operations.length;
    const results = item.operations.map(() => ({ kind: "completed", result: String(count) }) as const);
    return { sort: "entity", result: { results, actions: [], state: String(count) } };
  }
  const events = [...(item.history ?? []), ...item.newEvents];
  const done = events.filter(({ kind }) => kind === "TaskCompleted").length;
  const asked = events.filter(({ kind }) => kind === "TaskScheduled").length;
  const actions = done === 2 ? [ending("done")] : asked > done ? [] : [task(done + 1)];
  return { sort: "orchestration", result: { actions } };
}

/** A worker that answers at once, to whichever node `answersTo` names next. */
class Worker extends FakeStream {
  readonly #answersTo: () => HubNode;
  readonly got: WorkItem[] = [];

  constructor(answersTo: () => HubNode, options: FakeStreamOptions = {}) {
    super(options);
    this.#answersTo = answersTo;
  }

  override send(item: WorkItem): void {
    this.got.push(item);
    this.#answersTo()
      .engine.workers.complete(item.token, answerTo(item))
      .catch(() => undefined);
  }
}

function connect(node: HubNode, answersTo: () => HubNode = () => node, options?: FakeStreamOptions): Worker {
  const worker = new Worker(answersTo, options);
  node.engine.workers.opened(worker);
  return worker;
}

const end = async (node: HubNode, id: string): Promise<string | undefined> =>
  (await node.engine.hub("default").waitFor(id, "end", undefined)).output;

describe("workers of several nodes", () => {
  test("what is started at a node without a worker runs at one that has one", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await using b = await openNode(schema);
    connect(b);
    await a.engine.hub("default").start({ instanceId: "x", name: "flow" });
    expect(await end(a, "x")).toBe("done");
    await a.engine.hub("default").signalEntity({ entityId: asInstanceId("@counter@k"), operation: "add", requestId: "r" });
    await expect.poll(async () => (await a.engine.hub("default").getEntity(asInstanceId("@counter@k"), true))?.entityState).toBe("1");
  });

  test("what waited before any worker came goes to the first, wherever it connects", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await Promise.all(Array.from({ length: 20 }, (_, at) => a.engine.hub("default").start({ instanceId: `i${at}`, name: "flow" })));
    await using b = await openNode(schema);
    connect(b);
    for (let at = 0; at < 20; at++) expect(await end(a, `i${at}`)).toBe("done");
  });

  test("answers may come to any node", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await using b = await openNode(schema);
    const nodes = [b, a];
    let next = 0;
    connect(a, () => nodes[next++ % 2] ?? a);
    const ids = Array.from({ length: 20 }, (_, at) => `i${at}`);
    await Promise.all(ids.map((instanceId) => a.engine.hub("default").start({ instanceId, name: "flow" })));
    for (const id of ids) expect(await end(b, id)).toBe("done");
  });

  test("work follows a worker that moves to another node", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await using b = await openNode(schema);
    const first = new FakeStream();
    a.engine.workers.opened(first);
    await a.engine.hub("default").start({ instanceId: "x", name: "flow" });
    await expect.poll(() => first.sent.length).toBe(1);
    a.engine.workers.closed(first, false);
    connect(b);
    expect(await end(a, "x")).toBe("done");
  });

  test("an activity whose worker is gone is begun again where there is one", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await using b = await openNode(schema);
    const flows = connect(a, () => a, { filters: { orchestrations: [{ name: "flow" }], activities: [], entities: [] } });
    const silent = new FakeStream({ filters: { orchestrations: [], activities: [{ name: "work" }], entities: [] } });
    a.engine.workers.opened(silent);
    await a.engine.hub("default").start({ instanceId: "x", name: "flow" });
    await expect.poll(() => silent.sent.length).toBe(1);
    connect(b, () => b, { filters: { orchestrations: [], activities: [{ name: "work" }], entities: [] } });
    a.engine.workers.closed(silent, false);
    expect(await end(a, "x")).toBe("done");
    expect(new Set(flows.got.map(({ sort }) => sort))).toEqual(new Set(["orchestration"]));
  });

  test("a worker takes only what it is for, and the rest goes where it is taken", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await using b = await openNode(schema);
    const flows = connect(a, () => a, { filters: { orchestrations: [{ name: "flow" }], activities: [], entities: [] } });
    const works = connect(b, () => b, { filters: { orchestrations: [], activities: [{ name: "work" }], entities: [] } });
    await b.engine.hub("default").start({ instanceId: "x", name: "flow" });
    expect(await end(b, "x")).toBe("done");
    expect(new Set(flows.got.map(({ sort }) => sort))).toEqual(new Set(["orchestration"]));
    expect(works.got.map(({ sort }) => sort)).toEqual(["activity", "activity"]);
  });

  test("a signal for later is served in time by the node that owns the entity, whichever took it", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await using b = await openNode(schema);
    connect(b);
    const entityId = asInstanceId("@counter@k");
    const state = async (): Promise<string | undefined> => (await a.engine.hub("default").getEntity(entityId, true))?.entityState;
    await b.engine.hub("default").signalEntity({ entityId, operation: "add", requestId: "1" });
    await expect.poll(state).toBe("1");
    const scheduledAt = Date.now() + 400;
    await a.engine.hub("default").signalEntity({ entityId, operation: "add", requestId: "2", scheduledAt });
    await expect.poll(state, { interval: 10, timeout: 5_000 }).toBe("2");
    expect(Date.now() - scheduledAt).toBeLessThan(250);
    expect(Date.now()).toBeGreaterThanOrEqual(scheduledAt);
  });

  test("a start replaces an active instance that another node owns", async () => {
    const schema = newSchema();
    await using a = await openNode(schema);
    await using b = await openNode(schema);
    const idle = new FakeStream();
    a.engine.workers.opened(idle);
    const first = asExecutionId("first");
    await a.engine.hub("default").start({ instanceId: "x", name: "flow", executionId: first });
    await expect.poll(() => idle.sent.length).toBe(1);
    const replaceable = ["Pending", "Running", "Terminated"] as const;
    await b.engine.hub("default").start({ instanceId: "x", name: "other", replaceable });
    expect(await b.engine.hub("default").get("x", false)).toMatchObject({ name: "other" });
    // What the worker makes of the first one has no effect.
    await a.engine.workers.complete(idle.sent[0]?.token ?? "", answerTo(idle.sent[0] as WorkItem));
    expect((await a.engine.hub("default").get("x", false))?.executionId).not.toBe(first);
  });

  test("every call goes round three nodes while one of them is lost", async () => {
    const schema = newSchema();
    const lost = await openNode(schema);
    await using b = await openNode(schema);
    await using c = await openNode(schema);
    let nodes = [lost, b, c];
    let next = 0;
    const any = (): HubNode => nodes[next++ % nodes.length] ?? b;
    for (const node of nodes) connect(node, any);
    const ids = Array.from({ length: 60 }, (_, at) => `i${at}`);
    const waits: Promise<string | undefined>[] = [];
    for (const [at, instanceId] of ids.entries()) {
      if (at === 30) {
        nodes = [b, c];
        await withClient(server.url, (client) => client.query(`UPDATE ${schema}.nodes SET is_dead = true WHERE epoch = ${lost.epoch}`));
        await crash(server.url, schema, lost.epoch);
      }
      await any().engine.hub("default").start({ instanceId, name: "flow" });
      waits.push(end(at % 2 === 0 ? b : c, instanceId));
    }
    expect(new Set(await Promise.all(waits))).toEqual(new Set(["done"]));
    expect((await lost.engine.stopped)?.code).toBe("OWNERSHIP_LOST");
    await lost[Symbol.asyncDispose]();
  });
});
