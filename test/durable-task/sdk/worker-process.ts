// A worker of the SDK in a process of its own. The only argument is its configuration as JSON; it prints a line when it has
// connected, and one when it holds an item that it will never answer. It ends with its input.

import type { OrchestrationContext } from "@microsoft/durabletask-js";
import { chaosDefinitions } from "./chaos/shapes.ts";
import { type Definitions, sdkWorker } from "./sdk.ts";

export interface WorkerConfiguration {
  readonly address: string;
  readonly hub: string;
  readonly serves: "chaos" | "held turn" | "held activity";
}

const { address, hub, serves } = JSON.parse(process.argv[2] ?? "") as WorkerConfiguration;

function hold(): Promise<never> {
  process.stdout.write("holds\n");
  return new Promise(() => undefined);
}

const DEFINITIONS: { readonly [Serves in WorkerConfiguration["serves"]]: Definitions } = {
  chaos: chaosDefinitions,
  "held turn": {
    orchestrators: {
      // oxlint-disable-next-line require-yield -- it does not get so far
      async *steps() {
        await hold();
      },
    },
  },
  "held activity": {
    orchestrators: {
      async *steps(ctx: OrchestrationContext) {
        const result: unknown = yield ctx.callActivity("step");
        return result;
      },
    },
    activities: { step: hold },
  },
};

await sdkWorker({ address, hub, ...DEFINITIONS[serves], ...(serves === "chaos" && { worker: { workItemFilters: "auto" } }) });
process.stdout.write("connected\n");
process.stdin.once("end", () => process.exit(0)).resume();
