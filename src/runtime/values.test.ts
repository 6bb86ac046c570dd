import { expect, test } from "vitest";
import { encodeValue } from "./values.ts";

test("a value is measured in the bytes of its JSON, and the error says how many there are", () => {
  // Two quotes and three bytes a sign.
  expect(encodeValue("€€", "The input", 8)).toBe('"€€"');
  expect(() => encodeValue("€€€", "The input", 8)).toThrow("The input has 11 bytes as JSON; at most 8 are allowed.");
  expect(encodeValue(undefined, "The input", 0)).toBeUndefined();
});

test("what JSON cannot hold is the caller's error", () => {
  for (const value of [10n, () => {}, Symbol("s")]) {
    expect(() => encodeValue(value, "The output", 99)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  }
});
