import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSecrets } from "./parse-secrets.ts";

describe("a secrets file", () => {
  test("has a secret a line, comments and empty lines", () => {
    const text = `# keys
A=one
  B = two words \r
export C=x=y

D=pa#ss # a comment
E=
F=#
`;
    expect(parseSecrets(text)).toEqual({ A: "one", B: "two words", C: "x=y", D: "pa#ss", E: "", F: "" });
  });

  test("quotes keep blanks, line breaks and the other quotes", () => {
    const text = "A=' a '\nB=\"one\ntwo\\nthree\"  # key\nC=`it's \"so\"`\nD='a\\n'\nE=\n";
    expect(parseSecrets(text)).toEqual({ A: " a ", B: "one\ntwo\nthree", C: `it's "so"`, D: "a\\n", E: "" });
  });

  test.each([
    ["A=1\nhunter2\n", 2, "is no NAME=value"],
    ["{}\n", 1, "is no NAME=value"],
    ["A-B=1\n", 1, "is no NAME=value"],
    ["1A=1\n", 1, "is no NAME=value"],
    ["\nA='one\ntwo\n", 2, "never closed"],
    ["A='one' hunter2\n", 1, "goes on behind"],
  ])("%j is refused at its line, without its text", (text, line, said) => {
    expect(() => parseSecrets(text)).toThrow(expect.objectContaining({ line, message: expect.stringContaining(said) }));
    expect(() => parseSecrets(text)).toThrow(expect.objectContaining({ message: expect.not.stringContaining("hunter2") }));
  });

  test("any value comes back from between quotes that it does not have", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom("'", "`"), (value, quote) => {
        fc.pre(!value.includes(quote) && !value.includes("\r"));
        expect(parseSecrets(`A=1\nKEY=${quote}${value}${quote}\nB=2\n`)).toEqual({ A: "1", KEY: value, B: "2" });
      }),
    );
  });
});
