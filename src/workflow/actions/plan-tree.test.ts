import { describe, expect, it } from "vitest";
import { namedValues } from "./named-values.ts";
import { planWorkflowTree } from "./plan-tree.ts";

const STEPS = "runs-on: x, steps: [{run: x}]";

async function tree(main: string, files: { readonly [path: string]: string } = {}) {
  const planned = await planWorkflowTree({ file: ".github/workflows/main.yml", text: main }, async (path) => {
    const text = files[path];
    return text === undefined ? undefined : { file: path, text };
  });
  return { ...planned, problems: planned.diagnostics.map(({ file, at, message }) => `${file}:${at?.line}:${at?.column} ${message}`) };
}

const level = (next: string) => `on: workflow_call\njobs: {a: {${next}}}\n`;
const reads = (name: string) =>
  `on: {workflow_call: {secrets: {x: {required: false}}}}\nenv: {E: "\${{ secrets.${name} }} \${{ vars.W }}"}\njobs: {a: {${STEPS}}}\n`;
const call = (more = "", name = "called") => `on: push\njobs:\n  a:\n    uses: ./.github/workflows/${name}.yml\n${more}`;
const callable = (declares: string) => `on: {workflow_call: {${declares}}}\njobs: {a: {${STEPS}}}\n`;
const CALLED = ".github/workflows/called.yml";
const MAIN = ".github/workflows/main.yml";

describe("calls of workflows", () => {
  const inputs =
    "inputs: {n: {type: number, required: true}, flag: {type: boolean, default: false}, s: {type: string, required: true, default: x}}";
  const cases: readonly (readonly [string, string, string | undefined, readonly string[]])[] = [
    ["that fit", call("    with: {n: 1, FLAG: true}\n"), callable(inputs), []],
    ["with expressions", call("    with: {n: '${{ fromJSON(vars.N) }}'}\n"), callable(inputs), []],
    ["of a file that is not there", call(), undefined, [`${MAIN}:4:11 There is no workflow file '${CALLED}' in this repository.`]],
    ["of a file that cannot be called", call(), `on: push\njobs: {a: {${STEPS}}}\n`, [`${MAIN}:4:11 '${CALLED}' cannot be called`]],
    ["of a file with errors", call(), "on: workflow_call\njobs: {}\n", [`${CALLED}:2:1 The workflow must contain at least one job.`]],
    [
      "with an unknown input",
      call("    with: {n: 1, other: 2}\n"),
      callable(inputs),
      [`${MAIN}:5:18 Invalid input, other is not defined in the referenced workflow.`],
    ],
    ["without a required input", call(), callable(inputs), [`${MAIN}:4:11 Input n is required, but not provided while calling.`]],
    [
      "with an input of the wrong type",
      call("    with: {n: x, flag: 'no'}\n"),
      callable(inputs),
      [`${MAIN}:5:15 The input 'n' must be a number, not 'x'.`, `${MAIN}:5:24 The input 'flag' must be true or false, not 'no'.`],
    ],
    [
      "with an unknown secret",
      call("    secrets: {x: '${{ secrets.X }}'}\n"),
      callable(""),
      [`${MAIN}:5:19 Invalid secret, x is not defined in the referenced workflow.`],
    ],
    [
      "without a required secret",
      call(),
      callable("secrets: {t: {required: true}}"),
      [`${MAIN}:4:11 Secret t is required, but not provided while calling.`],
    ],
    ["that inherit secrets", call("    secrets: inherit\n"), callable("secrets: {t: {required: true}}"), []],
  ];
  it.each(cases)("%s", async (_name, main, called, expected) => {
    const { problems, plan } = await tree(main, called === undefined ? {} : { [CALLED]: called });
    expect(problems).toHaveLength(expected.length);
    for (const [index, message] of expected.entries()) expect(problems[index]).toContain(message);
    expect(plan === undefined).toBe(expected.length > 0);
  });

  it("never follow a circle", async () => {
    const loop = `on: workflow_call\njobs:\n  a:\n    uses: ./.github/workflows/called.yml\n`;
    expect((await tree(call(), { [CALLED]: loop })).problems).toEqual([`${CALLED}:4:11 This call never ends: ${CALLED} -> ${CALLED}.`]);
  });

  it("go four levels deep and not five", async () => {
    const files = (last: string) => ({
      ".github/workflows/1.yml": level("uses: ./.github/workflows/2.yml"),
      ".github/workflows/2.yml": level("uses: ./.github/workflows/3.yml"),
      ".github/workflows/3.yml": level(last),
      ".github/workflows/4.yml": level(STEPS),
    });
    expect((await tree(call("", "1"), files(STEPS))).problems).toEqual([]);
    const [problem] = (await tree(call("", "1"), files("uses: ./.github/workflows/4.yml"))).problems;
    expect(problem).toContain("Workflows call each other more than 4 levels deep");
  });

  it("plan each file once", async () => {
    const main = `on: push\njobs:\n  a: {uses: ./.github/workflows/called.yml}\n  b: {uses: ./.github/workflows/called.yml}\n`;
    const { called } = await tree(main, { [CALLED]: callable("") });
    expect([...called.keys()]).toEqual([CALLED]);
  });
});

describe("namedValues", () => {
  it("lists what the files name, of called ones only what they inherit", async () => {
    const main = `on: push
env: {A: "\${{ secrets.A }} \${{ secrets['b'] }} \${{ vars.V }}", T: "\${{ secrets.GITHUB_TOKEN }}", A2: "\${{ secrets.a }}"}
jobs:
  a: {uses: ./.github/workflows/called.yml, secrets: inherit}
  b: {uses: ./.github/workflows/closed.yml, secrets: {x: "\${{ secrets.HANDED }}"}}
`;
    const { plan, called } = await tree(main, { [CALLED]: reads("INHERITED"), ".github/workflows/closed.yml": reads("x") });
    if (plan === undefined) throw new Error("not planned");
    expect(namedValues(plan, called)).toEqual({ secrets: ["A", "b", "HANDED", "INHERITED"], vars: ["V", "W"] });
  });
});
