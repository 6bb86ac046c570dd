// Servers, workers and connections die at random, for as long as SIGNALBOX_CHAOS_SECONDS says.

import { afterAll, expect, test } from "vitest";
import { startPostgres } from "../../../postgres/server.ts";
import { allLeft } from "../sdk.ts";
import { type RunningServer, type ServerLimits, startServer } from "../start-server.ts";
import { checkQuiet } from "./check-quiet.ts";
import { runChaos } from "./run-chaos.ts";

const seconds = Number(process.env["SIGNALBOX_CHAOS_SECONDS"] ?? 20);
const seed = Number(process.env["SIGNALBOX_CHAOS_SEED"] ?? 1);

const limits: ServerLimits = {
  workers: {
    answerMs: { orchestration: 5_000, entity: 5_000 },
    drainMs: { orchestration: 200, activity: 200, entity: 200 },
    firstPauseMs: 50,
    maxPauseMs: 1_000,
  },
};

afterAll(allLeft);

async function chaos(nodes: readonly RunningServer[], workers: number): Promise<void> {
  await runChaos({ nodes, seconds, seed, workers, width: 24 }, async (client, report) => {
    const { started, kills } = report;
    console.log(`${started.length} orchestrations by the seed ${seed}; killed: ${JSON.stringify(kills)}`);
    expect(Math.min(...Object.values(kills))).toBeGreaterThan(0);
    await checkQuiet(client, report);
    expect(nodes.map(({ errors }) => errors)).toEqual(nodes.map(() => ""));
  });
}

test(
  `SQLite, one node, ${seconds} s of chaos: every orchestration has its right result`,
  async () => {
    await using node = await startServer(limits);
    await chaos([node], 3);
  },
  (seconds + 120) * 1_000,
);

test(
  `PostgreSQL, three nodes, ${seconds} s of chaos: every orchestration has its right result`,
  async () => {
    await using postgres = await startPostgres();
    await using resources = new AsyncDisposableStack();
    const nodes: RunningServer[] = [];
    for (let node = 0; node < 3; node += 1) nodes.push(resources.use(await startServer(limits, postgres.url)));
    await chaos(nodes, 4);
  },
  (seconds + 120) * 1_000,
);
