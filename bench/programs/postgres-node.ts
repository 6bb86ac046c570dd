// One node of several on a PostgreSQL database: URL SCHEMA. Prints `ready`; then each line of its stdin is a command, answered
// by one line: `chains INSTANCES STEPS` with the milliseconds that they took, `wait PREFIX COUNT` when as many orchestrations
// wait for an event. Ends with its stdin.

import { createInterface } from "node:readline";
import { openOnPostgres, runChains, wait } from "../signalbox/programs.ts";

const [url = "", schema = ""] = process.argv.slice(2);
const engine = await openOnPostgres(url, schema);
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const [command, first = "", second = ""] = line.split(" ");
  if (command === "chains") {
    const started = performance.now();
    await runChains(engine, Number(first), Number(second));
    process.stdout.write(`${performance.now() - started}\n`);
  } else if (command === "wait") {
    const ids = await Promise.all(
      Array.from({ length: Number(second) }, (_, index) => engine.start(wait, undefined, { instanceId: `${first}${index}` })),
    );
    await Promise.all(ids.map((id) => engine.waitForStart(id)));
    process.stdout.write("waiting\n");
  } else throw new Error(`unknown command ${line}`);
}
await engine.close();
