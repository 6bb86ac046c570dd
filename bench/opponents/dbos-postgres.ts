// DBOS, the durable execution library that keeps everything in PostgreSQL, on a database of its own on the same server.

import { DBOS } from "@dbos-inc/dbos-sdk";
import { timed, type Work } from "../measure.ts";

const add = async (value: number): Promise<number> => value + 1;

async function runChain(steps: number): Promise<number> {
  let value = 0;
  for (let step = 0; step < steps; step += 1) {
    const before = value;
    value = await DBOS.runStep(() => add(before), { name: "add" });
  }
  return value;
}

export interface Dbos {
  /** `instances` workflows of `steps` sequential steps. */
  readonly chains: (instances: number, steps: number) => Work;
  readonly close: () => Promise<void>;
}

/** `url` names a database that DBOS may create its tables in. It writes nothing to the console. */
export async function openDbos(url: string): Promise<Dbos> {
  const silent = { info: () => {}, debug: () => {}, warn: () => {}, error: () => {} };
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, systemDatabasePoolSize: 20, logger: silent });
  const chain = DBOS.registerWorkflow(runChain, { name: "chain" });
  await DBOS.launch();
  return {
    chains: (instances, steps) => () =>
      timed(instances * steps, async () => {
        const handles = await Promise.all(Array.from({ length: instances }, () => DBOS.startWorkflow(chain)(steps)));
        const results = await Promise.all(handles.map((handle) => handle.getResult()));
        const wrong = results.find((result) => result !== steps);
        if (wrong !== undefined) throw new Error(`DBOS answered ${wrong}, not ${steps}`);
      }),
    close: () => DBOS.shutdown(),
  };
}
