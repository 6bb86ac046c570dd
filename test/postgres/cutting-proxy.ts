// Between a store and its server: passes bytes on, cuts connections at given bytes, and can speak as a pooler would.

import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** Connections are cut when that many more bytes have passed, in either direction; undefined: never. */
  cutAfter(bytes: number | undefined): void;
  readonly cuts: number;
}

const SOCKET = ".s.PGSQL.5432";

export async function startProxy(
  serverDirectory: string,
  change: (fromServer: Buffer) => Buffer = (bytes) => bytes,
): Promise<CuttingProxy> {
  const directory = await mkdtemp(join(tmpdir(), "signalbox-cut-"));
  const sockets = new Set<net.Socket>();
  let left: number | undefined;
  let cuts = 0;
  const pass = (bytes: Buffer, to: net.Socket, cut: () => void): void => {
    if (left === undefined || bytes.length < left) {
      if (left !== undefined) left -= bytes.length;
      to.write(bytes);
      return;
    }
    // What comes before the cut still arrives.
    to.write(bytes.subarray(0, left));
    left = undefined;
    cuts += 1;
    cut();
  };
  const proxy = net.createServer((client) => {
    const server = net.connect(join(serverDirectory, SOCKET));
    const cut = (): void => {
      for (const socket of [client, server]) socket.destroy();
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on("data", (bytes) => pass(bytes, server, cut));
    server.on("data", (bytes) => pass(change(bytes), client, cut));
  });
  await new Promise<void>((resolve) => proxy.listen(join(directory, SOCKET), resolve));
  return {
    url: `postgres://postgres@localhost/postgres?host=${encodeURIComponent(directory)}`,
    cutAfter: (bytes) => {
      left = bytes;
    },
    get cuts() {
      return cuts;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
      await rm(directory, { recursive: true });
    },
  };
}
