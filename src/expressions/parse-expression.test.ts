import { beforeAll, describe, expect, test } from "vitest";
import { evaluateTemplate } from "./evaluate-template.ts";
import { loadExpressions } from "./official-packages.ts";

beforeAll(loadExpressions);

describe("strings", () => {
  test.each([
    ["''", ""],
    ["''''", "'"],
    ["''''''", "''"],
    ["'it''s'", "it's"],
    ["'a''b''c''d'", "a'b'c'd"],
    ["format('''{0}'' and ''{1}''', 'x', 'y''s')", "'x' and 'y's'"],
  ])("every doubled quote of %s is one", (expression, value) => {
    expect(evaluateTemplate({ kind: "expression", expression }, { contexts: {} })).toBe(value);
  });
});
