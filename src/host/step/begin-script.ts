// The evidence that an attempt really began: its own process writes it as its first act. bash reads BASH_ENV before its
// script, which costs 0.04 ms; for everything else a shell stands in front and becomes the program, which costs 0.2 ms.
// A process that finds its folder gone (a crash was cleaned up meanwhile) neither begins nor leaves evidence.

import { writeFileSync } from "node:fs";
import type { ScriptDirectory } from "./script-directories.ts";

export interface Evidence {
  readonly beganFile: string;
  /** Through BASH_ENV; `user` is what the step has set it to itself. */
  readonly bashEnv?: { readonly user: string | undefined };
}

export function writeBeginScript(scripts: ScriptDirectory, { beganFile, bashEnv }: Evidence): string {
  const path = `${scripts.path}/begin`;
  // The number stands in the name: the evidence is there whole or not at all, and is found without reading it.
  const begin = `: > ${quote(`${beganFile}.`)}$$\n`;
  writeFileSync(path, bashEnv === undefined ? begin : `${restore(bashEnv.user)}${begin}${source(bashEnv.user)}`, { mode: 0o600 });
  return path;
}

function restore(user: string | undefined): string {
  return user === undefined ? "unset BASH_ENV\n" : `export BASH_ENV=${quote(user)}\n`;
}

function source(user: string | undefined): string {
  return user === undefined || user === "" ? "" : 'if [ -f "$BASH_ENV" ]; then . "$BASH_ENV"; fi\n';
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
