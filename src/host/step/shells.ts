// The shells of `run` steps, with GitHub's command lines.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter } from "node:path";

export interface ShellCommand {
  readonly command: string;
  readonly args: (script: string) => readonly string[];
  readonly extension: string;
  readonly wrapScript: (script: string) => string;
  /** Reads BASH_ENV before the script. */
  readonly readsBashEnv: boolean;
}

/** For people: the shell is not there, or says nothing. */
class ShellError extends Error {
  override readonly name = "ShellError";
}

interface KnownShell {
  readonly args: string;
  readonly extension: string;
}

const KNOWN: ReadonlyMap<string, KnownShell> = new Map([
  ["bash", { args: "--noprofile --norc -e -o pipefail {0}", extension: ".sh" }],
  ["sh", { args: "-e {0}", extension: ".sh" }],
  ["python", { args: "{0}", extension: ".py" }],
  ["pwsh", { args: `-command ". '{0}'"`, extension: ".ps1" }],
]);

const asIs = (script: string): string => script;
const powerShell = (script: string): string =>
  `$ErrorActionPreference = 'stop'\n${script}\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }`;

/** `shell` as the file says it; absent: bash, or sh where there is none. `searchPath`: GITHUB_PATH additions first. */
export function resolveShell(shell: string | undefined, searchPath: string): ShellCommand {
  if (shell === undefined || shell === "") {
    const bash = findProgram("bash", searchPath);
    const command = bash ?? requireProgram("sh", searchPath, "the default shell");
    return { command, args: (script) => ["-e", script], extension: ".sh", wrapScript: asIs, readsBashEnv: bash !== undefined };
  }
  const known = KNOWN.get(shell);
  if (known !== undefined) {
    const command = requireProgram(shell, searchPath, `shell: ${shell}`);
    const wrapScript = shell === "pwsh" ? powerShell : asIs;
    return { command, args: fill(known.args), extension: known.extension, wrapScript, readsBashEnv: shell === "bash" };
  }
  const [, name = "", args = ""] = /^\s*(\S+)\s*(.*)$/s.exec(shell) ?? [];
  if (!args.includes("{0}")) {
    throw new ShellError(
      `Invalid shell option '${shell}'. Shell must be a valid built-in (bash, sh, python, pwsh) or a format string containing '{0}'`,
    );
  }
  const command = requireProgram(name, searchPath, `shell: ${shell}`);
  return { command, args: fill(args), extension: KNOWN.get(name)?.extension ?? "", wrapScript: asIs, readsBashEnv: false };
}

function fill(template: string): (script: string) => readonly string[] {
  const words = splitWords(template);
  return (script) => words.map((word) => word.replaceAll("{0}", script));
}

/** Words are separated by blanks; double quotes keep blanks and vanish. */
function splitWords(text: string): readonly string[] {
  return Array.from(text.matchAll(/(?:[^\s"]|"(?:\\.|[^"\\])*")+/g), ([word]) =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"/g, (_, quoted: string) => quoted.replaceAll(/\\(["\\])/g, "$1")),
  );
}

function requireProgram(name: string, searchPath: string, asked: string): string {
  const program = findProgram(name, searchPath);
  if (program === undefined) {
    throw new ShellError(
      `${name}: command not found (${asked}). Install it, or add its folder to PATH or GITHUB_PATH. Searched: ${searchPath}`,
    );
  }
  return program;
}

function findProgram(name: string, searchPath: string): string | undefined {
  if (name.includes("/")) return isProgram(name) ? name : undefined;
  if (searchPath !== folders.of) folders = { of: searchPath, list: searchPath.split(delimiter).filter((folder) => folder.startsWith("/")) };
  for (const folder of folders.list) {
    const program = folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
    if (isProgram(program)) return program;
  }
  return undefined;
}

/** Of the last search path: it is nearly always that of the step before. What lies in them may change with every step. */
let folders: { readonly of: string; readonly list: readonly string[] } = { of: "", list: [] };

/** Asked in an order that throws nothing where there is nothing, which is the case for most folders of a PATH. */
function isProgram(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
