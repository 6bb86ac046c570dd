import { array, assert, integer, property, string } from "fast-check";
import { expect, test } from "vitest";
import { utf8Length } from "./utf8-length.ts";

test("a text's bytes are those that it is written in, lone surrogates included", () => {
  for (const text of ["", "a", "é", "€", "😀", "\ud83d", "\ude00", "\ud83d😀", "😀\ude00a\ud83d"]) {
    expect(utf8Length(text), JSON.stringify(text)).toBe(new TextEncoder().encode(text).length);
  }
  assert(
    property(string({ unit: "binary" }), array(integer({ min: 0xd700, max: 0xe000 })), (text, units) => {
      const mixed = text + String.fromCharCode(...units);
      expect(utf8Length(mixed)).toBe(new TextEncoder().encode(mixed).length);
    }),
  );
});
