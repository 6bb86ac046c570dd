import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { JsonValue } from "../model/payload.ts";
import type { TemplateToken } from "../model/template.ts";
import { planCondition } from "./condition.ts";
import type { EvaluationScope } from "./evaluate-expression.ts";
import {
  evaluateBoolean,
  evaluateCondition,
  evaluateNumber,
  evaluateString,
  evaluateStrings,
  evaluateTemplate,
} from "./evaluate-template.ts";
import { evaluateWithHashes } from "./evaluate-with-hashes.ts";
import { formatNumber } from "./format-number.ts";
import { loadExpressions } from "./official-packages.ts";
import { referencedContexts } from "./references.ts";

beforeAll(loadExpressions);

const expression = (text: string): TemplateToken => ({ kind: "expression", expression: text });
const evaluate = (text: string, contexts: { readonly [name: string]: JsonValue } = {}): JsonValue =>
  evaluateTemplate(expression(text), { contexts });

describe("expressions", () => {
  const contexts = {
    github: { Ref: "refs/heads/main", event: { list: [{ n: 1 }, { n: 2 }, 3], constructor: "own" } },
    env: { FOO: "upper", foo: "lower" },
    needs: { a: { result: "success", outputs: { x: "1" } }, b: { result: "failure", outputs: {} } },
  };
  const cases: readonly (readonly [string, JsonValue])[] = [
    ["github.ref", "refs/heads/main"],
    ["GitHub.REF == 'REFS/HEADS/MAIN'", true],
    ["github.nothing", null],
    ["github.nothing.at.all", null],
    ["runner.os", null],
    ["github.event.constructor", "own"],
    ["github.toString", null],
    ["github.event.list.*.n", [1, 2]],
    ["github.event.list[1].n", 2],
    ["github.event.list[9]", null],
    ["needs.*.result", ["success", "failure"]],
    ["contains(needs.*.result, 'FAILURE')", true],
    ["env.FOO", "upper"],
    ["env.foo", "lower"],
    ["env.Foo", null],
    ["github.event == github.event", true],
    ['fromJSON(\'{"constructor": 1, "__proto__": 2}\').__proto__', 2],
    ["fromJSON('[1, \"a\", null, true]')", [1, "a", null, true]],
    ["toJSON(fromJSON('{\"a\":[1,{}]}'))", '{\n  "a": [\n    1,\n    {}\n  ]\n}'],
    ["toJSON(null)", "null"],
    ["format('{0} {{}} {1}', 1e21, true)", "1E+21 {} true"],
    ["format('{0}{1}{2}', null, needs, github.event.list)", "ObjectArray"],
    ["join(github.event.list.*.n, '-')", "1-2"],
    ["startsWith(github.ref, 'REFS')", true],
    ["case(false, 1, true, 2, 3)", 2],
    ["1 == '1'", true],
    ["null == 0", true],
    ["'' == null", true],
    ["true == '1'", true],
    ["0x10", 16],
    ["'a' && 'b'", "b"],
    ["'' || 'b'", "b"],
    ["!''", true],
    ["2 > '10'", false],
  ];
  it.each(cases)("%s -> %j", (text, expected) => {
    expect(evaluate(text, contexts)).toEqual(expected);
  });

  it("asks for a context when it is read, once, and for no other", () => {
    const asked: string[] = [];
    const scope: EvaluationScope = { contexts: (name) => (asked.push(name), { a: 1 }) };
    expect(evaluateTemplate(expression("matrix.a == matrix.a || secrets.x"), scope)).toBe(true);
    expect(asked).toEqual(["matrix"]);
  });

  it.each([
    ["fromJSON('{')", "fromJSON was given text that is not JSON"],
    ["fromJSON(github.none)", "fromJSON was given an empty text"],
    ["format('{1}', 'a')", "references more arguments than were supplied"],
    ["success()", "The function 'success' is not available here."],
    ["a b", "Unrecognized named-value: 'a'"],
    ["github.", "Unexpected end of expression"],
  ])("says what is wrong with %s", (text, message) => {
    expect(() => evaluate(text)).toThrow(message);
  });

  it("gives back any JSON as it was given", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(evaluate("github", { github: json })).toEqual(json);
        expect(JSON.parse(evaluateString(expression("toJSON(github)"), { contexts: { github: json } }))).toEqual(json);
        expect(evaluate(`fromJSON('${JSON.stringify(json).replaceAll("'", "''")}')`)).toEqual(json);
      }),
    );
  });

  it("never does anything but answer or say what is wrong", () => {
    const piece = fc.constantFrom(
      "github",
      ".",
      "[",
      "]",
      "(",
      ")",
      "'",
      "==",
      "&&",
      "!",
      "*",
      ",",
      "1",
      "format",
      "fromJSON",
      " ",
      "always",
      "'a'",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          evaluate(pieces.join(""));
        } catch (error) {
          expect(error).toMatchObject({ name: "EvaluationError", code: "INVALID_WORKFLOW" });
        }
      }),
    );
  });
});

