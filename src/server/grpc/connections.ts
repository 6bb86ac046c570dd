// The sockets that the server listens on. They are ours rather than grpc-js's, because of a worker whose stream has ended it must be
// known whether its connection lives (E10): a call is matched to its socket by the peer's address, which no two living
// sockets of one listener share.

import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { ConnectionInjector } from "@grpc/grpc-js";
import { SignalboxError } from "../../model/errors.ts";

export interface Connection {
  readonly isAlive: boolean;
  destroy(): void;
}

class SocketConnection implements Connection {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isAlive(): boolean {
    return !this.#socket.destroyed;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Of calls whose connection was gone before they were served. */
const GONE: Connection = { isAlive: false, destroy: () => undefined };

export class Connections {
  readonly #server: NetServer;
  readonly #living = new Map<string, Connection>();
  readonly #disconnected: (connection: Connection) => void;
  #emptied = (): void => undefined;

  constructor(injector: ConnectionInjector, disconnected: (connection: Connection) => void) {
    this.#disconnected = disconnected;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#add(socket);
      injector.injectConnection(socket);
    });
  }

  async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(port, host, resolve);
    try {
      await promise;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SignalboxError("FAILED_PRECONDITION", `Cannot listen on ${host}:${port}: ${why}. Choose another address.`, { cause });
    } finally {
      this.#server.off("error", reject);
    }
  }

  get size(): number {
    return this.#living.size;
  }

  get address(): { readonly host: string; readonly port: number } {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new SignalboxError("INTERNAL", "The server listens on no port.");
    return { host: address.address, port: address.port };
  }

  /** `peer` as grpc-js tells it. */
  of(peer: string): Connection {
    return this.#living.get(peer) ?? GONE;
  }

  /** No new ones. Resolves when the last one is closed. */
  async close(): Promise<void> {
    this.#server.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied = resolve;
    if (this.#living.size > 0) await promise;
  }

  destroy(): void {
    for (const connection of this.#living.values()) connection.destroy();
  }

  #add(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const connection = new SocketConnection(socket);
    this.#living.set(peer, connection);
    socket.on("error", () => {
      // What is wrong with a socket is told by its end.
    });
    socket.once("close", () => {
      if (this.#living.get(peer) === connection) this.#living.delete(peer);
      this.#disconnected(connection);
      if (this.#living.size === 0) this.#emptied();
    });
  }
}
