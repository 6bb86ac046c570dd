// Secrets as the command line gives them. Values stay in memory; only names and sources are recorded. The secrets file
// comes first, then the options, the last of a name winning.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { GivenSecrets } from "../session/session.ts";
import { systemReason } from "../system-reason.ts";
import { parseSecrets, SecretsFileError } from "./parse-secrets.ts";
import type { NamedText } from "./parsers.ts";

export interface SecretOptions {
  readonly secret?: readonly NamedText[];
  readonly secretsFile?: string;
}

type Environment = { readonly [name: string]: string | undefined };

export async function readSecrets(options: SecretOptions, environment: Environment, workingDirectory: string): Promise<GivenSecrets> {
  const values: { [name: string]: string } = {};
  const sources: { [name: string]: string } = {};
  const give = (name: string, value: string, source: string) => {
    const known = Object.keys(values).find((other) => other.toUpperCase() === name.toUpperCase());
    if (known !== undefined && known !== name) {
      delete values[known];
      delete sources[known];
    }
    values[name] = value;
    sources[name] = source;
  };
  if (options.secretsFile !== undefined) {
    const path = resolve(workingDirectory, options.secretsFile);
    for (const [name, value] of Object.entries(await readSecretsFile(path))) give(name, value, `file:${path}`);
  }
  for (const { name, value } of options.secret ?? []) {
    const found = value ?? environment[name];
    if (found === undefined) {
      throw new SignalboxError(
        "INVALID_ARGUMENT",
        `--secret ${name}: the environment has no variable ${name}. Set it, or put the secret into a file and give --secrets-file FILE.`,
      );
    }
    give(name, found, value === undefined ? "environment" : "option");
  }
  // What the runner has of itself: a token is there where the environment has one.
  const token = environment["GITHUB_TOKEN"];
  if (token !== undefined && token !== "" && !Object.keys(values).some((name) => name.toUpperCase() === "GITHUB_TOKEN")) {
    give("GITHUB_TOKEN", token, "environment");
  }
  return { values, sources };
}

async function readSecretsFile(path: string): Promise<{ readonly [name: string]: string }> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new SignalboxError("INVALID_ARGUMENT", `--secrets-file: cannot read ${path}: ${systemReason(error)}.`, { cause: error });
  }
  try {
    return parseSecrets(text);
  } catch (error) {
    if (!(error instanceof SecretsFileError)) throw error;
    throw new SignalboxError("INVALID_ARGUMENT", `--secrets-file: ${path}:${error.line} ${error.message}.`, { cause: error });
  }
}
