import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "code-cache-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const module = fileURLToPath(new URL("./code-cache.ts", import.meta.url));
const file = join(folder, "script.cjs");
const cacheFile = join(folder, "cache", "kept");

/** In a process of its own: what is kept is written at its end. */
function start(expression: string, options: { readonly cacheFile?: string } = { cacheFile }, exitCode = 0): string {
  const given = JSON.stringify({ file, url: "file:///where", ...options });
  const program = `const { loadScript } = await import(${JSON.stringify(module)}); const script = loadScript(${given}); console.log(${expression});`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(status).toBe(exitCode);
  return stdout.trim();
}

beforeEach(() => {
  rmSync(join(folder, "cache"), { recursive: true, force: true });
  writeFileSync(
    file,
    `const path = require("node:path");
     module.exports = { called() { return path.join(__dirname, __url); } };`,
  );
});

describe("a script with kept code", () => {
  test("gives what it exports, with and without a cache, and keeps functions that were called", () => {
    const called = join(folder, "file:///where");
    expect(start("script.called()", {})).toBe(called);
    expect(start("1")).toBe("1");
    const without = readFileSync(cacheFile).length;
    rmSync(cacheFile);
    expect(start("script.called()")).toBe(called);
    expect(readFileSync(cacheFile).length).toBeGreaterThan(without);
    expect(start("script.called()")).toBe(called);
  });

  test.each([
    ["empty", Buffer.alloc(0)],
    ["something else", Buffer.from("no code at all")],
    ["cut short", undefined],
  ])("that is %s is made again", (_, content) => {
    start("script.called()");
    const good = readFileSync(cacheFile);
    writeFileSync(cacheFile, content ?? good.subarray(0, good.length >> 1));
    expect(start("script.called()")).toBe(join(folder, "file:///where"));
    expect(readFileSync(cacheFile).length).toBe(good.length);
  });

  test.runIf(process.getuid?.() === 0)("that another user wrote is not used", () => {
    start("script.called()");
    chownSync(cacheFile, 12_345, 12_345);
    start("script.called()");
    expect(statSync(cacheFile).uid).toBe(0);
  });

  test("is not written by a start that was refused", () => {
    start("(process.exitCode = 2)", { cacheFile }, 2);
    expect(existsSync(cacheFile)).toBe(false);
  });

  test("goes when there are newer ones", () => {
    start("1");
    for (let index = 0; index < 30; index += 1) {
      const file = join(folder, "cache", `old-${index}`);
      writeFileSync(file, "");
      utimesSync(file, index, index);
    }
    rmSync(cacheFile);
    start("1");
    const left = readdirSync(join(folder, "cache"));
    expect(left).toHaveLength(24);
    expect(left).toContain("kept");
    expect(left).toContain("old-29");
    expect(left).not.toContain("old-6");
  });

  test("does without where nothing can be written", () => {
    writeFileSync(join(folder, "cache"), "in the way");
    expect(start("script.called()")).toBe(join(folder, "file:///where"));
  });
});
