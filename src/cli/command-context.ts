// What a command is given: nothing below reaches for the process itself, so that a test hands in a fake of each.

import type { Diagnostic, WorkflowPlan } from "../model/plan.ts";
import type { SessionEnvironment, Sessions } from "./session/session.ts";
import type { Terminal } from "./terminal.ts";

export interface ReadWorkflow {
  /** Absent where a diagnostic is an error. */
  readonly plan?: WorkflowPlan;
  readonly diagnostics: readonly Diagnostic[];
}

export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: { readonly [name: string]: string | undefined };
  readonly workingDirectory: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  now(): number;
  openSessions(environment: SessionEnvironment): Promise<Sessions>;
  /** Parses, checks and plans; `shownAs` is the file's name in messages. */
  readWorkflow(source: Uint8Array, shownAs: string): Promise<ReadWorkflow>;
}
