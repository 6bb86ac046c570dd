// The action files that a job's steps have been resolved to, by the hash of their content, in the run's folder: an attempt
// after a crash runs what the first one was resolved to, whatever stands in the workspace by then. The folder holds
//   recorded/actions/<hash>                    the content, sealed where a mask would change it
//   recorded/actions/<job>/<step>[.<n>...]     which of them: the hash, for the step itself or an inner one by its place

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { ActionPlace, JobKey, StepValue } from "../../model/host-port.ts";

export interface ActionContent {
  readonly text: Buffer;
  readonly hash: string;
}

export interface ContentSeal {
  readonly close: (text: string) => StepValue;
  readonly open: (value: StepValue) => string;
}

export class RecordedActions {
  readonly #directory: string;
  readonly #job: string;
  readonly #seal: ContentSeal;

  constructor(runDirectory: string, job: JobKey, seal: ContentSeal) {
    this.#directory = join(runDirectory, "recorded", "actions");
    this.#job = join(this.#directory, job);
    this.#seal = seal;
  }

  /** What the action was resolved to before; undefined: it is resolved now. */
  find(step: string, place: ActionPlace): ActionContent | undefined {
    const hash = read(this.#pin(step, place))?.toString("utf8");
    return hash === undefined ? undefined : this.get(hash);
  }

  get(hash: string): ActionContent {
    const file = join(this.#directory, hash);
    const stored = read(file) ?? this.#unsealed(`${file}.sealed`);
    if (stored === undefined)
      throw new SignalboxError("STORE_CORRUPT", `The run has lost an action file that it recorded: ${file} is missing.`);
    if (hashOf(stored) !== hash)
      throw new SignalboxError("STORE_CORRUPT", `${file} is not what was recorded: its content does not match its name.`);
    return { text: stored, hash };
  }

  /** The content first: a name without it would be damage. */
  keep(step: string, place: ActionPlace, text: Buffer): ActionContent {
    const hash = hashOf(text);
    const file = join(this.#directory, hash);
    const closed = this.#seal.close(text.toString("utf8"));
    mkdirSync(this.#job, { recursive: true, mode: 0o700 });
    if (typeof closed === "string") write(file, text);
    else write(`${file}.sealed`, closed.sealed);
    write(this.#pin(step, place), hash);
    return { text, hash };
  }

  #pin(step: string, place: ActionPlace): string {
    return join(this.#job, [step, ...place].join("."));
  }

  #unsealed(file: string): Buffer | undefined {
    const sealed = read(file)?.toString("utf8");
    return sealed === undefined ? undefined : Buffer.from(this.#seal.open({ sealed }));
  }
}

function hashOf(text: Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Another host may record the same file at the same time. */
function write(file: string, content: string | Buffer): void {
  const written = `${file}.${process.pid}.tmp`;
  writeFileSync(written, content, { mode: 0o600 });
  renameSync(written, file);
}
