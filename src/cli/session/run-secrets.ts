// The secrets of a run that is taken up again: their values were never written, so each is looked for where it came from,
// then among those given now, then a person is asked. What is found nowhere stops the run before any step, by name.

import { SignalboxError } from "../../model/errors.ts";
import type { RunInputs } from "../../model/run-view.ts";
import type { GivenSecrets } from "./session.ts";

export interface SecretPlaces {
  readonly environment: { readonly [name: string]: string | undefined };
  readonly given: GivenSecrets;
  /** Rejects if the file cannot be read; an unreadable file is a place where nothing is found. */
  readonly readSecretsFile: (path: string) => Promise<{ readonly [name: string]: string }>;
  readonly askSecret?: (name: string) => Promise<string>;
}

const FILE = "file:";

export async function findSecrets(
  recorded: RunInputs["secrets"],
  places: SecretPlaces,
): Promise<{ readonly values: ReadonlyMap<string, string>; readonly missing: readonly string[] }> {
  const values = new Map(Object.entries(places.given.values));
  const files = new Map<string, { readonly [name: string]: string }>();
  const missing: string[] = [];
  for (const { name, source } of recorded) {
    const value = (await fromSource(name, source, places, files)) ?? places.given.values[name];
    if (value !== undefined) values.set(name, value);
    else if (places.askSecret !== undefined) values.set(name, await places.askSecret(name));
    else missing.push(name);
  }
  return { values, missing };
}

export function refuseMissing(runId: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  const names = missing.join(", ");
  throw new SignalboxError(
    "FAILED_PRECONDITION",
    `Run ${runId} was started with secrets that are not to be found now: ${names}. Nothing was run. Give them with --secret NAME or --secrets-file FILE.`,
  );
}

async function fromSource(
  name: string,
  source: string,
  places: SecretPlaces,
  files: Map<string, { readonly [name: string]: string }>,
): Promise<string | undefined> {
  if (source === "environment") return places.environment[name];
  if (!source.startsWith(FILE)) return undefined;
  const path = source.slice(FILE.length);
  let content = files.get(path);
  if (content === undefined) {
    try {
      content = await places.readSecretsFile(path);
    } catch {
      content = {};
    }
    files.set(path, content);
  }
  return content[name];
}