describe("numbers as text", () => {
  it.each([
    [0, "0"],
    [-0, "0"],
    [1.5, "1.5"],
    [0.1 + 0.2, "0.3"],
    [100, "100"],
    [123456789012345, "123456789012345"],
    [1e15, "1E+15"],
    [1234567890123456, "1.23456789012346E+15"],
    [0.0001, "0.0001"],
    [0.00001, "1E-05"],
    [-1.25e-7, "-1.25E-07"],
    [1e100, "1E+100"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ])("%d is %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it("read back as the number they were, to 15 digits", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), (value) => {
        const read = Number(formatNumber(value));
        if (Math.abs(value) > 1e-300) expect(Math.abs(read - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-14);
      }),
    );
  });
});

describe("slots", () => {
  const scope: EvaluationScope = { contexts: { vars: { minutes: "5", flag: "true" }, matrix: { n: 5, b: false, list: [1] } } };
  it("a text slot takes scalars as text", () => {
    expect(["matrix.n", "matrix.b", "matrix.none", "vars.minutes"].map((text) => evaluateString(expression(text), scope))).toEqual([
      "5",
      "false",
      "",
      "5",
    ]);
    expect(() => evaluateString(expression("matrix.list"), scope)).toThrow("A text was expected, but the value is a list.");
  });
  it("a number slot takes numbers alone, as on GitHub", () => {
    expect(evaluateNumber(expression("fromJSON(vars.minutes)"), scope)).toBe(5);
    expect(() => evaluateNumber(expression("vars.minutes"), scope)).toThrow(
      "Expected a number, but the value is the text '5'. Use fromJSON(...)",
    );
  });
  it("a boolean slot takes booleans alone", () => {
    expect(evaluateBoolean(expression("matrix.b"), scope)).toBe(false);
    expect(() => evaluateBoolean(expression("vars.flag"), scope)).toThrow("Use fromJSON(...)");
    expect(() => evaluateBoolean(expression("matrix.none"), scope)).toThrow("the value is empty");
  });
  it("a mapping takes entries, a whole object, and what is inserted", () => {
    const mapping: TemplateToken = {
      kind: "mapping",
      entries: [
        { key: { kind: "string", value: "A" }, value: { kind: "number", value: 1 } },
        { key: { kind: "insert" }, value: expression("matrix.more") },
        { key: expression("format('K{0}', matrix.n)"), value: { kind: "null" } },
      ],
    };
    const contexts = { matrix: { n: 2, more: { B: true, A: "later" } } };
    expect(evaluateStrings(mapping, { contexts })).toEqual({ A: "later", B: "true", K2: "" });
    expect(evaluateStrings(expression("matrix.more"), { contexts })).toEqual({ A: "later", B: "true" });
    expect(evaluateStrings(undefined, { contexts })).toEqual({});
    expect(() => evaluateStrings(expression("'x'"), { contexts })).toThrow("A mapping was expected");
  });
});

describe("conditions", () => {
  const at = { line: 1, column: 1 };
  it.each([
    [undefined, "success()", true],
    ["", "success()", true],
    ["github.x", "success() && (github.x)", true],
    ["always()", "always()", false],
    ["!Cancelled() && github.x", "!Cancelled() && github.x", false],
    ["contains('success()', github.x)", "success() && (contains('success()', github.x))", true],
    ["format('{0}', failure())", "format('{0}', failure())", false],
  ])("%j is %s", (text, expected, isDefault) => {
    const token: TemplateToken | undefined = text === undefined ? undefined : { kind: "string", value: text };
    expect(planCondition(token, at)).toMatchObject({ expression: expected, isDefault });
  });
  it("hold by the language's idea of truth", () => {
    const status = { success: () => false, failure: () => true, cancelled: () => false };
    const holds = (text: string) => evaluateCondition({ expression: text }, { contexts: { github: {} }, status });
    expect(["failure()", "always()", "'a'", "github", "1"].map(holds)).toEqual([true, true, true, true, true]);
    expect(["success()", "cancelled()", "''", "github.x", "0", "success() && github"].map(holds)).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("hashFiles", () => {
  it("is taken once for each set of patterns, recorded, and the same when given back", async () => {
    const asked: (readonly string[])[] = [];
    const hash = async (patterns: readonly string[]) => (asked.push(patterns), `h${asked.length}`);
    const template = expression("format('{0}-{1}-{2}', hashFiles('a', 'b'), hashFiles(hashFiles('a', 'b')), hashFiles('a', 'b'))");
    const first = await evaluateWithHashes((hashFiles) => evaluateString(template, { contexts: {}, hashFiles }), hash);
    expect(first).toEqual({
      value: "h1-h2-h1",
      hashes: [
        { patterns: ["a", "b"], hash: "h1" },
        { patterns: ["h1"], hash: "h2" },
      ],
    });
    const again = await evaluateWithHashes((hashFiles) => evaluateString(template, { contexts: {}, hashFiles }), hash, first.hashes);
    expect(again).toEqual(first);
    expect(asked).toHaveLength(2);
  });
});

describe("referencedContexts", () => {
  it("names what an expression reads, as far as its text says", () => {
    expect(referencedContexts("secrets.A == Secrets['b'] && format('{0}', vars.C) || secrets[matrix.k] || toJSON(env)")).toEqual([
      { context: "secrets", property: "A" },
      { context: "secrets", property: "b" },
      { context: "vars", property: "C" },
      { context: "secrets" },
      { context: "matrix", property: "k" },
      { context: "env" },
    ]);
  });
});
