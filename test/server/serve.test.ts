// The server as people run it: the built command, with the JavaScript SDK at its door.

import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type OrchestrationContext, OrchestrationStatus, type TOrchestrator } from "@microsoft/durabletask-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { CommandSandbox } from "../command/command-sandbox.ts";
import { allLeft, connectSdk, type Sdk, type SdkOptions } from "../durable-task/sdk/sdk.ts";
import { output, type RunningServer, refusal, signalbox, startServer } from "./running-server.ts";

const SECRET = "a-payload-that-no-log-may-show";

let built: BuiltCommand;
let sandbox: CommandSandbox;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(async () => {
  await allLeft();
  built[Symbol.dispose]();
});
beforeEach(() => {
  sandbox = new CommandSandbox(built.program, { "a.txt": "a" });
});
afterEach(() => sandbox[Symbol.dispose]());

const double: TOrchestrator = async function* double(ctx: OrchestrationContext, value: number): AsyncGenerator<unknown, unknown, number> {
  return yield ctx.callActivity("double", value);
};
const approval: TOrchestrator = async function* approval(ctx: OrchestrationContext): AsyncGenerator<unknown, unknown, unknown> {
  return yield ctx.waitForExternalEvent("approved");
};

function connect(server: RunningServer, more: Partial<SdkOptions> = {}): Promise<Sdk> {
  return connectSdk({
    address: server.address,
    hub: "default",
    orchestrators: { double, approval },
    activities: { double: (_, value: number) => value * 2 },
    ...more,
  });
}

async function metric(server: RunningServer, line: string): Promise<number> {
  const text = await (await fetch(`${server.http}/metrics`)).text();
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length + 1));
}

