// The instances of a server and of a store's file, from the command line.

import { join } from "node:path";
import type { OrchestrationContext, TOrchestrator } from "@microsoft/durabletask-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";
import { allLeft, connectSdk, type Sdk } from "../durable-task/sdk/sdk.ts";
import { output, type RunningServer, refusal, startServer } from "./running-server.ts";

let built: BuiltCommand;
let sandbox: CommandSandbox;
let server: RunningServer;
let sdk: Sdk;
let mayWork = false;

const approval: TOrchestrator = async function* approval(ctx: OrchestrationContext): AsyncGenerator<unknown, unknown, unknown> {
  return yield ctx.waitForExternalEvent("approved");
};
const works: TOrchestrator = async function* works(ctx: OrchestrationContext): AsyncGenerator<unknown, unknown, unknown> {
  return yield ctx.callActivity("work", "x".repeat(500));
};

beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(async () => {
  await allLeft();
  built[Symbol.dispose]();
});
beforeEach(async () => {
  sandbox = new CommandSandbox(built.program, { "a.txt": "a" });
  mayWork = false;
  server = await startServer(sandbox, ["--store", join(sandbox.root, "store.db")]);
  sdk = await connectSdk({
    address: server.address,
    hub: "default",
    orchestrators: { approval, works },
    activities: {
      work: () => {
        if (mayWork) return "worked";
        throw new Error("not today");
      },
    },
  });
});
afterEach(async () => {
  await sdk[Symbol.asyncDispose]();
  sandbox[Symbol.dispose]();
});

const ask = (...args: readonly string[]): Promise<string> => output(sandbox, ["instances", ...args, "--server", server.address]);
const shown = async (id: string): Promise<{ readonly status: string; readonly [field: string]: unknown }> =>
  JSON.parse(await ask("show", id, "--json"));

async function start(name: string, id: string, input?: unknown): Promise<void> {
  await sdk.client.scheduleNewOrchestration(name, input, id);
  await sdk.client.waitForOrchestrationStart(id);
}

