import { describe, expect, it } from "vitest";
import type { StepsJobPlan, WorkflowPlan } from "../../model/plan.ts";
import { planWorkflow } from "./plan-workflow.ts";

const JOB = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n";
const at = (steps: string): string => JOB + steps.replace(/^/gm, "      ");

async function problems(text: string | Uint8Array): Promise<readonly string[]> {
  const { diagnostics } = await planWorkflow({ file: "ci.yml", text });
  return diagnostics.map((it) => `${it.at?.line ?? 0}:${it.at?.column ?? 0} ${it.severity}: ${it.message}`);
}

async function planOf(text: string): Promise<WorkflowPlan> {
  const { plan, diagnostics } = await planWorkflow({ file: "ci.yml", text });
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  return plan;
}

async function stepsOf(steps: string): Promise<StepsJobPlan["steps"]> {
  const [job] = (await planOf(at(steps))).jobs;
  if (job?.kind !== "steps") throw new Error("no job with steps");
  return job.steps;
}

describe("B20: validation before anything runs", () => {
  const server = "- id: srv\n  run: ./server\n  background: true\n";
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["a target is an earlier step", `- wait: srv\n${server}`, ["6:15 error: Step references unknown step ID 'srv'."]],
    ["a target is a background step", "- id: srv\n  run: x\n- wait: srv", ["8:15 error: Step 'srv' is not a background step."]],
    ["a cancel's target too", "- id: srv\n  run: x\n- cancel: srv", ["8:17 error: Step 'srv' is not a background step."]],
    ["an unknown target", `${server}- cancel: other`, ["9:17 error: Step references unknown step ID 'other'."]],
    ["not itself", `${server}- id: w\n  wait: W`, ["10:15 error: Step 'W' cannot reference itself"]],
    ["not itself, with the id after the wait", `${server}- wait: w\n  id: w`, ["9:15 error: Step 'w' cannot reference itself"]],
    ["not reserved", "- wait: __x", ["6:15 error: The identifier '__x' is invalid."]],
    ["an id is not reserved", "- id: __x\n  run: x", ["6:13 error: The identifier '__x' is invalid."]],
    [
      "ids are unique without case",
      "- id: a\n  run: x\n- id: A\n  run: y",
      ["8:13 error: The identifier 'A' may not be used more than once"],
    ],
    [
      "ids are unique across members of parallel",
      "- id: a\n  run: x\n- parallel:\n  - id: a\n    run: y",
      ["9:15 error: The identifier 'a' may not be used more than once"],
    ],
    ["an empty parallel", "- parallel: []", ["6:9 error: 'parallel' has no steps."]],
    ["an empty wait", "- wait: []", ["6:9 error: 'wait' names no step."]],
    ["wait-all: false", "- wait-all: false", ["6:19 error: The value of 'wait-all' must be true or omitted"]],
    ["background as text", "- run: x\n  background: 'true'", ["7:21 error: Unexpected value 'true'"]],
    [
      "background as an expression",
      "- run: x\n  background: ${{ true }}",
      ["7:21 error: A template expression is not allowed in this context"],
    ],
    ["a condition on a wait", `${server}- wait: srv\n  if: always()`, ["10:9 error: Unexpected value 'if'"]],
    ["a timeout on a cancel", `${server}- cancel: srv\n  timeout-minutes: 1`, ["10:9 error: Unexpected value 'timeout-minutes'"]],
    ["another key beside parallel", "- parallel:\n  - run: x\n  name: n", ["8:9 error: Unexpected value 'name'"]],
    [
      "background inside parallel",
      "- parallel:\n  - run: x\n    background: true",
      ["8:11 error: 'background' is not allowed inside a parallel block."],
    ],
    ["a wait inside parallel", `${server}- parallel:\n  - wait: srv`, ["10:11 error: 'wait' is not allowed inside a parallel block."]],
    ["parallel inside parallel", "- parallel:\n  - parallel:\n    - run: x", ["7:11 error: Nested 'parallel' blocks are not allowed."]],
    [
      "a never-ending step that nothing cancels",
      "- id: web\n  run: npm start\n  background: true",
      ["7:14 warning: This background step looks as if it never ends ('npm start'), and nothing cancels it"],
    ],
    ["a never-ending step that is cancelled", "- id: web\n  run: npm start\n  background: true\n- cancel: WEB", []],
    ["a never-ending step with a limit", "- run: sleep infinity\n  background: true\n  timeout-minutes: 5", []],
    ["a background step that ends", "- run: make\n  background: true", []],
  ];
  it.each(cases)("%s", async (_name, steps, expected) => {
    const found = await problems(at(steps));
    expect(found).toHaveLength(expected.length);
    for (const [index, message] of expected.entries()) expect(found[index]).toContain(message);
  });
});

