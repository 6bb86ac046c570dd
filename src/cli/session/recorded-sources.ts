// The workflow files that a run has read, by place and content: the one it was started with and those that it calls. A
// run reads each of them once; from then on it reads what it recorded.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileError, hasCode } from "./file-errors.ts";
import { contentHash, type RecordedFiles } from "./recorded-files.ts";
import { writeAtomically } from "./write-atomically.ts";

export interface RecordedSource {
  /** Absolute, and as shown to people. */
  readonly path: string;
  readonly shownAs: string;
  /** Content hashes of the bytes and of the plan made from them. */
  readonly source: string;
  readonly plan: string;
}

export class RecordedSources {
  readonly #file: string;
  readonly #sources: RecordedSource[];

  constructor(directory: string) {
    this.#file = join(directory, "sources.json");
    this.#sources = readSources(this.#file);
  }

  get all(): readonly RecordedSource[] {
    return this.#sources;
  }

  find(path: string): RecordedSource | undefined {
    return this.#sources.find((source) => source.path === path);
  }

  add(...sources: readonly RecordedSource[]): void {
    this.#sources.push(...sources);
    try {
      writeAtomically(this.#file, JSON.stringify(this.#sources), { isDurable: false });
    } catch (error) {
      throw fileError(`The list of workflow files ${this.#file} cannot be written`, error, "Free space or give another --state DIR.");
    }
  }

  /** Files that are no longer as they were when the run read them. */
  changed(): readonly string[] {
    return this.#sources.filter(({ path, source }) => presentHash(path) !== source).map(({ shownAs }) => shownAs);
  }

  /** Takes over what another run has recorded. */
  takeOver(other: RecordedSources, from: RecordedFiles, to: RecordedFiles): void {
    for (const { source, plan } of other.all) for (const hash of [source, plan]) to.put(from.get(hash));
    this.add(...other.all);
  }
}

function presentHash(path: string): string | undefined {
  try {
    return contentHash(readFileSync(path));
  } catch {
    return undefined;
  }
}

function readSources(file: string): RecordedSource[] {
  try {
    // Written by `add` alone, in one piece.
    return JSON.parse(readFileSync(file, "utf8")) as RecordedSource[];
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw fileError(`The list of workflow files ${file} cannot be read`, error, "The run cannot go on without it.");
  }
}
