import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeKey, escapePrefix, unescapeKey } from "./key-text.ts";

const keys = fc.string({
  unit: fc.constantFrom(
    "\0",
    "\x01",
    "\x02",
    "\x03",
    "\ud7fe",
    "\ud7ff",
    "\ud800",
    "\udbff",
    "\udc00",
    "\udfff",
    "\ue000",
    "\uffff",
    "0",
    "d",
    "a",
  ),
  maxLength: 8,
});

/** By code points, lone surrogates among them: the order of the escaped keys in UTF-8. */
function compare(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let at = 0; ; at++) {
    if (left[at] === undefined || right[at] === undefined) return left.length - right.length;
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
}

describe("keys", () => {
  test("come back exactly, as text that UTF-8 and SQLite can hold", () => {
    fc.assert(
      fc.property(keys, (key) => {
        const escaped = escapeKey(key);
        expect(unescapeKey(escaped)).toBe(key);
        expect(escaped.isWellFormed() && !escaped.includes("\0")).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("keep their order", () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const order = Buffer.compare(Buffer.from(escapeKey(a)), Buffer.from(escapeKey(b)));
        expect(order).toBe(Math.sign(compare(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  test("keep their prefixes", () => {
    fc.assert(
      fc.property(keys, keys, (prefix, rest) => {
        expect(escapeKey(prefix + rest).startsWith(escapePrefix(prefix))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("without anything special are themselves", () => {
    for (const key of ["", "job-1", "é", "日本", "😀"]) expect(escapeKey(key)).toBe(key);
  });
});
