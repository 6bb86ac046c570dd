// What a command is given: nothing below reaches for the process itself, so that a test hands in a fake of each.

import type { SessionEnvironment, Sessions } from "./session/session.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: { readonly [name: string]: string | undefined };
  readonly workingDirectory: string;
  readonly version: string;
  /** Folders that the command's own start may have put into PATH. */
  readonly ownFolders: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly openSessions: (environment: SessionEnvironment) => Promise<Sessions>;
  /** Ends the process at once. */
  readonly leave: (exitCode: number) => void;
}
