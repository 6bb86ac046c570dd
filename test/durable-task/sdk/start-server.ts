// Servers for real clients: each a process of its own over an SQLite file or a shared database, which can be killed and started
// again over the same store and on the same port.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildProgram } from "./child-program.ts";
import type { ServerConfiguration } from "./server-process.ts";

export type ServerLimits = NonNullable<ServerConfiguration["limits"]>;

export interface RunningServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** In good order (E14). */
  stop(): Promise<void>;
  /** Resolves when its process has ended. */
  readonly ended: Promise<void>;
  /** Its process stands still until the answer is called. */
  freeze(): () => void;
  /** After `kill` or `stop`: the same store, the same port. */
  start(): Promise<void>;
  /** What it complained of. */
  readonly errors: string;
}

/** `url`: of a PostgreSQL; absent: an SQLite file of its own. */
export async function startServer(limits: ServerLimits = {}, url?: string): Promise<RunningServer> {
  const directory = await mkdtemp(join(tmpdir(), "signalbox-serve-"));
  const store = url === undefined ? { path: join(directory, "store.db") } : { url };
  let program: ChildProgram | undefined;
  let port = 0;
  const start = async (): Promise<void> => {
    program = new ChildProgram("server-process.ts", { limits, store, port } satisfies ServerConfiguration);
    port = Number(await program.ready);
  };
  const dispose = async (): Promise<void> => {
    await program?.end();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    port,
    address: `127.0.0.1:${port}`,
    get pid() {
      return program?.pid;
    },
    kill: async () => program?.kill(),
    stop: async () => program?.end(),
    get ended() {
      return program?.ended ?? Promise.resolve();
    },
    freeze: () => program?.freeze() ?? (() => undefined),
    start,
    get errors() {
      return program?.errors ?? "";
    },
    [Symbol.asyncDispose]: dispose,
  };
}
