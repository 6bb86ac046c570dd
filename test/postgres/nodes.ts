// Engines of one database in this process: each is a node.

import { engineEnvironment } from "../../src/host/engine-environment.ts";
import type { Engine } from "../../src/loops/engine.ts";
import type { EngineEnvironment, EngineLimits } from "../../src/loops/environment.ts";
import { openEngine } from "../../src/loops/open-engine.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { openPostgresStore } from "../../src/store/postgres/open-postgres-store.ts";

/** Which node ran it. */
export interface Ran {
  readonly node: string;
  readonly what: string;
}

export interface Node extends AsyncDisposable {
  readonly name: string;
  readonly engine: Engine;
  readonly epoch: number;
}

export interface NodeOptions {
  readonly url: string;
  readonly schema: string;
  readonly limits?: Partial<EngineLimits>;
  /** What this machine's clock is off by. */
  readonly skewMs?: number;
  /** It has no code: what it starts runs elsewhere. */
  readonly isClient?: boolean;
  /** Activities begin here and never end. */
  readonly hangs?: boolean;
  readonly ran?: (ran: Ran) => void;
}

export const sleep = defineOrchestrator("sleep", async (context, ms: number) => {
  await context.createTimer(ms);
  return "woken";
});
export const wait = defineOrchestrator("wait", async (context, name: string) => await context.waitForEvent(name));

let lastNode = 0;

export async function openNode(options: NodeOptions): Promise<Node> {
  const { url, schema, limits, skewMs = 0, hangs = false, isClient = false, ran } = options;
  const name = `node-${++lastNode}`;
  const note = (what: string): void => ran?.({ node: name, what });
  const work = defineActivity("work", async (_context, value: number) => {
    note(`work ${value}`);
    if (hangs) await new Promise(() => {});
    return value + 1;
  });
  const chain = defineOrchestrator("chain", async (context, steps: number) => {
    let value = 0;
    while (value < steps) value = await context.callActivity(work, value);
    return value;
  });
  const spread = defineOrchestrator("spread", async (context, width: number) => {
    const all = await Promise.all(Array.from({ length: width }, (_, at) => context.callActivity(work, at)));
    return all.length;
  });
  const family = defineOrchestrator("family", async (context, width: number) => {
    const all = await Promise.all(Array.from({ length: width }, () => context.callSubOrchestration(chain, 2)));
    return all.length;
  });
  const code = { orchestrators: [chain, spread, family, sleep, wait], activities: [work] };
  const store = await openPostgresStore({ url, schema, reconnectMs: 5_000 });
  const { clock } = engineEnvironment;
  const environment: EngineEnvironment = {
    ...engineEnvironment,
    clock: { ...clock, now: () => clock.now() + skewMs },
    ...(limits !== undefined && { limits }),
  };
  const engine = await openEngine({ store, environment, ...(isClient ? { orchestrators: [], activities: [] } : code) });
  return { name, engine, epoch: store.epoch, [Symbol.asyncDispose]: () => engine.close({ drainMs: 500 }) };
}
