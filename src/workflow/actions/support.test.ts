import { describe, expect, it } from "vitest";
import { createJobExpressions } from "./job-expressions.ts";
import { planWorkflow } from "./plan-workflow.ts";
import { checkSupported, type SupportOptions } from "./support.ts";
import { parseUses } from "./uses-reference.ts";

const OPTIONS: SupportOptions = {
  machine: { platform: "linux", arch: "x64" },
  actionFolders: { "acme/tool@v1": "/x" },
  contexts: { github: { repository: "me/repo", ref: "refs/heads/main" } },
};

async function gaps(job: string, options = OPTIONS): Promise<readonly string[]> {
  const { plan, diagnostics } = await planWorkflow({ file: "ci.yml", text: `on: push\njobs:\n  a:\n${job.replace(/^/gm, "    ")}\n` });
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  return checkSupported(plan, options).map(({ at, job: id, message }) => `${at?.line}:${at?.column} ${id}: ${message}`);
}

const uses = (name: string, more = "") => `runs-on: ubuntu-latest\nsteps:\n- uses: ${name}\n${more}`;
const on = (label: string, more = "") => `${more}runs-on: ${label}\nsteps: [{run: x}]`;

describe("checkSupported", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["a local action", uses("./tools/x"), []],
    ["a local action by $", uses("$/tools/x"), []],
    ["checkout", uses("actions/checkout@v4", "  with: {fetch-depth: 0, path: x}"), []],
    [
      "checkout of itself by name",
      uses("Actions/Checkout@v4", "  with: {repository: me/repo, ref: main}").replace("ref: main", "ref: refs/heads/main"),
      [],
    ],
    [
      "checkout with a key that is not honoured",
      uses("actions/checkout@v4", "  with:\n    lfs: true"),
      ["8:9 a: 'lfs' of actions/checkout@v4 is not honoured yet."],
    ],
    [
      "checkout of another repository",
      uses("actions/checkout@v4", "  with:\n    repository: other/repo"),
      ["8:9 a: actions/checkout@v4 can only check out the workflow's own repository"],
    ],
    ["an action of another repository", uses("actions/setup-node@v4"), ["6:7 a: The action 'actions/setup-node@v4' is not available yet"]],
    ["one that is mapped to a folder", uses("acme/tool@v1"), []],
    ["one inside a repository that is mapped to a folder", uses("acme/tool/inner@v1"), []],
    ["docker", uses("docker://alpine"), ["6:7 a: 'docker://alpine' needs a container engine"]],
    ["a shortened commit", uses("a/b@abc1234"), ["6:7 a: 'a/b@abc1234' names a shortened commit"]],
    ["no ref", uses("a/b"), ["6:7 a: Expected format {owner}/{repo}[/path]@{ref}"]],
    ["a path out of the repository", uses("./../x"), ["6:7 a: A local path must not lead out of the repository"]],
    ["a container", `container: node:20\n${on("x")}`, ["4:16 a: The job 'a' uses 'container:'"]],
    ["services", `services: {db: {image: pg}}\n${on("x")}`, ["4:15 a: The job 'a' uses 'services:'"]],
    [
      "a workflow of another repository",
      "uses: a/b/.github/workflows/x.yml@main",
      ["3:3 a: The job 'a' calls 'a/b/.github/workflows/x.yml@main'."],
    ],
    ["Linux labels", on("[self-hosted, linux, x64, gpu, ubuntu-24.04]"), []],
    ["Windows", on("windows-latest"), ["4:14 a: The job runs on 'windows-latest', which is Windows; this machine is Linux."]],
    ["macOS", on("macos-15"), ["4:14 a: The job runs on 'macos-15', which is macOS; this machine is Linux."]],
    [
      "another processor",
      on("ubuntu-24.04-arm"),
      ["4:14 a: The job runs on 'ubuntu-24.04-arm', a machine with arm64; this machine has x64."],
    ],
    ["labels of a group", on("{group: g, labels: [windows-2022]}"), ["4:14 a: The job runs on 'windows-2022'"]],
    [
      "labels of a matrix",
      on("${{ matrix.os }}", "strategy: {matrix: {os: [ubuntu-latest, windows-latest], n: [1, 2]}}\n"),
      ["5:14 a: The job runs on 'windows-latest'"],
    ],
  ];
  it.each(cases)("%s", async (_name, job, expected) => {
    const found = await gaps(job);
    expect(found).toHaveLength(expected.length);
    for (const [index, message] of expected.entries()) expect(found[index]).toContain(message);
  });

  it("leaves labels that another job decides for later", async () => {
    const text = `on: push\njobs:\n  a: {runs-on: x, steps: [{run: x}]}\n  b:\n    needs: a\n    runs-on: \${{ needs.a.outputs.os }}\n    steps: [{run: x}]\n`;
    const { plan } = await planWorkflow({ file: "ci.yml", text });
    const job = plan?.jobs[1];
    if (plan === undefined || job === undefined) throw new Error("not planned");
    expect(checkSupported(plan, OPTIONS)).toEqual([]);
    const expressions = createJobExpressions(OPTIONS);
    const status = { success: true, failure: false, cancelled: false };
    const reason = (os: string) => expressions.unsupported(job, { contexts: { needs: { a: { outputs: { os } } } }, status });
    expect([reason("linux"), reason("windows-2022")]).toEqual([
      undefined,
      "The job runs on 'windows-2022', which is Windows; this machine is Linux.",
    ]);
  });
});

describe("parseUses", () => {
  it("reads owner, repository, path and ref", () => {
    expect(parseUses("a/b/c/d@feature/x")).toEqual({ kind: "repository", owner: "a", repository: "b", path: "c/d", ref: "feature/x" });
    expect(parseUses("./a/./b/")).toEqual({ kind: "local", path: "a/b" });
    expect(parseUses("./")).toEqual({ kind: "local", path: "" });
    expect(parseUses(`a/b@${"a1".repeat(20)}`)).toMatchObject({ kind: "repository" });
    expect(["deadbee", "1234567", "v1"].map((ref) => parseUses(`a/b@${ref}`).kind)).toEqual(["repository", "repository", "repository"]);
  });
});

describe("callInputs", () => {
  it("are typed, have defaults, and name the input that is wrong", async () => {
    const text = `on: {workflow_call: {inputs: {n: {type: number, required: true}, b: {type: boolean}, s: {type: string, default: "\${{ github.sha }}"}}}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n`;
    const { plan } = await planWorkflow({ file: "ci.yml", text });
    const call = plan?.call;
    if (call === undefined) throw new Error("not planned");
    const scope = { contexts: { github: { sha: "abc" } }, status: { success: true, failure: false, cancelled: false } };
    const { callInputs } = createJobExpressions(OPTIONS);
    expect(callInputs(call, { N: "4" }, scope)).toEqual({ n: 4, b: false, s: "abc" });
    expect(() => callInputs(call, { n: "x" }, scope)).toThrow("The input 'n' must be a number, not 'x'.");
    expect(() => callInputs(call, {}, scope)).toThrow("The input 'n' is required and has no default (a number).");
    expect(() => callInputs(call, { n: 1, z: 1 }, scope)).toThrow("There is no input 'z'. Declared are: n, b, s.");
  });
});
