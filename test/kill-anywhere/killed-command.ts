// The command, composed with a store that ends its own process with SIGKILL at a chosen commit of the run: as the real
// one in everything but that. DIE_AT is `before:N` (the N-th commit is never made) or `after:N` (it is made, and nobody
// hears of it). CLOCK_AHEAD_MS moves every clock that tells the time of day.

import { dirname } from "node:path";
import { runProgram } from "../../src/cli/program.ts";
import { openTerminal } from "../../src/cli/real-terminal.ts";
import { openSessions } from "../../src/cli/session/open-sessions.ts";
import { realDependencies } from "../../src/cli/session/real-dependencies.ts";
import type { SessionDependencies } from "../../src/cli/session/session-dependencies.ts";
import { engineEnvironment } from "../../src/host/engine-environment.ts";
import { createLocalHost } from "../../src/host/local-host.ts";
import { throughCodec } from "../../src/host/transport/host-client.ts";
import { openEngine } from "../../src/loops/open-engine.ts";
import type { Store } from "../../src/store/store.ts";

const aheadMs = Number(process.env["CLOCK_AHEAD_MS"] ?? 0);
const now = (): number => Date.now() + aheadMs;
const { clock } = engineEnvironment;

const dependencies: SessionDependencies = {
  ...realDependencies,
  now,
  openStore: async (path) => mortal(await realDependencies.openStore(path), process.env["DIE_AT"]),
  openEngine: (options) => openEngine({ ...options, environment: { ...engineEnvironment, clock: { ...clock, now } } }),
  createHost: async () => throughCodec(createLocalHost({ now })),
};

function mortal(store: Store, when: string | undefined): Store {
  const [moment, position] = when?.split(":") ?? [];
  const last = Number(position);
  const commit = store.commit.bind(store);
  let commits = 0;
  store.commit = async (batch) => {
    commits += 1;
    const isLast = commits === last;
    if (isLast && moment === "before") process.kill(process.pid, "SIGKILL");
    const answers = await commit(batch);
    if (isLast) process.kill(process.pid, "SIGKILL");
    return answers;
  };
  return store;
}

const terminal = openTerminal(process.env);
const exitCode = await runProgram(process.argv.slice(2), {
  terminal,
  environment: process.env,
  workingDirectory: process.cwd(),
  version: "test",
  ownFolders: [dirname(process.execPath)],
  now,
  loadServerCommands: () => Promise.reject(new Error("no server is killed here")),
  openSessions: (environment) => openSessions(environment, dependencies),
  leave: (code) => process.exit(code),
});
await terminal.flush();
process.exit(exitCode);
