import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LogFollower } from "./log-follower.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "follow-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

test("wherever the growth is cut, each line comes once, whole, and under its first byte", () => {
  const text = fc.stringMatching(/^[a-zé€ ]{0,12}$/);
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), fc.array(fc.nat(200), { maxLength: 6 }), (lines, cuts) => {
      const path = join(directory, "log");
      const whole = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      writeFileSync(path, whole);
      using follower = new LogFollower(path);
      const told = [...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length].flatMap((end) =>
        follower.read(end),
      );
      expect(told.map((line) => line.text)).toEqual(lines);
      for (const { offset, length, text: line } of told) expect(whole.toString("utf8", offset, offset + length)).toBe(line);
    }),
    { numRuns: 100 },
  );
});

test("a line longer than a chunk is one line, and a last one without an end comes at the log's end", () => {
  const path = join(directory, "long");
  const long = "x".repeat(300_000);
  writeFileSync(path, `${long}\r\nlast`);
  using follower = new LogFollower(path);
  expect(follower.read(300_006).map((line) => line.length)).toEqual([300_000]);
  expect(follower.read(300_006, true)).toEqual([{ offset: 300_002, length: 4, text: "last" }]);
});
