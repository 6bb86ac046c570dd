import { describe, expect, test } from "vitest";
import type { TemplateToken } from "./template.ts";
import { templateText } from "./template-text.ts";

describe("a template as its file has it", () => {
  test.each<readonly [TemplateToken | undefined, string | undefined]>([
    [undefined, undefined],
    [{ kind: "null" }, undefined],
    [{ kind: "string", value: "a ${{ b" }, "a ${{ b"],
    [{ kind: "number", value: 3 }, "3"],
    [{ kind: "expression", expression: "matrix.os" }, "${{ matrix.os }}"],
    [{ kind: "expression", expression: "format('it''s {0} on {1}', a.b, c)" }, "it's ${{ a.b }} on ${{ c }}"],
    [{ kind: "expression", expression: "format('{{\"a\": {0}}}', a)" }, '{"a": ${{ a }}}'],
    [{ kind: "expression", expression: "format('{0}', fromJSON('[]'))" }, "${{ format('{0}', fromJSON('[]')) }}"],
  ])("%j", (token, text) => {
    expect(templateText(token)).toBe(text);
  });
});
