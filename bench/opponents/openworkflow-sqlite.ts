// openworkflow on its SQLite backend, one worker, with a concurrency that suits it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OpenWorkflow } from "openworkflow";
import { BackendSqlite } from "openworkflow/sqlite";
import { timed, type Work } from "../measure.ts";

/** `instances` workflows of `steps` sequential steps. */
export function openWorkflowSqlite(instances: number, steps: number): Work {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
    const backend = BackendSqlite.connect(join(directory, "openworkflow.db"));
    const client = new OpenWorkflow({ backend });
    const chain = client.defineWorkflow({ name: "chain" }, async ({ step }) => {
      let value = 0;
      for (let index = 0; index < steps; index += 1) {
        const before = value;
        value = await step.run({ name: `add-${index}` }, async () => before + 1);
      }
      return value;
    });
    const worker = client.newWorker({ concurrency: 50 });
    await worker.start();
    const done = await timed(instances * steps, async () => {
      const runs = await Promise.all(Array.from({ length: instances }, () => chain.run()));
      for (const run of runs) {
        const value = await run.result({ timeoutMs: 600_000 });
        if (value !== steps) throw new Error(`openworkflow answered ${String(value)}, not ${steps}`);
      }
    });
    await worker.stop();
    await backend.stop();
    rmSync(directory, { recursive: true, force: true });
    return done;
  };
}
