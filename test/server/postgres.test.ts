// The built command over PostgreSQL: its driver is in the bundle, and its password is nowhere.

import { afterAll, beforeAll, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";
import { allLeft, connectSdk } from "../durable-task/sdk/sdk.ts";
import { useServer } from "../postgres/backend.ts";
import { refusal, startServer } from "./running-server.ts";

const postgres = useServer();
let built: BuiltCommand;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(async () => {
  await allLeft();
  built[Symbol.dispose]();
});

test("two servers share a database, and any of them answers", async () => {
  using sandbox = new CommandSandbox(built.program, { "a.txt": "a" });
  const url = new URL(postgres.url);
  url.password = "pass-word";
  const store = ["--store", url.href];
  const [one, two] = await Promise.all([startServer(sandbox, store), startServer(sandbox, store)]);
  await using worker = await connectSdk({
    address: one.address,
    hub: "default",
    orchestrators: {
      async *greet(ctx, name: string): AsyncGenerator<unknown, unknown, unknown> {
        return yield ctx.callActivity("greeting", name);
      },
    },
    activities: { greeting: (_, name: string) => `Hello ${name}` },
  });
  await using other = await connectSdk({ address: two.address, hub: "default" });
  await worker.client.scheduleNewOrchestration("greet", "Ada", "g");
  expect(await other.client.waitForOrchestrationCompletion("g")).toMatchObject({ serializedOutput: '"Hello Ada"' });
  for (const { command } of [one, two]) {
    command.kill("SIGTERM");
    const { exitCode, output, errors } = await command.ended;
    expect({ exitCode, errors }).toMatchObject({ exitCode: 0 });
    expect(output + errors).not.toContain("pass-word");
  }
});

test("a database that is not there is told without its password", async () => {
  using sandbox = new CommandSandbox(built.program, { "a.txt": "a" });
  const ended = await refusal(sandbox, [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--http",
    "off",
    "--store",
    "postgres://u:pass-word@127.0.0.1:1/x",
  ]);
  expect(ended).toMatchObject({ exitCode: 5, errors: expect.stringContaining("ECONNREFUSED") });
  expect(ended.errors).not.toContain("pass-word");
});
