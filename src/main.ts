// Wires the command: the real terminal, clock and sessions. Loaded by launch.ts where it is published, and run
// directly inside the project.

import { dirname } from "node:path";
import { runProgram } from "./cli/program.ts";
import { openTerminal } from "./cli/real-terminal.ts";
import type { ServerCommands } from "./cli/server-commands.ts";
import type { StoreThread } from "./store/sqlite/start-thread.ts";

/** Set by the build. */
declare const SIGNALBOX_VERSION: string | undefined;

/** What the command gets from outside its bundle. */
export interface MainOptions {
  /** Where a store's thread has been started for this command already. */
  readonly thread?: StoreThread | undefined;
  readonly loadServerCommands: () => Promise<ServerCommands>;
}

export async function main({ thread, loadServerCommands }: MainOptions): Promise<void> {
  const terminal = openTerminal(process.env);
  const exitCode = await runProgram(process.argv.slice(2), {
    terminal,
    environment: process.env,
    workingDirectory: process.cwd(),
    version: typeof SIGNALBOX_VERSION === "undefined" ? "0.0.0-source" : SIGNALBOX_VERSION,
    ownFolders: [dirname(process.execPath)],
    now: Date.now,
    async openSessions(environment) {
      const [{ openSessions }, { dependenciesWith }] = await Promise.all([
        import("./cli/session/open-sessions.ts"),
        import("./cli/session/real-dependencies.ts"),
      ]);
      return openSessions(environment, dependenciesWith(thread));
    },
    loadServerCommands,
    leave: (code) => process.exit(code),
  });
  await terminal.flush();
  // Something may still be open that no longer matters, such as a terminal's input.
  process.exit(exitCode);
}

if (import.meta.main) {
  await main({ loadServerCommands: async () => (await import("./cli/server-commands.ts")).serverCommands });
}