const isImplicit = async (steps: string) => {
  const last = (await stepsOf(steps)).at(-1);
  return last?.kind === "wait-all" && last.implicit && last.name?.kind === "string" && last.name.value === "Wait for all background steps";
};

describe("B14: the implicit wait-all", () => {
  it.each([
    ["- run: x\n  background: true", true],
    ["- id: a\n  run: x\n  background: true\n- wait: A", false],
    ["- id: a\n  run: x\n  background: true\n- cancel: a", false],
    ["- run: x\n  background: true\n- wait-all:", false],
    ["- run: x\n  background: true\n- wait-all:\n- run: y\n  background: true", true],
    ["- parallel:\n  - run: x", false],
    ["- run: x", false],
  ])("%j -> %s", async (steps, expected) => {
    expect(await isImplicit(steps)).toBe(expected);
  });
});

describe("steps", () => {
  it("gives every step a key that is its id or its place", async () => {
    const steps = await stepsOf("- run: a\n- id: Mine\n  run: b\n- parallel:\n  - run: c\n  - id: d\n    run: d\n- wait: D");
    const [first, second, group, wait] = steps;
    expect([first?.key, second?.key, group?.key]).toEqual(["__1", "Mine", "__3"]);
    expect(group?.kind === "parallel" && group.members.map((member) => [member.key, member.group, member.background])).toEqual([
      ["__3_1", "__3", true],
      ["d", "__3", true],
    ]);
    expect(wait?.kind === "wait" && wait.targets).toEqual(["d"]);
  });

  it("keeps the text of a script as YAML gives it, expressions or not", async () => {
    const [step] = await stepsOf("- run: |\n    if x; then\n      echo ${{ github.sha }}\n    fi\n");
    expect(step?.kind === "run" && step.run).toMatchObject({
      kind: "expression",
      expression: "format('if x; then\n  echo {0}\nfi\n', github.sha)",
    });
  });
});

