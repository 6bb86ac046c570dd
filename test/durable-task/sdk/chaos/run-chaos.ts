// Orchestrations of mixed shapes, while servers, workers and connections are killed at random. At the end all is quiet, and each
// orchestration has the result that it would have had anyway.

import { setTimeout as pause } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { type OrchestrationState, type TaskHubGrpcClient, terminateOptions } from "@microsoft/durabletask-js";
import { TestClient } from "../../../../src/server/grpc/server-fixture.ts";
import { Random } from "../../../simulation/random.ts";
import { type CuttingProxy, openCuttingProxy } from "../../cutting-proxy.ts";
import { ChildProgram } from "../child-program.ts";
import { codeOf, persist } from "../persist.ts";
import { leave, sdkClient } from "../sdk.ts";
import type { ChaosNode } from "./node.ts";
import { EVENTS, SHAPES, type Shape } from "./shapes.ts";

export interface ChaosOptions {
  /** All of one store. */
  readonly nodes: readonly ChaosNode[];
  readonly seconds: number;
  readonly seed: number;
  readonly workers: number;
  /** Orchestrations that are open at once. */
  readonly width: number;
}

export interface Started {
  readonly id: string;
  readonly shape: Shape;
  readonly seed: number;
}

export interface ChaosReport {
  readonly started: readonly Started[];
  readonly kills: Readonly<Record<Victim, number>>;
}

type Victim = "nodes" | "workers" | "connections";

const HUB = "chaos";
/** A call that waits longer than this without having been cut waits for nothing. */
const STUCK_S = 45;
const ENOUGH = terminateOptions({ output: "enough", recursive: true });

/** Resolves when all that was started has ended. `look` sees the quiet servers. */
export async function runChaos(
  { nodes, seconds, seed, workers: workerCount, width }: ChaosOptions,
  look: (client: TaskHubGrpcClient, report: ChaosReport) => Promise<void>,
): Promise<void> {
  const random = new Random(seed);
  await using resources = new AsyncDisposableStack();
  const proxies: CuttingProxy[] = [];
  for (const { port } of nodes) {
    const cutAfter = (): number | undefined => (random.chance("cut", 0.3) ? random.int("bytes", 500, 200_000) : undefined);
    proxies.push(resources.use(await openCuttingProxy({ target: port, cutAfter })));
  }
  const clients = proxies.map(({ address, port }) => ({ sdk: sdkClient({ address, hub: HUB }), raw: new TestClient(port, { hub: HUB }) }));
  resources.defer(() => {
    for (const { sdk, raw } of clients) {
      leave(sdk);
      raw.close();
    }
  });

  // Any call may arrive at any node, and if it fails there, at the next.
  let calls = 0;
  const anywhere = <T>(call: (client: TaskHubGrpcClient, raw: TestClient) => Promise<T>): Promise<T> =>
    persist(
      () => {
        const client = clients[calls++ % clients.length];
        if (client === undefined) throw new Error("there is no node");
        return call(client.sdk, client.raw);
      },
      (seconds + 60) * 1_000,
    );

  const startWorker = async (index: number): Promise<ChildProgram> => {
    const { address } = proxies[index % proxies.length] ?? proxies[0] ?? { address: "" };
    const program = new ChildProgram("worker-process.ts", { address, hub: HUB, serves: "chaos" });
    await program.ready;
    return program;
  };
  const workers = await Promise.all(Array.from({ length: workerCount }, (_, index) => startWorker(index)));
  resources.defer(async () => void (await Promise.all(workers.map((worker) => worker.kill()))));

  const kills = { nodes: 0, workers: 0, connections: 0 };
  const end = performance.now() + seconds * 1_000;
  const isOver = (): boolean => performance.now() >= end;

  /** One thing after the other goes, and comes back. */
  const havoc = async (): Promise<void> => {
    while (!isOver()) {
      await pause(random.int("pause", 50, 800));
      const what = random.pick<Victim>("what", ["nodes", "workers", "workers", "connections", "connections"]);
      kills[what] += 1;
      if (what === "nodes") {
        const node = nodes[random.int("node", 0, nodes.length - 1)];
        await node?.kill();
        await pause(random.int("down", 0, 300));
        await node?.start();
      } else if (what === "workers") {
        const index = random.int("worker", 0, workers.length - 1);
        await workers[index]?.kill();
        workers[index] = await startWorker(index);
      } else {
        proxies[random.int("proxy", 0, proxies.length - 1)]?.cutAll();
      }
    }
  };

  const started: Started[] = [];
  const runOne = async (): Promise<void> => {
    const index = started.length;
    const shape = SHAPES[index % SHAPES.length];
    if (shape === undefined) throw new Error("there are no shapes");
    const one: Started = { id: `${shape.name}-${index}`, shape, seed: index };
    started.push(one);
    await anywhere((_, raw) => startOnce(raw, one));
    if (index % 7 === 0) await anywhere((client) => ignoringEnded(client.suspendOrchestration(one.id)));
    if (shape.takesEvents) {
      for (let item = 0; item < EVENTS; item += 1) {
        await anywhere((client) => ignoringEnded(client.raiseOrchestrationEvent(one.id, "item", item)));
      }
    }
    if (index % 7 === 0) await anywhere((client) => ignoringEnded(client.resumeOrchestration(one.id)));
    if (shape.ends === "Terminated") await anywhere((client) => client.terminateOrchestration(one.id, ENOUGH));
    const state = await anywhere((client) => endOf(client, one.id));
    if (state === undefined) throw new Error(`${one.id} is gone`);
  };
  const load = async (): Promise<void> => {
    while (!isOver()) await runOne();
  };

  await Promise.all([havoc(), ...Array.from({ length: width }, load)]);
  const [client] = clients;
  if (client === undefined) throw new Error("there is no node");
  await look(client.sdk, { started, kills });
}

/** One that does not end is shown as it is. */
async function endOf(client: TaskHubGrpcClient, id: string): Promise<OrchestrationState | undefined> {
  try {
    return await client.waitForOrchestrationCompletion(id, false, STUCK_S);
  } catch (error) {
    if (codeOf(error) !== undefined) throw error;
    const state = await persist(() => client.getOrchestrationState(id));
    const history = await persist(() => client.getOrchestrationHistory(id));
    const events = history.map((event) => JSON.stringify(event)).join("\n");
    throw new Error(`${id} has not ended within ${STUCK_S} s:\n${JSON.stringify(state)}\n${events}`, { cause: error });
  }
}

/** A repeated start finds its own instance, which must not be replaced even if it has ended by now. */
async function startOnce(client: TestClient, { id, shape, seed }: Started): Promise<void> {
  const input = JSON.stringify(shape.input(seed));
  try {
    await client.call("startInstance", { instanceId: id, name: shape.name, input, orchestrationIdReusePolicy: {} });
  } catch (error) {
    if (codeOf(error) !== status.ALREADY_EXISTS) throw error;
  }
}

/** A call that is made again may find that the first one, which was never answered, has led to the instance's end. */
async function ignoringEnded(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (codeOf(error) !== status.FAILED_PRECONDITION) throw error;
  }
}
