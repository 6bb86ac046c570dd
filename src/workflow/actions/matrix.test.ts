import { beforeAll, describe, expect, it } from "vitest";
import { loadExpressions } from "../../expressions/official-packages.ts";
import type { JsonValue } from "../../model/payload.ts";
import { expandMatrix } from "./matrix.ts";
import { planWorkflow } from "./plan-workflow.ts";

beforeAll(loadExpressions);

async function expand(text: string, contexts: { readonly [name: string]: JsonValue } = {}) {
  const { plan, diagnostics } = await planWorkflow({
    file: "ci.yml",
    text: `on: push\njobs:\n  test:\n    strategy: {matrix: ${text}}\n    runs-on: x\n    steps: [{run: x}]\n`,
  });
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  return expandMatrix(plan.jobs[0]?.strategy?.matrix, { contexts });
}

describe("expandMatrix", () => {
  const cases: readonly (readonly [string, string, readonly JsonValue[]])[] = [
    [
      "the first key varies slowest",
      "{a: [1, 2], b: [x, y]}",
      [
        { a: 1, b: "x" },
        { a: 1, b: "y" },
        { a: 2, b: "x" },
        { a: 2, b: "y" },
      ],
    ],
    ["exclude by some keys", "{a: [1, 2], b: [x, y], exclude: [{a: 1}, {a: 2, b: y}]}", [{ a: 2, b: "x" }]],
    ["exclude compares as the language does", "{a: [1, 2], b: [X], exclude: [{a: '1', b: x}]}", [{ a: 2, b: "X" }]],
    ["exclude of an object", "{a: [{n: 1, m: 2}, {n: 1}], exclude: [{a: {n: 1}}]}", [{ a: { n: 1, m: 2 } }]],
    ["include alone", "{include: [{a: 1}, {b: 2}]}", [{ a: 1 }, { b: 2 }]],
    ["include beside a list that is excluded", "{a: [1], exclude: [{a: 1}], include: [{a: 1}]}", [{ a: 1 }]],
    [
      "the example of GitHub's documentation",
      `{fruit: [apple, pear], animal: [cat, dog], include: [{color: green}, {color: pink, animal: cat}, {fruit: apple, shape: circle}, {fruit: banana}, {fruit: banana, animal: cat}]}`,
      [
        { fruit: "apple", animal: "cat", color: "pink", shape: "circle" },
        { fruit: "apple", animal: "dog", color: "green", shape: "circle" },
        { fruit: "pear", animal: "cat", color: "pink" },
        { fruit: "pear", animal: "dog", color: "green" },
        { fruit: "banana" },
        { fruit: "banana", animal: "cat" },
      ],
    ],
    [
      "names of every object's properties",
      "{constructor: [1], __proto__: [2]}",
      [JSON.parse('{"constructor": 1, "__proto__": 2}') as JsonValue],
    ],
  ];
  it.each(cases)("%s", async (_name, text, expected) => {
    expect((await expand(text)).map(({ values }) => values)).toEqual(expected);
  });

  it("takes the whole matrix, a list or a value from an expression", async () => {
    const contexts = { needs: { a: { outputs: { m: '{"n":[1,2]}', list: '["p","q"]', include: '[{"n":1,"x":true}]' } } } };
    expect(await expand("'${{ fromJSON(needs.a.outputs.m) }}'", contexts)).toHaveLength(2);
    expect(await expand("{n: '${{ fromJSON(needs.a.outputs.list) }}'}", contexts)).toMatchObject([{ label: "p" }, { label: "q" }]);
    expect(await expand("{n: [1], include: '${{ fromJSON(needs.a.outputs.include) }}'}", contexts)).toMatchObject([
      { values: { n: 1, x: true } },
    ]);
  });

  it.each([
    ["{a: []}", "Matrix vector 'a' does not contain any values"],
    ["{a: [1], exclude: [{a: 1}]}", "The matrix has no combinations."],
    ["{a: [1], exclude: [{b: 1}]}", "Matrix exclude key 'b' does not match any key within the matrix"],
    ["'${{ fromJSON(needs.a.outputs.none) }}'", "fromJSON was given an empty text"],
    ["{a: '${{ github.x }}'}", "The matrix key 'a' must be a list."],
    ["'${{ github.x }}'", "The matrix must be a mapping of lists."],
  ])("refuses %s", async (text, message) => {
    await expect(expand(text)).rejects.toThrow(message);
  });

  it("makes 10,000 cells without trouble", async () => {
    const list = `[${Array.from({ length: 100 }, (_, index) => index).join(", ")}]`;
    expect(await expand(`{a: ${list}, b: ${list}}`)).toHaveLength(10_000);
  });
});

describe("labels of cells", () => {
  it("are every scalar of the cell, objects walked through", async () => {
    const [cell] = await expand("{node: [20], os: [linux], x: [{a: 1, b: [true, z]}], e: ['']}");
    expect(cell?.label).toBe("20, linux, 1, true, z");
  });
  it("end at 100 characters", async () => {
    const [cell] = await expand(`{a: [${"x".repeat(200)}]}`);
    expect(cell?.label).toBe(`${"x".repeat(97)}...`);
  });
});
