// One seed of several nodes on one store, from the first start to the last result, and what must be true at the end.

import { isSignalboxError } from "../../../src/model/errors.ts";
import { asHubName, asInstanceId, DEFAULT_HUB } from "../../../src/model/ids.ts";
import { openMemoryStore } from "../../../src/store/memory/memory-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { Random } from "../random.ts";
import { type Violation, World } from "../world.ts";
import { Cluster, type ClusterNode, type NodeWeather } from "./cluster.ts";
import { EVENTS, EXPECTED } from "./programs.ts";
import { type Fault, SharedState } from "./shared-state.ts";

const ORDERS = 4;
const FIRST_NODES = 3;
/** Sweeps and take-overs included, nothing takes as long as this. */
const DEADLINE_MS = 180_000;

export interface NodesReport {
  readonly violation: Violation | undefined;
  readonly traceHash: string;
  readonly trace: readonly string[];
}

/** Every third seed is fair weather: no hint is lost, no node is lost, and nobody ever sweeps. */
export function weatherOf(seed: number): NodeWeather {
  return seed % 3 === 0
    ? { lostHint: 0, doubledHint: 0.2, mishaps: 0, sweeps: false }
    : { lostHint: 0.2, doubledHint: 0.1, mishaps: 4, sweeps: true };
}

export async function simulateNodes(seed: number, fault?: Fault): Promise<NodesReport> {
  const world = new World(new Random(seed));
  const state = new SharedState(fault);
  await using disk = await openMemoryStore({ state: state.memory });
  const cluster = new Cluster(world, state, disk, weatherOf(seed));
  for (let count = 0; count < FIRST_NODES; count++) cluster.join();
  cluster.mishaps();
  const ids = Array.from({ length: ORDERS }, (_, index) => `order ${index}`);
  world.after(DEADLINE_MS, () => {
    if (!isDone) world.violate("E14", "somebody still waits");
  });
  let isDone = false;
  void Promise.all(ids.map((id) => client(world, cluster, id))).then(() => {
    isDone = true;
    cluster.end();
  });
  await world.run();
  cluster.end();
  if (world.violation === undefined) for (const id of ids) await resultsCountOnce(world, disk, id);
  return { violation: world.violation, traceHash: world.traceHash, trace: world.lines };
}

/** Starts an order, sends its events one after the other, each to any node, and waits for its end. */
async function client(world: World, cluster: Cluster, id: string): Promise<void> {
  const { random } = world;
  await world.sleep(random.int("starts after", 0, 2_000));
  const delayMs = random.int("order takes", 0, 6_000);
  await ask(world, cluster, `start ${id}`, (node) => node.client.start("order", delayMs, { instanceId: id, replaceable: [] }));
  for (let number = 1; number <= EVENTS; number++) {
    if (random.chance("waits", 0.5)) await world.sleep(random.int("for", 0, 1_500));
    await ask(world, cluster, `event ${number} to ${id}`, (node) =>
      node.client.raiseEvent(id, "next", number, { idempotencyKey: `${id} ${number}` }),
    );
  }
  const state = await ask(world, cluster, `end of ${id}`, (node) => node.client.waitForCompletion(id));
  const output = JSON.stringify(state?.output);
  world.trace(`${id} answers ${output}`);
  if (JSON.stringify(state?.output) !== JSON.stringify(EXPECTED)) world.violate("E15", `${id} is ${state?.status} and answers ${output}`);
}

/** Until a living node has answered; what a lost one was asked is asked again. */
async function ask<T>(world: World, cluster: Cluster, what: string, call: (node: ClusterNode) => Promise<T>): Promise<T | undefined> {
  for (;;) {
    const node = cluster.any();
    const answer = await Promise.race([
      call(node).then(
        (value) => ({ value }),
        (error: unknown) => ({ code: isSignalboxError(error) ? error.code : String(error) }),
      ),
      node.over.then(() => ({ code: "over" })),
    ]);
    world.trace(`${what} at node ${node.epoch}: ${"value" in answer ? "answered" : answer.code}`);
    if ("value" in answer) return answer.value;
    if (answer.code === "INSTANCE_EXISTS" || answer.code === "ALREADY_EXISTS") return undefined;
    if (answer.code !== "over" && answer.code !== "SHUT_DOWN" && answer.code !== "OWNERSHIP_LOST") {
      world.violate("E14", `${what} is refused: ${answer.code}`);
      return undefined;
    }
    await world.sleep(50);
  }
}

/** E6: no activity has more than one result in the history, whoever ran it. */
async function resultsCountOnce(world: World, disk: Store, id: string): Promise<void> {
  const slice = await disk.history({ hub: asHubName(DEFAULT_HUB), instanceId: asInstanceId(id) }, 0);
  const results = (slice?.events ?? []).flatMap((event) => {
    if (event.kind === "TaskCompleted") return [event.taskScheduledId];
    return [];
  });
  if (new Set(results).size !== results.length) world.violate("E6", `${id} has results of the same activity twice`);
}
