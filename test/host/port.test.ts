// The port itself: what is prepared, what is evaluated when, and the channel that it passes through.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createLocalHost } from "../../src/host/local-host.ts";
import { hostClient, throughCodec } from "../../src/host/transport/host-client.ts";
import { hostServer } from "../../src/host/transport/host-server.ts";
import { streamTransport } from "../../src/host/transport/host-transport.ts";
import { expression, mapping, openTestJob, runStep, text } from "./open-job.ts";

const when = (condition: string) => ({ if: { expression: condition, isDefault: false, at: { line: 1, column: 1 } } });

describe("prepare", () => {
  test("verdicts, masked names, timeouts and recorded hashes", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(
      host,
      [
        runStep("named", ":", {
          name: expression("format('use {0}', secrets.TOKEN)"),
          timeoutMinutes: expression("fromJSON('1.5')"),
          continueOnError: expression("true"),
          ...when("hashFiles('*.lock', '!b.lock') != ''"),
        }),
        runStep("skipped", "echo no", when("failure()")),
        runStep("broken", ":", { timeoutMinutes: text("soon"), continueOnError: { kind: "boolean", value: true } }),
      ],
      { secrets: [{ name: "TOKEN", value: "s3cr3t-value" }] },
    );
    const file = join(job.request.directories.workspace, "a.lock");
    writeFileSync(file, "one");
    writeFileSync(join(job.request.directories.workspace, "b.lock"), "two");
    const digest = createHash("sha256").update("one").digest();
    const hashes = [{ patterns: ["*.lock", "!b.lock"], hash: createHash("sha256").update(digest).digest("hex") }];
    const prepared = { verdict: "run", name: "use ***", timeoutMinutes: 1.5, continueOnError: true, hashes };
    expect(await job.prepare("named")).toEqual(prepared);
    expect(await job.prepare("skipped")).toEqual({ verdict: "skip", name: "Run echo no", hashes: [] });
    expect(await job.prepare("broken")).toMatchObject({ verdict: "fail", continueOnError: true, failure: { isNonRetriable: true } });
    // B2: after a crash the recorded hash holds, whatever the file is now.
    writeFileSync(file, "changed");
    const at = { position: 0, from: 0, published: [], jobStatus: "success" as const };
    expect(await host.prepareStep({ ...job.request, step: "named", at, hashes })).toEqual(prepared);
  });

  test("B2: a step sees the moment in which it was reached", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [
      runStep("first", 'echo "WHO=early" >> $GITHUB_ENV'),
      runStep("late", "echo $WHO ${STEP}", { env: mapping({ STEP: expression("env.WHO") }) }),
      runStep("between", 'echo "WHO=late" >> $GITHUB_ENV'),
    ]);
    await job.walk("first");
    await job.prepare("late");
    await job.walk("between");
    const { log } = await job.run("late");
    expect(readFileSync(join(job.directory, log.file), "utf8")).toContain("early early\n");
  });

  test("B16: a cancelled job asks again; always() and cancelled() hold", async () => {
    await using host = throughCodec(createLocalHost());
    const steps = [runStep("plain", ":"), runStep("always", ":", when("always()")), runStep("cancelled", ":", when("cancelled()"))];
    await using job = await openTestJob(host, steps);
    const at = { position: 0, from: 0, published: [], jobStatus: "cancelled" as const };
    const holds = await Promise.all(steps.map(({ key }) => host.reevaluate({ ...job.request, step: key, at })));
    expect(holds.map((answer) => answer.holds)).toEqual([false, true, true]);
  });

  test("a value with a secret is sealed on its way, whole for the next step, and no job output", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [
      runStep("make", 'T=minted; T=$T-1234; echo "::add-mask::$T"; echo "token=$T" >> $GITHUB_OUTPUT; echo $T'),
      runStep("use", "x", { run: expression("format('test {0} = minted-1234', steps.make.outputs.token)") }),
    ]);
    const made = await job.walk("make");
    expect(made.outputs["token"]).toEqual({ sealed: expect.any(String) });
    expect(made.masks).toHaveLength(1);
    expect((await job.walk("use")).outcome).toBe("success");
    const at = { position: 2, from: 1, published: job.published.slice(1), jobStatus: "success" as const };
    const values = [{ name: "out", value: expression("steps.make.outputs.token") }];
    expect(await host.evaluateOutputs({ ...job.request, at, values })).toEqual({ values: {}, skipped: ["out"] });
    for (const entry of readdirSync(job.directory, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) expect(readFileSync(join(entry.parentPath, entry.name), "utf8")).not.toContain("minted-1234");
    }
  });
});

describe("the channel", () => {
  test("frames survive any cut of the stream, and errors keep their code", async () => {
    const [engineEnd, hostEnd] = cutDuplexes();
    hostServer(createLocalHost(), streamTransport(hostEnd));
    const host = hostClient(streamTransport(engineEnd));
    await using job = await openTestJob(host, [runStep("one", "printf 'x=ä€😀' >> $GITHUB_OUTPUT")]);
    expect((await job.walk("one")).outputs).toEqual({ x: "ä€😀" });
    await expect(host.cancelStep({ runId: "other", job: "build", step: "one" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(host.closeJob({ runId: "../up", job: "build" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("a step that was not prepared is prepared as it runs, and a cancel right after it finds the attempt", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [
      runStep("one", "sleep 600"),
      runStep("two", "x", { run: expression("format('exit {0}', 3)") }),
    ]);
    const one = job.run("one");
    expect(await job.cancel("one")).toEqual({ survivors: [] });
    expect(await one).toMatchObject({ outcome: "cancelled" });
    expect(await job.run("two")).toMatchObject({ outcome: "failure", exitCode: 3 });
  });

  test("a cancel of a step that cannot start finds nothing to end", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [runStep("one", ":", when("failure()"))]);
    const one = expect(job.run("one")).rejects.toMatchObject({ code: "HOST_FAILED" });
    expect(await job.cancel("one")).toEqual({ survivors: [] });
    await one;
  });

  test("the opening of a job names the steps whose name a mask changes", async () => {
    await using host = throughCodec(createLocalHost());
    const steps = [
      runStep("plain", "echo plain\necho s3cret"),
      runStep("first", "  echo s3cret"),
      runStep("named", ":", { name: text("Log in with s3cret") }),
      runStep("hidden", "echo s3cret", { name: text("Log in") }),
    ];
    await using job = await openTestJob(host, steps, { secrets: [{ name: "TOKEN", value: "s3cret" }] });
    expect(await host.openJob(job.request)).toEqual({ masked: ["first", "named"] });
  });

  test("a host that is stopped leaves its attempts interrupted, not ended", async () => {
    const host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [runStep("one", 'echo $$ > "$RUNNER_TEMP/pid"; sleep 600')]);
    await job.prepare("one");
    const running = job.run("one");
    const outcome = expect(running).rejects.toMatchObject({ code: "SHUT_DOWN" });
    while (!existsSync(join(job.directory, "temp", "pid"))) await pause(2);
    await host[Symbol.asyncDispose]();
    await outcome;
    await using next = createLocalHost();
    const left = await next.recover({ runId: job.request.runId, runDirectory: job.directory });
    expect(left).toMatchObject({ ended: [], interrupted: [{ job: "build", step: "one", attempt: 1, killed: 0 }] });
  });
});

/** Two ends of a channel that hands over three bytes at a time. */
function cutDuplexes(): readonly [Duplex, Duplex] {
  const make = (peer: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        for (let at = 0; at < chunk.length; at += 3) peer().push(Buffer.from(chunk.subarray(at, at + 3)));
        done();
      },
    });
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}
