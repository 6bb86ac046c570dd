// A worker in a process of its own, to be killed: `node worker-process.ts ADDRESS MARKS`. It kills itself in the middle of the
// first turn and of the first activity that it has not left a mark for, in the folder MARKS.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import { defineActivity, defineOrchestrator } from "../../src/runtime/define.ts";
import { remoteEnvironment } from "./remote-environment.ts";

const [address = "", marks = ""] = process.argv.slice(2);

function dieOnce(where: string): void {
  const mark = join(marks, where);
  if (existsSync(mark)) return;
  writeFileSync(mark, "");
  process.kill(process.pid, "SIGKILL");
}

const deadly = defineActivity("deadly", (_, n: number) => {
  dieOnce("activity");
  return n;
});
const fragile = defineOrchestrator("fragile", async (ctx, n: number) => {
  const first = await ctx.callActivity(deadly, n);
  dieOnce("turn");
  const told = await ctx.waitForEvent("told");
  return [first, told] as const;
});

const worker = connectWorker({ address, environment: remoteEnvironment, orchestrators: [fragile], activities: [deadly] });
process.stdout.write("here\n");
await worker.stopped;
