// What a run was started with, by the hash of its content. A file is written once and never changed, so its name proves
// what is in it: one that does not match is damage, and nothing is run on damage.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import { fileError, hasCode } from "./file-errors.ts";
import { writeAtomically } from "./write-atomically.ts";

export function contentHash(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export class RecordedFiles {
  readonly #directory: string;
  readonly #parsed = new Map<string, unknown>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  put(content: string | Uint8Array): string {
    const hash = contentHash(content);
    const file = join(this.#directory, hash);
    try {
      // Durable with the record that names it, which is written after it.
      if (!existsSync(file)) writeAtomically(file, content, { isDurable: false });
    } catch (error) {
      throw fileError(`What the run starts with cannot be recorded in ${this.#directory}`, error, "Nothing was started.");
    }
    return hash;
  }

  putJson(value: unknown): string {
    const hash = this.put(JSON.stringify(value));
    this.#parsed.set(hash, value);
    return hash;
  }

  get(hash: string): Uint8Array {
    const file = join(this.#directory, hash);
    let content: Uint8Array;
    try {
      content = readFileSync(file);
    } catch (error) {
      if (hasCode(error, "ENOENT")) throw new SignalboxError("STORE_CORRUPT", `The run has lost what it recorded: ${file} is missing.`);
      throw fileError(`${file} cannot be read`, error, "The run cannot go on without it.");
    }
    if (contentHash(content) !== hash)
      throw new SignalboxError("STORE_CORRUPT", `${file} is not what was recorded: its content does not match its name.`);
    return content;
  }

  /** The caller names the type that it recorded under this hash. */
  getJson<Recorded>(hash: string): Recorded {
    const known = this.#parsed.get(hash) ?? JSON.parse(Buffer.from(this.get(hash)).toString("utf8"));
    this.#parsed.set(hash, known);
    return known as Recorded;
  }
}
