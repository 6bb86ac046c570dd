// 1,000 orchestrations of 5 activities in a process of their own, which may be killed and started again: PATH LOG.
// Each execution of an activity is a line in LOG; the last line of stdout is the milliseconds from opening to the end.

import { appendFileSync } from "node:fs";
import { defineActivity, defineOrchestrator, openEngine, openSqliteStore } from "../../src/index.ts";

const INSTANCES = 1_000;
const STEPS = 5;
const [path = "", log = ""] = process.argv.slice(2);
const add = defineActivity("add", (context, value: number) => {
  appendFileSync(log, `${context.instanceId} ${context.actionId} ${context.attempt}\n`);
  return value + 1;
});
const chain = defineOrchestrator("chain", async (context, steps: number) => {
  let value = 0;
  for (let step = 0; step < steps; step += 1) value = await context.callActivity(add, value);
  return value;
});

const started = performance.now();
await using engine = await openEngine({ store: await openSqliteStore({ path }), orchestrators: [chain], activities: [add] });
const ids = Array.from({ length: INSTANCES }, (_, index) => `chain-${index}`);
const isNew = (await engine.query({ limit: 1 })).instances.length === 0;
if (isNew) await Promise.all(ids.map((instanceId) => engine.start(chain, STEPS, { instanceId })));
const states = await Promise.all(ids.map((id) => engine.waitForCompletion(id)));
const wrong = states.find((state) => state.output !== STEPS);
if (wrong !== undefined) throw new Error(`ended as ${JSON.stringify(wrong)}`);
process.stdout.write(`${performance.now() - started}\n`);
