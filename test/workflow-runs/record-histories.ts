// Writes test/fixtures/histories, once for each release: `node test/workflow-runs/record-histories.ts <version>`. What is
// there is never written again.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FakeHost, untilCancelled } from "../../src/workflow/run/fake-host.ts";
import { RUN_ID } from "../../src/workflow/run/fake-records.ts";
import { HISTORY_SHAPES } from "./history-shapes.ts";
import { RunBench } from "./run-bench.ts";

const [version] = process.argv.slice(2);
if (version === undefined) throw new Error("say which version records them");
const directory = join(import.meta.dirname, "../fixtures/histories", version);
mkdirSync(directory, { recursive: true });

for (const [name, { plan, called, options, steps = {}, pres = [], cancelIn }] of Object.entries(HISTORY_SHAPES)) {
  const file = join(directory, `${name}.json`);
  if (existsSync(file)) continue;
  const begun = Promise.withResolvers<void>();
  const watched =
    cancelIn === undefined
      ? {}
      : { [cancelIn]: (attempt: Parameters<typeof untilCancelled>[0]) => (begun.resolve(), untilCancelled(attempt)) };
  await using bench = await RunBench.open({
    plan,
    ...(called === undefined ? {} : { called }),
    ...(options === undefined ? {} : { options }),
    host: new FakeHost({ steps: { ...steps, ...watched }, pres }),
  });
  await bench.start();
  if (cancelIn !== undefined) {
    await begun.promise;
    await bench.cancel();
  }
  await bench.outcome();
  const { instances } = await bench.engine.query({ idPrefix: RUN_ID });
  const histories = await Promise.all(
    instances.map(async ({ instanceId, executionId }) => ({ instanceId, executionId, events: await bench.engine.history(instanceId) })),
  );
  writeFileSync(file, `${JSON.stringify({ plan, called, options, histories, view: bench.view() }, null, 1)}\n`);
}