describe("diagnostics of the file", () => {
  const cases: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["nothing at all", "", "0:0 error: The file is empty."],
    ["a comment alone", "# nothing\n", "0:0 error: The file is empty."],
    ["binary", "on: push\0", "0:0 error: The file is binary: it contains a NUL byte."],
    ["not UTF-8", new Uint8Array([0x6f, 0x6e, 0xff]), "0:0 error: The file is not UTF-8 text."],
    ["100 MB", "a".repeat(100_000_000), "0:0 error: The file is too large: 100000000 bytes; at most 1048576 (1 MiB) are allowed."],
    ["broken YAML", "on: push\njobs: a: b\n", "2:7 error: Invalid YAML: Nested mappings are not allowed in compact mappings"],
    ["10,000 brackets", "[".repeat(10_000), "nested too deeply: at most 100 levels"],
    ["10,000 closed brackets", "[".repeat(10_000) + "]".repeat(10_000), "nested too deeply: at most 100 levels"],
    ["200 brackets", `on: ${"[".repeat(200)}${"]".repeat(200)}`, "nested too deeply: at most 100 levels"],
    ["an alias that contains itself", "on: &a [*a]\n", "1:9 error: The alias '*a' contains itself."],
    ["duplicate keys", "on: push\non: push\njobs: {}\n", "2:1 error: 'on' is already defined"],
    ["an unknown key", `${at("- run: x")}\nfoo: 1\n`, "7:1 error: Unexpected value 'foo'"],
    ["a key that is a list", "? [a]\n: b\n", "1:3 error: A key must be plain text."],
    ["no jobs", "on: push\njobs: {}\n", "2:1 error: The workflow must contain at least one job."],
    ["a text instead of a file", "hello", "1:1 error: Unexpected value 'hello'"],
    ["a key of every object", at("- run: x\n  constructor: 1"), "7:9 error: Unexpected value 'constructor'"],
    [
      "a job with a bad id",
      "on: push\njobs:\n  1a:\n    runs-on: x\n    steps: [{run: x}]\n",
      "3:3 error: The identifier '1a' is invalid.",
    ],
    [
      "an unknown need",
      "on: push\njobs:\n  a:\n    needs: b\n    runs-on: x\n    steps: [{run: x}]\n",
      "4:12 error: Job 'a' depends on unknown job 'b'.",
    ],
    [
      "an unknown need in a list, in another case",
      "on: push\njobs:\n  b: {runs-on: x, steps: [{run: x}]}\n  a:\n    needs:\n      - B\n      - Other\n    runs-on: x\n    steps: [{run: x}]\n",
      "7:9 error: Job 'a' depends on unknown job 'Other'.",
    ],
    [
      "a job that needs itself",
      "on: push\njobs:\n  a:\n    needs: A\n    runs-on: x\n    steps: [{run: x}]\n",
      "4:12 error: These jobs wait for each other: a -> a.",
    ],
    [
      "a cycle",
      "on: push\njobs:\n  a: {needs: [c], runs-on: x, steps: [{run: x}]}\n  b: {needs: a, runs-on: x, steps: [{run: x}]}\n  c: {needs: b, runs-on: x, steps: [{run: x}]}\n",
      "3:15 error: These jobs wait for each other: a -> c -> b -> a.",
    ],
    ["an unknown context", at("- run: echo ${{ secret.X }}"), "6:19 error: Unrecognized named-value: 'secret'"],
    [
      "a context that is not there",
      "on: push\nenv:\n  A: ${{ steps.a }}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n",
      "3:6 error: Unrecognized named-value: 'steps'",
    ],
    ["an unknown context in a script", at("- run: |\n    echo\n    echo ${{ nope.x }}\n"), "8:16 error: Unrecognized named-value: 'nope'"],
    ["a condition that does not parse", at("- run: x\n  if: github.ref ==\n"), "7:13 error: Unexpected end of expression"],
    ["an unclosed expression", at("- run: echo ${{ github.sha\n"), "6:14 error: The expression is not closed."],
    [
      "a bad schedule",
      "on: {schedule: [{cron: '61 * * * *'}]}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n",
      "1:24 error: Invalid cron expression: '61' is not a valid minute",
    ],
    [
      "both kinds of a filter",
      "on: {push: {branches: [a], branches-ignore: [b]}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n",
      "1:28 error: 'push' has both",
    ],
    [
      "a choice without options",
      "on: {workflow_dispatch: {inputs: {x: {type: choice}}}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n",
      "1:35 error: The input 'x' is of type 'choice' and lists no 'options'.",
    ],
  ];
  it.each(cases)("%s", async (_name, text, expected) => {
    const found = await problems(text);
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toContain(expected);
    for (const line of found) expect(line).not.toMatch(/\(Line: |undefined|at .*\.js/);
  });

  it("warns of a condition that is text around an expression, for it always holds", async () => {
    expect(await problems(at("- run: x\n  if: ${{ github.a }} && github.b"))).toEqual([
      expect.stringContaining("7:13 warning: This condition always holds"),
    ]);
    expect(await problems(at("- run: x\n  if: ${{ github.a && github.b }}"))).toEqual([]);
  });

  it("knows a need in any case, once", async () => {
    const plan = await planOf(
      "on: push\njobs:\n  Build: {runs-on: x, steps: [{run: x}]}\n  b: {needs: [build, BUILD], runs-on: x, steps: [{run: x}]}\n",
    );
    expect(plan.jobs[1]?.needs).toEqual(["Build"]);
  });

  it("survives aliases that multiply", async () => {
    const levels = Array.from(
      { length: 20 },
      (_, level) =>
        `x${level}: &x${level} [${Array(10)
          .fill(level === 0 ? "a" : `*x${level - 1}`)
          .join(", ")}]`,
    );
    expect((await problems(levels.join("\n")))[0]).toMatch(/more than 200000 values|Excessive alias/);
  });

  it("reads anchors, a byte order mark and CRLF", async () => {
    const text = `\uFEFF${at("- &s\n  run: |\n    a\n    b\n- *s\n")}`.replaceAll("\n", "\r\n");
    const [job] = (await planOf(text)).jobs;
    const runs = job?.kind === "steps" ? job.steps.map((step) => step.kind === "run" && step.run) : [];
    expect(runs).toMatchObject([{ value: "a\nb\n" }, { value: "a\nb\n" }]);
  });

  it("finds a cycle in a chain of 2,000 jobs without recursion", async () => {
    const jobs = Array.from(
      { length: 2_000 },
      (_, index) => `  j${index}: {needs: j${(index + 1) % 2_000}, runs-on: x, steps: [{run: x}]}`,
    );
    expect((await problems(`on: push\njobs:\n${jobs.join("\n")}\n`))[0]).toContain(
      "3:15 error: These jobs wait for each other: j0 -> j1 -> j2",
    );
  });
});

