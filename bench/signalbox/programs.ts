// The orchestrations that the benchmarks run on the embedded engine.

import { defineActivity, defineOrchestrator, type Engine, openEngine, openPostgresStore, openSqliteStore } from "../../src/index.ts";
import { type Done, timed } from "../measure.ts";

export const add = defineActivity("add", (_context, value: number) => value + 1);

export const chain = defineOrchestrator("chain", async (context, steps: number) => {
  let value = 0;
  for (let step = 0; step < steps; step += 1) value = await context.callActivity(add, value);
  return value;
});

export const fanOut = defineOrchestrator("fan-out", async (context, width: number) => {
  const values = await Promise.all(Array.from({ length: width }, (_, index) => context.callActivity(add, index)));
  return values.reduce((sum, value) => sum + value, 0);
});

export const wait = defineOrchestrator("wait", async (context) => {
  await context.waitForEvent("go");
  return "gone";
});

export async function openOn(path: string, threadUrl?: URL): Promise<Engine> {
  const store = await openSqliteStore({ path, ...(threadUrl === undefined ? {} : { threadUrl }) });
  return openEngine({ store, orchestrators: [chain, fanOut, wait], activities: [add] });
}

/** A node on a PostgreSQL database, whose tables lie in that schema. */
export async function openOnPostgres(url: string, schema: string): Promise<Engine> {
  const store = await openPostgresStore({ url, schema });
  return openEngine({ store, orchestrators: [chain, fanOut, wait], activities: [add] });
}

/** Opens an engine over an SQLite file, does the work once so that code on both threads is warm, then times it. */
export async function onEngine(path: string, units: number, work: (engine: Engine) => Promise<void>): Promise<Done> {
  const engine = await openOn(path);
  try {
    await work(engine);
    return await timed(units, () => work(engine));
  } finally {
    await engine.close();
  }
}

export async function runChains(engine: Engine, instances: number, steps: number): Promise<void> {
  const ids = await Promise.all(Array.from({ length: instances }, () => engine.start(chain, steps)));
  const states = await Promise.all(ids.map((id) => engine.waitForCompletion(id)));
  const wrong = states.find((state) => state.output !== steps);
  if (wrong !== undefined) throw new Error(`a chain of ${steps} ended as ${JSON.stringify(wrong)}`);
}

/** One after the other. */
export async function runFanOuts(engine: Engine, count: number, width: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await runFanOut(engine, width);
}

async function runFanOut(engine: Engine, width: number): Promise<void> {
  const state = await engine.waitForCompletion(await engine.start(fanOut, width));
  if (state.output !== (width * (width + 1)) / 2) throw new Error(`a fan-out of ${width} ended as ${JSON.stringify(state)}`);
}
