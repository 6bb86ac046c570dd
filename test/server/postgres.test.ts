// The built command over PostgreSQL: its driver is in the bundle, and its password is nowhere.

import type { OrchestrationContext } from "@microsoft/durabletask-js";
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

test("a server that stood still for longer than the others wait ends by itself, and changes nothing", async () => {
  using sandbox = new CommandSandbox(built.program, { "a.txt": "a" });
  const store = ["--store", postgres.url];
  const [one, two] = await Promise.all([startServer(sandbox, store), startServer(sandbox, store)]);
  const hub = "frozen";
  const orchestrators = {
    async *waits(ctx: OrchestrationContext): AsyncGenerator<unknown, unknown, unknown> {
      return yield ctx.waitForExternalEvent("go");
    },
  };
  // Its instances are the first server's own, until that stands still.
  await using first = await connectSdk({ address: one.address, hub, orchestrators });
  const ids = Array.from({ length: 20 }, (_, index) => `w${index}`);
  for (const id of ids) await first.client.scheduleNewOrchestration("waits", undefined, id);
  for (const id of ids) await first.client.waitForOrchestrationStart(id);
  one.command.kill("SIGSTOP");
  await using second = await connectSdk({ address: two.address, hub, orchestrators });
  for (const id of ids) await second.client.raiseOrchestrationEvent(id, "go", id);
  for (const id of ids) {
    expect(await second.client.waitForOrchestrationCompletion(id)).toMatchObject({ serializedOutput: JSON.stringify(id) });
  }
  const histories = (): Promise<unknown[]> => Promise.all(ids.map((id) => second.client.getOrchestrationHistory(id)));
  const before = await histories();
  one.command.kill("SIGCONT");
  expect(await one.command.ended).toMatchObject({ exitCode: 5, errors: expect.stringContaining("gave no sign of life") });
  expect(await histories()).toEqual(before);
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