describe("every key of a job", () => {
  it("is in the plan", async () => {
    const plan = await planOf(`
name: CI
run-name: by \${{ github.actor }}
on:
  push: {branches: [main, 'release/**'], paths-ignore: ['**.md']}
  pull_request: {types: [opened]}
  workflow_dispatch: {inputs: {n: {type: number, required: true, default: 3}}}
  workflow_call:
    inputs: {who: {type: string, required: true}}
    secrets: {token: {required: true}}
    outputs: {o: {value: "\${{ jobs.a.outputs.o }}"}}
  schedule: [{cron: '0 4 * * MON-FRI'}]
env: {A: 1}
permissions: {contents: read}
concurrency: {group: g, cancel-in-progress: true, queue: max}
defaults: {run: {shell: bash, working-directory: w}}
jobs:
  a:
    name: A
    needs: []
    if: github.ref == 'x'
    strategy: {matrix: {n: [1]}, fail-fast: false, max-parallel: 2}
    runs-on: [self-hosted, linux]
    env: {B: 2}
    defaults: {run: {shell: sh}}
    outputs: {o: "\${{ steps.s.outputs.o }}"}
    timeout-minutes: 5
    continue-on-error: true
    concurrency: c
    permissions: read-all
    environment: {name: prod, url: u}
    container: node:20
    services: {db: {image: pg}}
    steps:
      - {id: s, name: N, if: always(), uses: ./x, with: {k: v}, env: {C: 3}, timeout-minutes: 1, continue-on-error: true}
  b:
    needs: [a]
    uses: ./.github/workflows/x.yml
    with: {who: me}
    secrets: inherit
`);
    expect(plan).toMatchObject({
      name: "CI",
      triggers: [
        { event: "push", branches: ["main", "release/**"], pathsIgnore: ["**.md"] },
        { event: "pull_request", types: ["opened"] },
        { event: "workflow_dispatch", inputs: [{ name: "n", type: "number", required: true, default: { value: 3 } }] },
        { event: "workflow_call" },
        { event: "schedule", cron: ["0 4 * * MON-FRI"] },
      ],
      concurrency: { queue: "max", cancelInProgress: { value: true } },
      defaults: { shell: { value: "bash" }, workingDirectory: { value: "w" } },
      call: { inputs: [{ name: "who" }], secrets: [{ name: "token", required: true }], outputs: [{ name: "o" }] },
      jobs: [
        {
          kind: "steps",
          if: { expression: "success() && (github.ref == 'x')", isDefault: true },
          timeoutMinutes: { value: 5 },
          continueOnError: { value: true },
          environment: { kind: "mapping" },
          steps: [{ kind: "uses", key: "s", if: { expression: "always()", isDefault: false }, timeoutMinutes: { value: 1 } }],
        },
        { kind: "call", needs: ["a"], secrets: "inherit", uses: "./.github/workflows/x.yml" },
      ],
    });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });
});
