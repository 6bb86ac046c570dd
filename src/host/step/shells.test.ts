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
