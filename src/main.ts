// Wires the command: the real terminal, clock and sessions. Loaded by bootstrap.js once the machine is fit for it, and
// run directly inside the project.

import { dirname } from "node:path";
import { runProgram } from "./cli/program.ts";
import { openTerminal } from "./cli/real-terminal.ts";

/** Set by the build. */
declare const SIGNALBOX_VERSION: string | undefined;

export async function main(): Promise<void> {
  // A run needs its store's thread, which takes longest to start: longer than reading the command line.
  const thread = process.argv[2] === "run" ? (await import("./store/sqlite/start-thread.ts")).startStoreThread() : undefined;
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
    leave: (code) => process.exit(code),
  });
  await terminal.flush();
  // Something may still be open that no longer matters, such as a terminal's input.
  process.exit(exitCode);
}

if (import.meta.main) await main();
