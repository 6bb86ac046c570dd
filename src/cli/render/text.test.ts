import { assert, nat, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { duration } from "./duration.ts";
import { logText, plainText } from "./safe-text.ts";
import { cutToWidth, textWidth } from "./text-width.ts";

describe("the width of a text", () => {
  test.each([
    ["", 0],
    ["abc", 3],
    ["日本", 4],
    ["e\u0301", 1],
    ["👍", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["한글", 4],
    ["\u200b", 0],
    ["…", 1],
    ["✓ ok", 4],
  ])("%j takes %i cells", (text, width) => expect(textWidth(text)).toBe(width));

  test("a cut text is never wider than it may be, and what fits is not cut", () => {
    assert(
      property(string({ unit: "grapheme" }), nat(30), (text, width) => {
        const cut = cutToWidth(text, width);
        expect(textWidth(cut)).toBeLessThanOrEqual(width);
        if (width > 0 && textWidth(text) <= width) expect(cut).toBe(text);
      }),
    );
  });
});

describe("text that others wrote", () => {
  test.each([
    ["plain", "plain"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["a\u001b]8;;http://x\u0007link\u001b]8;;\u0007b", "alinkb"],
    ["a\nb", "a b"],
    ["\u009b2Jx", "x"],
    ["cut \u001b[", "cut "],
    ["dcs \u001bPq#0\u001b\\end", "dcs end"],
  ])("%j is shown as %j", (text, shown) => expect(plainText(text)).toBe(shown));

  test("no control character survives, whatever the text", () => {
    assert(
      property(string({ unit: "binary" }), (text) => {
        for (const shown of [plainText(text), logText(text, false)]) {
          expect(Array.from(shown).some((one) => one !== "\t" && (one < " " || (one >= "\u007f" && one <= "\u009f")))).toBe(false);
        }
      }),
    );
  });

  test("a log line keeps its colours where colours are shown, and nothing else", () => {
    expect(logText("\u001b[31mred\u001b[2J", true)).toBe("\u001b[31mred\u001b[0m");
    expect(logText("\u001b[31mred\u001b[2J", false)).toBe("red");
  });

  test("a progress bar is shown as it ended", () => expect(logText("10%\r50%\r100%\r", false)).toBe("100%"));
});

test.each([
  [0, "0.0s"],
  [-5, "0.0s"],
  [59_949, "59.9s"],
  [59_999, "1m 00s"],
  [3_599_499, "59m 59s"],
  [3_600_000, "1h 00m"],
  [90_000_000, "1d 01h"],
])("%i ms is %s", (ms, text) => expect(duration(ms)).toBe(text));
