import { describe, expect, it } from "vitest";
import { parseActionFile } from "./parse-action.ts";

const parse = (text: string) => parseActionFile({ file: "action.yml", text });

async function problems(text: string): Promise<readonly string[]> {
  const { action, diagnostics } = await parse(text);
  expect(action === undefined).toBe(diagnostics.length > 0);
  return diagnostics.map(({ at, message }) => `${at?.line ?? 0}:${at?.column ?? 0} ${message}`);
}

const runs = (text: string) => parse(`name: x\nruns: ${text}\n`).then(({ action }) => action?.runs);

describe("parseActionFile", () => {
  it("reads a composite action", async () => {
    const { action } = await parse(`
name: Greet
description: d
inputs:
  who: {description: w, required: true, default: "\${{ github.actor }}"}
  times: {default: 2, deprecationMessage: old}
outputs:
  text: {value: "\${{ steps.say.outputs.text }}"}
runs:
  using: composite
  steps:
    - {id: say, run: "echo \${{ inputs.who }}", shell: bash, if: inputs.times, working-directory: w, env: {A: b}, continue-on-error: true}
    - {uses: ./other, with: {a: b}}
`);
    expect(action).toMatchObject({
      name: "Greet",
      inputs: [
        { name: "who", required: true, default: { expression: "github.actor" } },
        { name: "times", required: false, default: { value: "2" }, deprecationMessage: "old" },
      ],
      outputs: [{ name: "text", value: { expression: "steps.say.outputs.text" } }],
      runs: {
        using: "composite",
        steps: [
          {
            kind: "run",
            key: "say",
            if: { expression: "success() && (inputs.times)" },
            background: false,
            workingDirectory: { value: "w" },
          },
          { kind: "uses", key: "__2", uses: "./other", if: { expression: "success()" } },
        ],
      },
    });
  });

  it("reads a JavaScript action, with what its conditions are when the file says nothing", async () => {
    expect(await runs("{using: node20, main: m.js}")).toEqual({ using: "node20", main: "m.js", preIf: "always()", postIf: "always()" });
    expect(await runs("{using: node24, main: m.js, pre: p.js, pre-if: success(), post: q.js, post-if: failure()}")).toEqual({
      using: "node24",
      main: "m.js",
      pre: "p.js",
      preIf: "success()",
      post: "q.js",
      postIf: "failure()",
    });
    expect(await runs("{using: docker, image: Dockerfile}")).toEqual({ using: "docker", image: "Dockerfile" });
  });

  it("needs no more than the runner does", async () => {
    expect(await problems("runs: {using: composite, steps: []}\n")).toEqual([]);
  });

  it.each([
    ["", "0:0 The file is empty."],
    ["name: x\n", "1:1 The action file has no 'runs': it does not say how the action runs."],
    [
      "runs: {using: node99, main: x}\n",
      "1:15 The action runs with 'node99', which is not known. Known are composite, node20, node24 and docker.",
    ],
    ["runs: {main: x}\n", "1:1 The action's 'runs' has no 'using'. Known are composite, node20, node24 and docker."],
    ["runs: {using: composite, steps: [{run: x}]}\n", "1:34 Required property is missing: shell"],
    [
      "runs: {using: composite, steps: [{run: x, shell: sh, background: true}]}\n",
      "1:54 'background' is not allowed in a composite action.",
    ],
    ["runs: {using: composite, steps: [{wait-all: true}]}\n", "1:35 'wait-all' is not allowed in a composite action."],
    ["runs: {using: composite, steps: [{run: '${{ secrets.X }}', shell: sh}]}\n", "1:41 Unrecognized named-value: 'secrets'"],
  ])("says what is wrong with %j", async (text, expected) => {
    expect((await problems(text))[0]).toBe(expected);
  });
});
