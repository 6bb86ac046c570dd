// 100,000 orchestrations that wait: what each costs once it is cold, and what an idle engine costs. PATH; prints JSON.

import { engineEnvironment } from "../../src/host/engine-environment.ts";
import { openSqliteStore } from "../../src/index.ts";
import { openEngine } from "../../src/loops/open-engine.ts";
import { wait } from "../signalbox/programs.ts";

const INSTANCES = 100_000;
const IDLE_MS = 5_000;
const [path = ""] = process.argv.slice(2);
const collect = globalThis.gc;
if (collect === undefined) throw new Error("start it with --expose-gc");

await using engine = await openEngine({
  store: await openSqliteStore({ path }),
  orchestrators: [wait],
  activities: [],
  environment: { ...engineEnvironment, limits: { idleMs: 100 } },
});
const before = used();
for (let index = 0; index < INSTANCES; index += 10_000) {
  const ids = await Promise.all(Array.from({ length: 10_000 }, () => engine.start(wait, undefined)));
  await Promise.all(ids.map((id) => engine.waitForStart(id)));
}
// They become cold one after the other; memory has settled when two looks in a row see the same.
let after = used();
for (let last = Number.POSITIVE_INFINITY; last - after > 10_000; ) {
  await new Promise((resolve) => setTimeout(resolve, 500));
  last = after;
  after = used();
}
const cpu = process.cpuUsage();
const started = performance.now();
await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
const { user, system } = process.cpuUsage(cpu);
const idlePercent = ((user + system) / 1_000 / (performance.now() - started)) * 100;
const { instances } = await engine.query({ status: ["Running"], limit: 1 });
if (instances.length !== 1) throw new Error("nobody waits");
process.stdout.write(`${JSON.stringify({ bytesEach: (after - before) / INSTANCES, idlePercent })}\n`);

function used(): number {
  collect?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