describe("instances of a running server", () => {
  test("are listed by filter and by page, for people and for programs", async () => {
    for (const id of ["a-1", "a-2", "b-1"]) await start("approval", id);
    await sdk.client.raiseOrchestrationEvent("a-2", "approved", "yes");
    await sdk.client.waitForOrchestrationCompletion("a-2");
    expect((await ask("list")).split("\n").map((line) => line.trim().split(/ {2,}/).slice(0, 3))).toEqual([
      ["STATUS", "INSTANCE", "NAME"],
      ["▸ running", "a-1", "approval"],
      ["✓ completed", "a-2", "approval"],
      ["▸ running", "b-1", "approval"],
      [""],
    ]);
    expect(await ask("list", "-q", "--status", "completed", "--status", "FAILED")).toBe("a-2\n");
    expect(await ask("list", "-q", "--prefix", "a-")).toBe("a-1\na-2\n");
    expect(await ask("list", "-q", "--name", "works")).toBe("");
    expect(await ask("list", "-q", "--since", "1h")).toBe("a-1\na-2\nb-1\n");
    expect(await ask("list", "-q", "--until", "1h")).toBe("");
    expect(await ask("list", "-q", "--since", "2999-01-01")).toBe("");
    expect(await ask("list", "-q", "--hub", "other")).toBe("");

    const first = JSON.parse(await ask("list", "--json", "--limit", "2")) as { readonly next: string };
    expect(first).toMatchObject({ schemaVersion: 1, instances: [{ instanceId: "a-1", status: "Running" }, { instanceId: "a-2" }] });
    expect(JSON.parse(await ask("list", "--json", "--after", first.next))).toMatchObject({
      instances: [{ instanceId: "b-1" }],
      next: null,
    });
  });

  test("are shown whole, with a history of an event a line", async () => {
    mayWork = true;
    await start("works", "w", { amount: 5 });
    await sdk.client.waitForOrchestrationCompletion("w");
    expect(await shown("w")).toMatchObject({
      schemaVersion: 1,
      name: "works",
      status: "Completed",
      input: { amount: 5 },
      output: "worked",
    });
    expect(await ask("show", "w")).toMatch(/^✓ w completed\n[\s\S]*input +\{"amount":5\}\n[\s\S]*output +"worked"\n/);
    const lines = (await ask("history", "w")).trimEnd().split("\n");
    expect(lines.map((line) => line.trim().split(/ {2,}/)[2])).toEqual(
      expect.arrayContaining(["OrchestratorStarted", "ExecutionStarted", "TaskScheduled 1", "TaskCompleted", "ExecutionCompleted 2"]),
    );
    expect(lines.find((line) => line.includes("TaskScheduled"))).toContain("… (502 characters)");
    const events = (await ask("history", "w", "--json"))
      .trimEnd()
      .split("\n")
      .map((line): { readonly position: number; readonly kind: string } => JSON.parse(line));
    expect(events.map(({ position }) => position)).toEqual(lines.map((_, position) => position));
    expect(events.find(({ kind }) => kind === "TaskScheduled")).toMatchObject({ name: "work", input: `"${"x".repeat(500)}"` });
  });

  test("are suspended, resumed, raised events for, terminated, restarted and purged", async () => {
    await start("approval", "a");
    expect(await ask("suspend", "a", "--reason", "lunch")).toBe("Suspended a.\n");
    expect(await ask("raise", "a", "approved", "--data", '{"by":"Ada"}')).toBe("Raised approved for a.\n");
    expect((await shown("a")).status).toBe("Suspended");
    expect(await ask("resume", "a")).toBe("Resumed a.\n");
    await sdk.client.waitForOrchestrationCompletion("a");
    expect((await shown("a"))["output"]).toEqual({ by: "Ada" });

    expect(await ask("restart", "a")).toBe("Restarted a.\n");
    await sdk.client.waitForOrchestrationStart("a");
    expect(await ask("terminate", "a", "--output", '"enough"')).toBe("Terminated a.\n");
    await sdk.client.waitForOrchestrationCompletion("a");
    expect(await shown("a")).toMatchObject({ status: "Terminated", output: "enough" });
    const id = /^Restarted a as (\S+)\.\n$/.exec(await ask("restart", "a", "--new-id"))?.[1] ?? "";
    await sdk.client.waitForOrchestrationStart(id);

    expect((await refusal(sandbox, ["instances", "purge", id, "--server", server.address])).errors).toContain(id);
    expect(await ask("purge", "a")).toBe("Purged 1 instance.\n");
    await ask("terminate", id);
    await sdk.client.waitForOrchestrationCompletion(id);
    expect(await ask("purge", "--status", "terminated")).toBe("Purged 1 instance.\n");
    expect(await ask("list", "-q")).toBe("");
  });

  test("that failed are rewound, and go on where they failed", async () => {
    await start("works", "w");
    await sdk.client.waitForOrchestrationCompletion("w");
    expect(await ask("show", "w")).toContain("not today");
    mayWork = true;
    expect(await ask("rewind", "w", "--reason", "now it works")).toBe("Rewound w.\n");
    await sdk.client.waitForOrchestrationCompletion("w");
    expect(await shown("w")).toMatchObject({ status: "Completed", output: "worked" });
  });

  test("what cannot be done is refused with its reason", async () => {
    await start("approval", "a");
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["show", "nobody"], "signalbox instances list"],
      [["history", "nobody"], "no instance"],
      [["raise", "nobody", "e"], "no instance"],
      [["raise", "a", "e", "--data", "yes"], `--data '"yes"'`],
      [["rewind", "a"], "only one that has failed"],
      [["restart", "a"], "active"],
      [["purge"], "Say what to purge"],
      [["purge", "a", "--status", "failed"], "Say what to purge"],
      [["list", "--status", "broken"], "running, completed"],
      [["list", "--since", "yesterday"], "time before now"],
      [["list", "--limit", "0"], "whole number"],
    ];
    for (const [args, message] of cases) {
      const ended = await refusal(sandbox, ["instances", ...args, "--server", server.address]);
      expect({ args, ...ended }).toMatchObject({ exitCode: 2, errors: expect.stringContaining(message) });
    }
  });
});

describe("instances of a store's file", () => {
  test("are read beside the server that owns it, and changed when nobody does", async () => {
    const place = ["--store", join(sandbox.root, "store.db")];
    await start("approval", "a");
    expect(await output(sandbox, ["instances", "list", "-q", ...place])).toBe("a\n");
    expect(await output(sandbox, ["instances", "show", "a", ...place])).toContain("running");
    expect(await output(sandbox, ["instances", "history", "a", ...place])).toContain("ExecutionStarted");
    const locked = await refusal(sandbox, ["instances", "terminate", "a", ...place]);
    expect(locked.errors).toMatch(/in use by process \d+\. Ask that server.*--server/);

    await server.command.killed();
    await output(sandbox, ["instances", "terminate", "a", ...place]);
    expect(await output(sandbox, ["instances", "show", "a", ...place])).toContain("terminated");
    expect(await output(sandbox, ["instances", "purge", "a", ...place])).toBe("Purged 1 instance.\n");
    expect(await output(sandbox, ["instances", "list", "-q", ...place])).toBe("");
  });

  test("that are not there, or are of no file, are refused; so is a server that is not there", async () => {
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [["list", "--store", join(sandbox.root, "none.db")], 2, "no store"],
      [["suspend", "a", "--store", join(sandbox.root, "none.db")], 2, "no store"],
      [["list", "--store", "postgres://localhost/x"], 2, "ask one of its servers"],
      [["list", "--store", "a.db", "--server", server.address], 2, "give one of them"],
      [["list", "--server", "127.0.0.1:1"], 5, "Is it running there?"],
    ];
    for (const [args, exitCode, message] of cases) {
      const ended = await refusal(sandbox, ["instances", ...args]);
      expect({ args, ...ended }).toMatchObject({ exitCode, errors: expect.stringContaining(message) });
    }
  });
});
