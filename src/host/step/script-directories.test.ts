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

test("what a run is begun with goes at once, and is there again for the next start", () => {
  const base = mkdtempSync(join(tmpdir(), "signalbox-scripts-"));
  try {
    const scripts = new ScriptDirectories(base);
    const { path, host } = scripts.take("run");
    scripts.tidy("run");
    scripts.removeRun("run");
    scripts.removeRun("run");
    expect(readdirSync(base)).toEqual([]);
    const next = scripts.take("run");
    expect(next).toEqual({ path: expect.not.stringContaining(`${path}/`), host });
    expect(readdirSync(host)).toEqual(expect.arrayContaining(["begin.bash", "begin.sh"]));
    expect(readdirSync(next.path)).toHaveLength(5);
    scripts.removeOwn();
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
