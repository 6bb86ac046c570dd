// Orchestrations of mixed shapes, while servers, workers and connections are struck at random. At the end all is quiet, and each
// orchestration has the result that it would have had anyway.

import { type TaskHubGrpcClient, terminateOptions } from "@microsoft/durabletask-js";
import { Random } from "../../../simulation/random.ts";
import { type CuttingProxy, openCuttingProxy } from "../../cutting-proxy.ts";
import { ChildProgram } from "../child-program.ts";
import { leave, sdkClient } from "../sdk.ts";
import { RoundRobin } from "./clients.ts";
import { type Blow, wreakHavoc } from "./havoc.ts";
import { KeptNode } from "./kept-node.ts";
import type { ChaosNode, DatabaseProxy } from "./node.ts";
import { OWN_SHAPES } from "./own-program.ts";
import { EVENTS, SDK_SHAPES, type Shape } from "./shapes.ts";

export interface ChaosOptions {
  /** All of one store. */
  readonly nodes: readonly ChaosNode[];
  /** Between them and their database. */
  readonly databases?: readonly DatabaseProxy[];
  readonly seconds: number;
  readonly seed: number;
  /** Each second one is ours, the others are the SDK's. */
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
  readonly blows: Readonly<Partial<Record<Blow, number>>>;
}

const HUB = "chaos";
const SHAPES = [...SDK_SHAPES, ...OWN_SHAPES];
const ENOUGH = terminateOptions({ output: "enough", recursive: true });
/** For a call, after the last blow. */
const PATIENCE_MS = 60_000;

/** Counts a signal for each instance of this shape that clients have started. */
export const TALLIED = "counted";
export const TALLY = "@account@tally";

/** When all that was started has ended `look` sees the quiet servers. Answers what nodes complained of in all of their lives. */
export async function runChaos(
  { nodes, databases = [], seconds, seed, workers: workerCount, width }: ChaosOptions,
  look: (client: TaskHubGrpcClient, report: ChaosReport) => Promise<void>,
): Promise<readonly string[]> {
  const random = new Random(seed);
  await using resources = new AsyncDisposableStack();
  const kept = nodes.map((node) => resources.use(new KeptNode(node, () => random.int("down", 0, 300))));
  const proxies: CuttingProxy[] = [];
  for (const { port } of nodes) {
    const cutAfter = (): number | undefined => (random.chance("cut", 0.3) ? random.int("bytes", 500, 200_000) : undefined);
    proxies.push(resources.use(await openCuttingProxy({ target: port, cutAfter })));
  }
  const clients = resources.use(
    new RoundRobin(
      proxies.map(({ port }) => port),
      HUB,
      seconds * 1_000 + PATIENCE_MS,
    ),
  );

  const startWorker = async (index: number): Promise<ChildProgram> => {
    const { address } = proxies[random.int("worker's node", 0, proxies.length - 1)] ?? { address: "" };
    const file = index % 2 === 0 ? "worker-process.ts" : "chaos/own-worker-process.ts";
    const program = new ChildProgram(file, { address, hub: HUB, serves: "chaos" });
    await program.ready;
    return program;
  };
  const workers = await Promise.all(Array.from({ length: workerCount }, (_, index) => startWorker(index)));
  resources.defer(async () => void (await Promise.all(workers.map((worker) => worker.kill()))));

  const endsAt = performance.now() + seconds * 1_000;
  const isOver = (): boolean => performance.now() >= endsAt;
  let isQuiet = false;
  const started: Started[] = [];
  const runOne = async (): Promise<void> => {
    const index = started.length;
    const shape = SHAPES[index % SHAPES.length];
    if (shape === undefined) throw new Error("there are no shapes");
    const { name } = shape;
    const id = `${name}-${index}`;
    started.push({ id, shape, seed: index });
    await clients.start(id, name, shape.input(index));
    const isSuspended = index % 7 === 0;
    const isStillToResume = isSuspended && (await clients.suspend(id));
    for (let item = 0; shape.raises !== undefined && item < EVENTS; item += 1) {
      await clients.raise(id, "item", item, shape.raises === "once" ? `${id} ${item}` : undefined);
    }
    if (name === TALLIED) await clients.signal(TALLY, "add", 1, id);
    if (isSuspended) await clients.resume(id);
    if (shape.ends === "Terminated") await clients.call((sdk) => sdk.terminateOrchestration(id, ENOUGH));
    await clients.end(id, () => isQuiet, isStillToResume);
  };
  const load = async (): Promise<void> => {
    while (!isOver()) await runOne();
  };
  const havoc = async (): Promise<ChaosReport["blows"]> => {
    try {
      return await wreakHavoc(random, { nodes: kept, proxies, databases, workers, startWorker }, isOver);
    } finally {
      isQuiet = true;
    }
  };

  const [blows] = await Promise.all([havoc(), ...Array.from({ length: width }, load)]);
  const [proxy] = proxies;
  if (proxy === undefined) throw new Error("there is no node");
  const client = sdkClient({ address: proxy.address, hub: HUB });
  resources.defer(() => leave(client));
  await look(client, { started, blows });
  // Until here: a node that has just thawed may still find that it was taken over.
  for (const node of kept) await node[Symbol.asyncDispose]();
  return kept.flatMap((node) => node.complaints);
}
