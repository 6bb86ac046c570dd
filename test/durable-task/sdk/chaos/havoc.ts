// What befalls servers, workers and connections: one thing after the other, in an order that a seed gives. Each kind comes
// again only when every other one has come.

import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../../../simulation/random.ts";
import type { CuttingProxy } from "../../cutting-proxy.ts";
import type { ChildProgram } from "../child-program.ts";
import type { KeptNode } from "./kept-node.ts";
import type { DatabaseProxy } from "./node.ts";

const BLOWS = {
  "nodes killed": 1,
  "nodes ended": 1,
  "nodes frozen": 1,
  "workers killed": 2,
  "workers frozen": 1,
  "connections cut": 2,
  "database connections cut": 2,
} as const;
export type Blow = keyof typeof BLOWS;

export interface HavocTargets {
  readonly nodes: readonly KeptNode[];
  /** Of clients and workers. */
  readonly proxies: readonly CuttingProxy[];
  /** None: the store is a file. */
  readonly databases: readonly DatabaseProxy[];
  readonly workers: ChildProgram[];
  readonly startWorker: (index: number) => Promise<ChildProgram>;
}

/** Until it is over; answers what there was. What is frozen then has been thawed. */
export async function wreakHavoc(
  random: Random,
  targets: HavocTargets,
  isOver: () => boolean,
): Promise<Readonly<Partial<Record<Blow, number>>>> {
  const counts: Partial<Record<Blow, number>> = {};
  const frozen: Promise<void>[] = [];
  for (let bag: Blow[] = []; !isOver(); ) {
    await pause(random.int("pause", 50, 800));
    if (bag.length === 0) bag = possibleBlows(targets);
    const [blow] = bag.splice(random.int("blow", 0, bag.length - 1), 1);
    if (blow === undefined) break;
    counts[blow] = (counts[blow] ?? 0) + 1;
    await strike(blow, random, targets, frozen);
  }
  await Promise.all(frozen);
  return counts;
}

/** One node that stands still is no matter for others. */
function possibleBlows({ nodes, databases }: HavocTargets): Blow[] {
  const all = Object.keys(BLOWS) as Blow[]; // Of a constant.
  const possible = all.filter((blow) =>
    blow === "nodes frozen" ? nodes.length > 1 : blow === "database connections cut" ? databases.length > 0 : true,
  );
  return possible.flatMap((blow) => Array.from({ length: BLOWS[blow] }, () => blow));
}

async function strike(blow: Blow, random: Random, targets: HavocTargets, frozen: Promise<void>[]): Promise<void> {
  const one = <T>(list: readonly T[]): T | undefined => list[random.int("which", 0, list.length - 1)];
  switch (blow) {
    case "nodes killed":
      return await one(targets.nodes)?.kill();
    case "nodes ended":
      return await one(targets.nodes)?.stop();
    case "nodes frozen": {
      // Longer than the others wait, or not.
      const freezing = one(targets.nodes)?.freeze(random.int("frozen", 300, 6_000));
      if (freezing !== undefined) frozen.push(freezing);
      return;
    }
    case "workers killed": {
      const index = random.int("worker", 0, targets.workers.length - 1);
      await targets.workers[index]?.kill();
      targets.workers[index] = await targets.startWorker(index);
      return;
    }
    case "workers frozen": {
      // Longer than an answer may take, or not.
      const thaw = one(targets.workers)?.freeze();
      frozen.push(pause(random.int("frozen", 300, 6_500)).then(thaw));
      return;
    }
    case "connections cut":
      return one(targets.proxies)?.cutAll();
    case "database connections cut":
      return one(targets.databases)?.cutAfter(random.int("bytes", 0, 20_000));
    default:
      return blow satisfies never;
  }
}
