import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { resolveShell } from "./shells.ts";

const PATH = process.env["PATH"] ?? "/bin:/usr/bin";

describe("shells", () => {
  test.each([
    [undefined, ["-e", "/s"]],
    ["bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", "/s"]],
    ["sh", ["-e", "/s"]],
    ['bash -c "a b" {0} --x={0}', ["-c", "a b", "/s", "--x=/s"]],
  ])("%s", (shell, args) => {
    expect(resolveShell(shell, PATH).args("/s")).toEqual(args);
  });

  test("pwsh gets GitHub's frame: it stops at an error, and ends with the code of the last program", () => {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-shells-"));
    try {
      writeFileSync(join(folder, "pwsh"), "", { mode: 0o755 });
      const shell = resolveShell("pwsh", folder);
      expect([shell.command, ...shell.args("/tmp/a b.ps1")]).toEqual([join(folder, "pwsh"), "-command", ". '/tmp/a b.ps1'"]);
      expect(shell.extension).toBe(".ps1");
      expect(shell.wrapScript("Get-Date").split("\n")).toEqual([
        "$ErrorActionPreference = 'stop'",
        "Get-Date",
        "if ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }",
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.each([
    ["bash -e", "format string containing '{0}'"],
    ["zsh-that-is-not-there {0}", "command not found"],
  ])("%s is refused", (shell, message) => {
    expect(() => resolveShell(shell, PATH)).toThrow(message);
  });

  test("without bash the default is sh", () => {
    expect(() => resolveShell(undefined, "/nowhere")).toThrow("sh: command not found");
  });
});
