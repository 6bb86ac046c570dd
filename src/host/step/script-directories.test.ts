import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ScriptDirectories } from "./script-directories.ts";

test("two hosts of one process that work for the same run have folders of their own, and each removes only its own", () => {
  const base = mkdtempSync(join(tmpdir(), "signalbox-scripts-"));
  try {
    const [one, other] = [new ScriptDirectories(base), new ScriptDirectories(base)];
    const taken = [one, other, one, other].map((scripts) => scripts.take("run"));
    expect(new Set(taken.map(({ path }) => path)).size).toBe(4);
    one.removeOwn();
    expect(taken.map(({ path }) => existsSync(path))).toEqual([false, true, false, true]);
    other.removeOwn();
    expect(readdirSync(base)).toEqual([]);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
