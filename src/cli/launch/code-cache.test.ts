import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
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
function start(expression: string, options: { readonly cacheFile?: string } = { cacheFile }): string {
  const given = JSON.stringify({ file, url: "file:///where", ...options });
  const program = `const { loadScript } = await import(${JSON.stringify(module)}); const script = loadScript(${given}); console.log(${expression});`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" }).trim();
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
    expect(execFileSync("stat", ["-c", "%u", cacheFile], { encoding: "utf8" }).trim()).toBe("0");
  });

  test("goes when it has not been written for a month", () => {
    start("1");
    const old = join(folder, "cache", "old");
    writeFileSync(old, "");
    utimesSync(old, 0, 0);
    rmSync(cacheFile);
    start("1");
    expect(readdirSync(join(folder, "cache"))).toEqual(["kept"]);
  });

  test("does without where nothing can be written", () => {
    writeFileSync(join(folder, "cache"), "in the way");
    expect(start("script.called()")).toBe(join(folder, "file:///where"));
  });
});
