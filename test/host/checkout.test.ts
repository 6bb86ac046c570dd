// actions/checkout of the own repository, through the port.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLocalHost } from "../../src/host/local-host.ts";
import { throughCodec } from "../../src/host/transport/host-client.ts";
import { takeSnapshot } from "../../src/host/workspace/take-snapshot.ts";
import type { RepositorySnapshot } from "../../src/model/host-port.ts";
import { expression, mapping, openTestJob, runStep, text, usesStep } from "./open-job.ts";

let base: string;
let snapshot: RepositorySnapshot;
beforeAll(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "signalbox-checkout-")));
  const repository = join(base, "repository");
  const runDirectory = join(base, "run");
  for (const folder of [repository, runDirectory]) mkdirSync(folder);
  const git = (...args: readonly string[]) =>
    execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=a@b", ...args], { cwd: repository });
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(join(repository, "committed"), "1");
  git("add", ".");
  git("commit", "--quiet", "--message=one");
  writeFileSync(join(repository, "uncommitted"), "2");
  snapshot = await takeSnapshot({ repository, runDirectory });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const checkout = (inputs: Parameters<typeof mapping>[0] = {}) => usesStep("co", "actions/checkout@v4", { with: mapping(inputs) });

describe("checkout", () => {
  test("by default fills the workspace with the repository as it was, and what lay there goes", async () => {
    await using host = throughCodec(createLocalHost());
    const steps = [runStep("before", "echo > left"), checkout(), runStep("after", "git status --porcelain; git log --format=%s")];
    await using job = await openTestJob(host, steps, { snapshot });
    await job.walk("before");
    expect(await job.walk("co")).toMatchObject({ outcome: "success" });
    expect(readdirSync(job.request.directories.workspace).toSorted()).toEqual([".git", "committed", "uncommitted"]);
    const after = await job.walk("after");
    expect(readFileSync(join(job.directory, after.log.file), "utf8")).toContain("?? uncommitted\none\n");
  });

  test("path: in a folder of the workspace, which alone is cleaned; a path out of it fails", async () => {
    await using host = throughCodec(createLocalHost());
    const steps = [runStep("before", "mkdir -p in/it; echo > in/it/left; echo > beside"), checkout({ path: text("in/it") })];
    await using job = await openTestJob(host, [...steps, { ...checkout({ path: text("../out") }), key: "out", id: "out" }], { snapshot });
    await job.walk("before");
    expect(await job.walk("co")).toMatchObject({ outcome: "success" });
    const { workspace } = job.request.directories;
    expect(readdirSync(workspace).toSorted()).toEqual(["beside", "in"]);
    expect(readdirSync(join(workspace, "in/it")).toSorted()).toEqual([".git", "committed", "uncommitted"]);
    expect(await job.walk("out")).toMatchObject({ outcome: "failure", message: expect.stringContaining("is not under") });
    expect(existsSync(join(workspace, "../out"))).toBe(false);
  });

  test("clean: false leaves what lies there", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [runStep("before", "echo > left"), checkout({ clean: text("false") })], { snapshot });
    await job.walk("before");
    expect(await job.walk("co")).toMatchObject({ outcome: "success" });
    expect(readdirSync(job.request.directories.workspace).toSorted()).toEqual([".git", "committed", "left", "uncommitted"]);
  });

  test("a repository that only evaluation shows to be another one is refused by name; its own is not", async () => {
    await using host = throughCodec(createLocalHost());
    const other = { ...checkout({ repository: expression("format('{0}/{1}', 'some', 'other')") }), key: "other", id: "other" };
    const own = checkout({ repository: expression("github.repository"), ref: expression("github.sha") });
    await using job = await openTestJob(host, [other, own], { snapshot });
    expect(await job.walk("other")).toMatchObject({ outcome: "failure", message: expect.stringContaining("repository") });
    expect(await job.walk("co")).toMatchObject({ outcome: "success" });
  });

  test("in place nothing is touched, and the step says so", async () => {
    await using host = throughCodec(createLocalHost());
    await using job = await openTestJob(host, [runStep("before", "echo > left"), checkout()], { inPlace: true });
    await job.walk("before");
    const result = await job.walk("co");
    expect(result.outcome).toBe("success");
    expect(readdirSync(job.request.directories.workspace)).toEqual(["left"]);
    expect(readFileSync(join(job.directory, result.log.file), "utf8")).toContain("nothing is checked out");
  });
});
