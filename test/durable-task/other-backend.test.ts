// The same definitions on a server that is not ours: whole histories, no options of activities, no markers.

import { expect, test } from "vitest";
import { connectClient } from "../../src/remote/client/remote-client.ts";
import { connectWorker } from "../../src/remote/worker/remote-worker.ts";
import { openPlainBackend } from "./plain-backend.ts";
import { remoteEnvironment } from "./remote-environment.ts";
import { SCENARIOS } from "./scenarios.ts";

const environment = remoteEnvironment;

test.each(SCENARIOS)("another server: $name", async ({ orchestrators, activities, run, ends }) => {
  await using backend = await openPlainBackend();
  const { address } = backend;
  await using client = connectClient({ address, environment });
  await using worker = connectWorker({ address, environment, orchestrators, activities, onEvent: () => {} });
  const { input: _, ...seen } = ends;
  expect(await client.waitForCompletion(await run(client))).toMatchObject(seen);
  expect(backend.abandoned).toEqual([]);
  await worker.close({ drainMs: 0 });
});