describe("serve", () => {
  test("runs what an SDK starts, says how it goes, and shuts down in good order", async () => {
    const server = await startServer(sandbox, ["--log-level", "debug"]);
    await using sdk = await connect(server);
    await sdk.client.scheduleNewOrchestration("double", 21, "one");
    expect(await sdk.client.waitForOrchestrationCompletion("one")).toMatchObject({ serializedOutput: "42" });
    const waiting = await sdk.client.scheduleNewOrchestration("approval", SECRET);
    await sdk.client.raiseOrchestrationEvent(waiting, "approved", SECRET);
    expect(await sdk.client.waitForOrchestrationCompletion(waiting)).toMatchObject({ serializedOutput: JSON.stringify(SECRET) });
    await expect(sdk.client.raiseOrchestrationEvent("nobody", "approved")).rejects.toThrow();

    expect(await (await fetch(`${server.http}/healthz`)).text()).toBe("ok\n");
    expect(await (await fetch(`${server.http}/readyz`)).text()).toBe("ready\n");
    expect((await fetch(`${server.http}/`)).status).toBe(404);
    expect((await fetch(`${server.http}/metrics`, { method: "POST", body: "x" })).status).toBe(405);
    expect(await metric(server, 'signalbox_instances_started_total{hub="default"}')).toBe(2);
    expect(await metric(server, 'signalbox_instances_ended_total{hub="default",status="Completed"}')).toBe(2);
    expect(await metric(server, 'signalbox_work_items_completed_total{sort="activity"}')).toBe(1);
    expect(await metric(server, 'signalbox_work_items_dispatched_total{sort="orchestration"}')).toBeGreaterThanOrEqual(4);
    expect(await metric(server, 'signalbox_rpc_duration_seconds_count{method="StartInstance",code="OK"}')).toBe(2);
    expect(await metric(server, 'signalbox_rpc_duration_seconds_count{method="RaiseEvent",code="NOT_FOUND"}')).toBe(1);
    expect(await metric(server, "signalbox_worker_streams")).toBe(1);
    expect(await metric(server, 'signalbox_work_items_in_flight{sort="activity"}')).toBe(0);

    server.command.kill("SIGTERM");
    const { exitCode, errors } = await server.command.ended;
    expect(exitCode).toBe(0);
    const lines = errors.split("\n").filter((line) => line !== "");
    expect(lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg)).toEqual(
      expect.arrayContaining(["listening", "a call was refused", "shut down"]),
    );
    expect(errors).not.toContain(SECRET);
    expect(existsSync(join(sandbox.state, "signalbox", "serve", "signalbox.db"))).toBe(true);
  });

  test("goes on after kill -9 with all that was acknowledged", async () => {
    const store = ["--store", join(sandbox.root, "store.db")];
    const first = await startServer(sandbox, store);
    const before = await connect(first);
    await before.client.scheduleNewOrchestration("approval", undefined, "waits");
    await before.client.waitForOrchestrationStart("waits");
    await before.client.scheduleNewOrchestration("nobody-has-it", undefined, "later");
    await first.command.killed();
    await before[Symbol.asyncDispose]();

    const second = await startServer(sandbox, store);
    expect(second.command.output).toContain("Hubs: default.");
    await using after = await connect(second);
    expect(await output(sandbox, ["instances", "list", "-q", "--server", second.address])).toBe("waits\nlater\n");
    await output(sandbox, ["instances", "raise", "waits", "approved", "--data", '{"by":"Ada"}', "--server", second.address]);
    expect(await after.client.waitForOrchestrationCompletion("waits")).toMatchObject({ serializedOutput: '{"by":"Ada"}' });
  });

  test("a shutdown waits for what its workers answer, tells that it is not ready, and a second signal leaves at once", async () => {
    const { promise: begun, resolve: began } = Promise.withResolvers<void>();
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const server = await startServer(sandbox, ["--drain", "1h"]);
    await using sdk = await connect(server, {
      activities: {
        double: async (_, value: number) => {
          began();
          await mayEnd;
          return value * 2;
        },
      },
    });
    await sdk.client.scheduleNewOrchestration("double", 4, "slow");
    await begun;
    server.command.kill("SIGINT");
    await server.command.prints("shutting down");
    expect((await fetch(`${server.http}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.http}/healthz`)).status).toBe(200);
    end();
    expect((await server.command.ended).exitCode).toBe(0);
    const history = await output(sandbox, ["instances", "history", "slow", "--store", join(sandbox.state, "signalbox/serve/signalbox.db")]);
    expect(history).toContain("TaskScheduled 1");

    const again = await startServer(sandbox, ["--drain", "1h"]);
    // The SDK's worker does not leave before its last activity has ended.
    const { promise: tooLate, resolve: letGo } = Promise.withResolvers<number>();
    await using late = await connect(again, { activities: { double: () => tooLate } });
    await late.client.scheduleNewOrchestration("double", 4, "never");
    const hangs = 'signalbox_work_items_in_flight{sort="activity"}';
    while ((await metric(again, hangs)) === 0) await late.client.getOrchestrationState("never", false);
    again.command.kill("SIGTERM");
    await again.command.prints("shutting down");
    again.command.kill("SIGTERM");
    expect((await again.command.ended).exitCode).toBe(130);
    letGo(8);
  });

  test("an instance that stands still is told with its reason, and others go on", async () => {
    const server = await startServer(sandbox, ["--max-history", "5"]);
    await using sdk = await connect(server, {
      orchestrators: {
        double,
        long: async function* long(ctx: OrchestrationContext): AsyncGenerator<unknown, void, unknown> {
          for (let round = 0; round < 9; round += 1) yield ctx.callActivity("double", round);
        },
      },
    });
    await sdk.client.scheduleNewOrchestration("long", undefined, "poison");
    await server.command.prints("an instance stands still");
    const at = ["--server", server.address];
    const listed = await output(sandbox, ["instances", "list", "--stalled", "--json", ...at]);
    expect(JSON.parse(listed)).toMatchObject({ instances: [{ instanceId: "poison", tags: {}, stalled: expect.stringContaining("5") }] });
    expect(await output(sandbox, ["instances", "list", ...at])).toMatch(/! stalled +poison/);
    expect(await output(sandbox, ["instances", "show", "poison", ...at])).toContain("stands still because");
    expect(await metric(server, 'signalbox_instances_stalled_total{hub="default"}')).toBe(1);
  });

  test("instances that ended long enough ago are purged, in every hub", async () => {
    const server = await startServer(sandbox, ["--retention", "1s"]);
    await using one = await connect(server, { hub: "one" });
    await using two = await connect(server, { hub: "two" });
    for (const { client } of [one, two]) {
      await client.scheduleNewOrchestration("double", 1, "old");
      await client.scheduleNewOrchestration("approval", undefined, "young");
      await client.waitForOrchestrationCompletion("old");
    }
    await server.command.prints("purged old instances");
    while ((await metric(server, "signalbox_instances_purged_total")) < 2) await one.client.getOrchestrationState("young", false);
    for (const { client } of [one, two]) {
      expect(await client.getOrchestrationState("old", false)).toBeUndefined();
      expect((await client.getOrchestrationState("young", false))?.runtimeStatus).toBe(OrchestrationStatus.RUNNING);
    }
  });

  test("a token keeps strangers out, of calls and of metrics", async () => {
    const environment = { SIGNALBOX_TOKEN: "open-sesame" };
    const command = signalbox(sandbox, ["serve", "--listen", "0.0.0.0:0", "--http", "0.0.0.0:0"], { environment });
    await command.prints("Hubs:");
    const [grpc, http] = [...command.output.matchAll(/0\.0\.0\.0:(\d+)/g)].map(([, port]) => `127.0.0.1:${port}`);
    const list = ["instances", "list", "--server", grpc ?? ""];
    expect(await refusal(sandbox, list)).toMatchObject({ exitCode: 2, errors: expect.stringContaining("authorization: Bearer") });
    expect(await refusal(sandbox, list, { environment: { SIGNALBOX_TOKEN: "wrong" } })).toMatchObject({ exitCode: 2 });
    const file = join(sandbox.root, "token");
    writeFileSync(file, "open-sesame\n");
    await output(sandbox, [...list, "--token-file", file]);
    expect((await fetch(`http://${http}/metrics`)).status).toBe(401);
    expect((await fetch(`http://${http}/readyz`)).status).toBe(200);
    expect((await fetch(`http://${http}/metrics`, { headers: { authorization: "Bearer open-sesame" } })).status).toBe(200);
    command.kill("SIGTERM");
    const { exitCode, errors, output: text } = await command.ended;
    expect(exitCode).toBe(0);
    expect(errors + text).not.toContain("open-sesame");
  });

  test("TLS is spoken on both ports, and clients show a certificate where one is asked for", async () => {
    const [cert, key] = [join(sandbox.root, "cert.pem"), join(sandbox.root, "key.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    execFileSync("openssl", [...made, ...subject, "-keyout", key, "-out", cert], { stdio: "pipe" });
    const tls = ["--tls-cert", cert, "--tls-key", key];
    const server = await startServer(sandbox, tls);
    const list = ["instances", "list", "--server", server.address];
    await output(sandbox, [...list, "--tls-ca", cert]);
    await expect(fetch(`${server.http}/healthz`)).rejects.toThrow();

    const strict = await startServer(sandbox, [...tls, "--tls-client-ca", cert, "--store", join(sandbox.root, "strict.db")]);
    const known = ["instances", "list", "--server", strict.address, "--tls-ca", cert];
    await output(sandbox, [...known, ...tls]);
    const strangers = [list, [...list, "--tls"], known, [...known, "--tls-cert", cert]];
    const refusals = await Promise.all(strangers.map((args) => refusal(sandbox, args)));
    expect(refusals.map(({ exitCode }) => exitCode)).toEqual([5, 5, 5, 2]);
  });

  test("a store that can no longer be written ends the server with code 5", async () => {
    const store = ["--store", join(sandbox.root, "store.db")];
    // Of a file no more than 400 KiB: the disk is full, as far as the server can tell.
    const through = ["bash", "-c", 'ulimit -f 400; exec "$@"', "bash"];
    const server = await startServer(sandbox, store, { through });
    await using sdk = await connect(server);
    const payload = "x".repeat(100_000);
    await Promise.allSettled(Array.from({ length: 10 }, (_, at) => sdk.client.scheduleNewOrchestration("approval", payload + at)));
    const { exitCode, errors } = await server.command.ended;
    expect(errors).toContain("store.db");
    expect(exitCode).toBe(5);
  });

  test("what is wrong is said before anything is served", async () => {
    const server = await startServer(sandbox);
    const serve = (...args: readonly string[]) => refusal(sandbox, ["serve", "--http", "off", ...args]);
    const other = ["--store", join(sandbox.root, "other.db")];
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [["--listen", "127.0.0.1:0"], 5, "is in use by process"],
      [["--listen", server.address, ...other], 2, "address already in use"],
      [["--listen", "0.0.0.0:0", ...other], 2, "Give a token or TLS"],
      [["--listen", "127.0.0.1:0", "--http", "0.0.0.0:0", ...other], 2, "Give a token or TLS"],
      [["--listen", "4001"], 2, "HOST:PORT"],
      [["--listen", "127.0.0.1:70000"], 2, "HOST:PORT"],
      [["--token", "a-secret"], 2, "list of processes"],
      [["--token-file", "/nowhere/token"], 2, "there is no such file"],
      [["--tls-cert", "cert.pem"], 2, "--tls-key"],
      [["--store", "mysql://localhost/x"], 2, "postgres://"],
      [["--retention", "soon"], 2, "number with a unit"],
      [["--max-payload", "much"], 2, "number of bytes"],
      [["--log-level", "loud"], 2, "Allowed choices"],
    ];
    for (const [args, exitCode, message] of cases) {
      const ended = await serve(...args);
      expect({ args, exitCode: ended.exitCode, errors: ended.errors }).toMatchObject({
        exitCode,
        errors: expect.stringContaining(message),
      });
      expect(ended.errors).not.toMatch(/a-secret|\n {4}at /);
    }
  });
});
