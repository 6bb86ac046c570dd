import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createLocalHost } from "../../src/host/local-host.ts";
import { throughCodec } from "../../src/host/transport/host-client.ts";
import { mapping, openTestJob, runStep, text, usesStep } from "./open-job.ts";

const actions = fileURLToPath(new URL("../fixtures/host/actions", import.meta.url));

async function openWithActions(...[host, steps, more]: Parameters<typeof openTestJob>) {
  const job = await openTestJob(host, steps, more);
  cpSync(actions, join(job.request.directories.workspace, "actions"), { recursive: true });
  return job;
}

describe("actions", () => {
  test("a composite action has its own steps, inputs, status and outputs", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openWithActions(host, [usesStep("greet", "./actions/greet"), runStep("next", "echo got $GREETED")]);
    const result = await job.walk("greet");
    const log = readFileSync(join(job.directory, result.log.file), "utf8");
    expect(result).toMatchObject({ outcome: "success", outputs: { text: "hello octo/app" } });
    expect(log).toContain("saw octo/app\n");
    expect(log).not.toContain("\nnever\n");
    const next = await job.walk("next");
    expect(readFileSync(join(job.directory, next.log.file), "utf8")).toContain("got octo/app\n");
  });

  test("a JavaScript action gets its inputs, and its post step its state", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openWithActions(host, [usesStep("act", "./actions/node", { with: mapping({ "My Input": text("value") }) })]);
    const result = await job.walk("act");
    expect(result).toMatchObject({
      outcome: "success",
      outputs: { made: "a\nb" },
      posts: [{ condition: "always()", state: { token: "kept" } }],
    });
    const [post] = result.posts;
    if (post === undefined) throw new Error("no post step was registered");
    const at = { position: 1, from: 0, published: job.published, jobStatus: "failure" as const };
    const request = { ...job.request, step: "__post_act", at, post: { ...post, main: "act" } };
    expect(await host.prepareStep(request)).toMatchObject({ verdict: "run", name: "Post Run ./actions/node" });
    const ended = await host.runStep({ ...request, attempt: 1 }, () => undefined);
    expect(readFileSync(join(job.directory, ended.log.file), "utf8")).toContain("post has kept and value\n");
  });

  test("B12: a cancel reaches inside, and no further step starts", async () => {
    await using host = createLocalHost({ graces: { interruptMs: 200, terminateMs: 100 } });
    await using job = await openWithActions(host, [usesStep("outer", "./actions/outer", { env: mapping({ OUTER_SLEEP: text("600") }) })]);
    await job.prepare("outer");
    const running = job.run("outer");
    while (!existsSync(join(job.directory, "temp", "pid"))) await pause(2);
    expect(await job.cancel("outer")).toEqual({ survivors: [] });
    const result = await running;
    expect(result).toMatchObject({ outcome: "cancelled", posts: [], environment: [{ name: "GREETED", value: "inner" }] });
    expect(readFileSync(join(job.directory, result.log.file), "utf8")).not.toContain("\nafter\n");
  });

  test("an action in an action registers its post step with the outer one", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openWithActions(host, [usesStep("outer", "./actions/outer")]);
    expect(await job.walk("outer")).toMatchObject({ outcome: "success", posts: [{ state: { token: "kept" } }] });
  });

  for (const [levels, outcome] of [
    [10, "success"],
    [11, "failure"],
  ] as const) {
    test(`composite actions stand ${levels} deep: ${outcome}`, async () => {
      await using host = throughCodec(createLocalHost());
      await using job = await openTestJob(host, [usesStep("deep", "./deep/1")]);
      for (let level = 1; level <= levels; level++) {
        const folder = join(job.request.directories.workspace, "deep", `${level}`);
        mkdirSync(folder, { recursive: true });
        const step = level === levels ? "{ run: echo bottom, shell: bash }" : `{ uses: ./deep/${level + 1} }`;
        writeFileSync(join(folder, "action.yml"), `{ name: deep, runs: { using: composite, steps: [${step}] } }`);
      }
      const result = await job.walk("deep");
      expect(result.outcome).toBe(outcome);
      if (outcome === "failure") expect(result.message).toContain("depth exceeded max depth 10: './deep/11'");
      expect(readFileSync(join(job.directory, result.log.file), "utf8").includes("\nbottom\n")).toBe(outcome === "success");
    });
  }

  for (const [uses, message] of [
    ["acme/endless@v1", "depth exceeded max depth 10: 'acme/endless@v1' below 'acme/endless@v1'"],
    ["acme/many@v1", "uses more than 1000 actions"],
  ] as const) {
    test(`actions of a folder that use others without end are refused when the job opens: ${uses}`, async () => {
      await using host = throughCodec(createLocalHost());
      await using job = await openTestJob(host, []);
      const write = (name: string, inner: readonly string[]): void => {
        mkdirSync(join(job.directory, name), { recursive: true });
        const steps = inner.map((one) => `{ uses: "acme/${one}@v1" }`).join(", ");
        writeFileSync(join(job.directory, name, "action.yml"), `{ name: n, runs: { using: composite, steps: [${steps}] } }`);
      };
      const levels = ["many", "m1", "m2", "m3"];
      write("endless", ["endless", "endless"]);
      for (const [index, name] of levels.entries())
        write(name, index === 3 ? [] : Array.from({ length: 12 }, () => levels[index + 1] ?? ""));
      const actionFolders = Object.fromEntries(["endless", ...levels].map((name) => [`acme/${name}@v1`, join(job.directory, name)]));
      const other = { ...job.request, job: "other", steps: [usesStep("a", uses)], actionFolders };
      await expect(host.openJob(other)).rejects.toThrow(message);
    });
  }

  test("an action that is not there is a failure that names it", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [usesStep("gone", "./nowhere")]);
    expect(await job.walk("gone")).toMatchObject({ outcome: "failure", message: expect.stringContaining("'./nowhere'") });
  });
});
