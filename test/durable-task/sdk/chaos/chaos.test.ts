// Servers, workers and connections die at random, for as long as SIGNALBOX_CHAOS_SECONDS says.

import { expect, test } from "vitest";
import { allLeft } from "../sdk.ts";
import { startServer } from "../start-server.ts";
import { checkQuiet } from "./check-quiet.ts";
import { runChaos } from "./run-chaos.ts";

const seconds = Number(process.env["SIGNALBOX_CHAOS_SECONDS"] ?? 20);
const seed = Number(process.env["SIGNALBOX_CHAOS_SEED"] ?? 1);

test(
  `SQLite, one node, ${seconds} s of chaos by the seed ${seed}: every orchestration has its right result`,
  async () => {
    await using node = await startServer({
      workers: {
        answerMs: { orchestration: 5_000, entity: 5_000 },
        drainMs: { orchestration: 200, activity: 200, entity: 200 },
        firstPauseMs: 50,
        maxPauseMs: 1_000,
      },
    });
    await runChaos({ nodes: [node], seconds, seed, workers: 3, width: 24 }, async (client, report) => {
      const { started, kills } = report;
      console.log(`${started.length} orchestrations; killed: ${JSON.stringify(kills)}`);
      expect(Math.min(...Object.values(kills))).toBeGreaterThan(0);
      await checkQuiet(client, report);
      expect(node.errors).toBe("");
    });
    await allLeft();
  },
  (seconds + 120) * 1_000,
);
