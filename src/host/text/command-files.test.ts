import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommandFileError, parseEntries, parseEnvironment, parsePath } from "./command-files.ts";

describe("GITHUB_OUTPUT, GITHUB_ENV and GITHUB_STATE", () => {
  test.each([
    ["", []],
    ["\n\n", []],
    ["a=1", [["a", "1"]]],
    [
      "a=1\nb=\n",
      [
        ["a", "1"],
        ["b", ""],
      ],
    ],
    ["a=b=c\n", [["a", "b=c"]]],
    ["a=x<<y\n", [["a", "x<<y"]]],
    ["a<<EOF\nEOF\n", [["a", ""]]],
    ["a<<EOF\n\nEOF\n", [["a", ""]]],
    ["a<<EOF\n\n\nEOF\n", [["a", "\n"]]],
    [
      "a<<E=F\none\n two \nE=F\nb=2",
      [
        ["a", "one\n two "],
        ["b", "2"],
      ],
    ],
    ["a<<EOF\nEOF \n EOF\nEOF", [["a", "EOF \n EOF"]]],
    ["a=1\r\n", [["a", "1\r"]]],
    [" a = 1 ", [[" a ", " 1 "]]],
    ["a<<<EOF\nx\n<EOF\n", [["a", "x"]]],
  ])("%j", (text, entries) => {
    expect(parseEntries(text).map(({ name, value }) => [name, value])).toEqual(entries);
  });

  test.each([
    ["=1", "Invalid format '=1'. Name must not be empty"],
    ["<<EOF\nEOF\n", "Invalid format '<<EOF'. Name must not be empty and delimiter must not be empty"],
    ["a<<\n\n", "Invalid format 'a<<'. Name must not be empty and delimiter must not be empty"],
    ["a<<EOF\nx\n", "Invalid value. Matching delimiter not found 'EOF'"],
    ["a<<EOF", "Invalid value. Matching delimiter not found 'EOF'"],
    ["a<<EOF\nx", "Invalid value. EOF marker missing new line."],
    ["a<<EOF\nx\nEOF\r\n", "Invalid value. Matching delimiter not found 'EOF'"],
    ["neither", "Invalid format 'neither'"],
  ])("%j is refused", (text, message) => {
    expect(() => parseEntries(text)).toThrow(new CommandFileError(message));
  });

  test("any values come back as they were written", () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]*$/);
    const entry = fc.record({ name, value: fc.string({ unit: "binary" }) });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const text = entries
          .map(({ name: key, value }, index) => `${key}<<end-of-${index}-value\n${value}\nend-of-${index}-value\n`)
          .join("");
        expect(parseEntries(text)).toEqual(entries);
      }),
    );
  });

  test("the environment refuses NODE_OPTIONS and NUL, and leaves out what the contexts give", () => {
    expect(() => parseEnvironment("node_options=x\n")).toThrow("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.");
    expect(() => parseEnvironment("A=\0")).toThrow(/NUL/);
    expect(parseEnvironment("GITHUB_SHA=x\nFOO=1\nfoo=2\nRUNNER_TEMP=y\n")).toEqual({
      entries: [
        { name: "FOO", value: "1" },
        { name: "foo", value: "2" },
      ],
      ignored: ["GITHUB_SHA", "RUNNER_TEMP"],
    });
  });
});

test("GITHUB_PATH: one folder a line, each once, at its last place", () => {
  expect(parsePath("/a\n\n/b\r\n/a\n c ")).toEqual(["/b", "/a", " c "]);
});
