// What every way of starting a process takes and gives.

import type { Readable } from "node:stream";

export interface SpawnOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
}

export interface ProcessEnd {
  readonly exitCode?: number;
  readonly signal?: string;
}

/** However it was started. */
export interface SpawnedProcess {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<ProcessEnd>;
  /** It does not hold this process any more. */
  readonly forget: () => void;
}
