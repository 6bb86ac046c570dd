// What the job's steps have published, and what a step sees at position N: the fold of the first N entries.

import { SignalboxError } from "../../model/errors.ts";
import type { PublishedStep, StepPosition, StepValue } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";

type Texts = { readonly [name: string]: string };

interface Fold {
  readonly position: number;
  readonly environment: Texts;
  /** The latest first. */
  readonly path: readonly string[];
}

const NOTHING: Fold = { position: 0, environment: {}, path: [] };

export class PublishedResults {
  readonly #open: (value: StepValue) => string;
  readonly #entries: PublishedStep[] = [];
  /** The latest: positions mostly grow. */
  #fold = NOTHING;

  constructor(open: (value: StepValue) => string) {
    this.#open = open;
  }

  record(at: StepPosition): void {
    if (at.from > this.#entries.length || at.from + at.published.length < at.position) {
      throw new SignalboxError(
        "HOST_FAILED",
        `The host knows ${this.#entries.length} published results; entries from ${at.from} do not join them. This is a bug.`,
      );
    }
    for (const [index, entry] of at.published.entries()) this.#entries[at.from + index] ??= entry;
  }

  environmentAt(position: number): Texts {
    return this.#foldTo(position).environment;
  }

  pathAt(position: number): readonly string[] {
    return this.#foldTo(position).path;
  }

  /** The `steps` context. */
  stepsAt(position: number): JsonValue {
    const steps: { [id: string]: JsonValue } = {};
    for (const { id, outcome, conclusion, outputs } of this.#entries.slice(0, position)) {
      if (id !== undefined) steps[id] = { outcome, conclusion, outputs: mapValues(outputs, this.#open) };
    }
    return steps;
  }

  #foldTo(position: number): Fold {
    let fold = position >= this.#fold.position ? this.#fold : NOTHING;
    if (fold.position === position) return fold;
    for (const entry of this.#entries.slice(fold.position, position)) fold = this.#add(fold, entry);
    if (position > this.#fold.position) this.#fold = fold;
    return fold;
  }

  #add(fold: Fold, entry: PublishedStep): Fold {
    const written = entry.environment.map(({ name, value }) => [name, this.#open(value)] as const);
    return {
      position: fold.position + 1,
      environment: written.length === 0 ? fold.environment : { ...fold.environment, ...Object.fromEntries(written) },
      path: prependPaths(fold.path, entry.path.map(this.#open)),
    };
  }
}

/** Later ones in front, none twice. */
export function prependPaths(path: readonly string[], added: readonly string[]): readonly string[] {
  if (added.length === 0) return path;
  return [...new Set([...added.toReversed(), ...path])];
}

export function mapValues<From, To>(record: { readonly [name: string]: From }, map: (value: From) => To): { readonly [name: string]: To } {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
