// A TCP proxy that cuts its connections where it is told to: after so many bytes, in the middle of a frame or of a message.

import { connect, createServer, type Server, type Socket } from "node:net";

export interface CuttingProxy extends AsyncDisposable {
  /** Where clients connect. */
  readonly address: string;
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Bytes that went through so far, both directions together. */
  readonly bytes: number;
  /** Connections that were cut so far. */
  readonly cuts: number;
  /** Where it leads; may move while nobody is connected. */
  target: number;
  /** Cuts all connections at once. */
  cutAll(): void;
}

export interface CuttingOptions {
  readonly target: number;
  /**
   * After how many bytes, both directions together, the next connection is cut; undefined: never. Asked once for each
   * connection.
   */
  readonly cutAfter?: () => number | undefined;
}

export async function openCuttingProxy({ target, cutAfter = () => undefined }: CuttingOptions): Promise<CuttingProxy> {
  const proxy = new Proxy(target, cutAfter);
  await proxy.listen();
  return proxy;
}

class Proxy implements CuttingProxy {
  target: number;
  bytes = 0;
  cuts = 0;
  readonly #cutAfter: () => number | undefined;
  readonly #server: Server;
  readonly #open = new Set<() => void>();

  constructor(target: number, cutAfter: () => number | undefined) {
    this.target = target;
    this.#cutAfter = cutAfter;
    this.#server = createServer((client) => this.#accept(client));
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The proxy does not listen.");
    return address.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#open.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
  }

  cutAll(): void {
    for (const cut of Array.from(this.#open)) cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.cutAll();
    await closed;
  }

  #accept(client: Socket): void {
    const server = connect(this.target, "127.0.0.1");
    let left = this.#cutAfter() ?? Number.POSITIVE_INFINITY;
    const end = (): void => {
      this.#open.delete(cut);
      client.destroy();
      server.destroy();
    };
    const cut = (): void => {
      this.cuts += 1;
      end();
    };
    this.#open.add(cut);
    const pass = (from: Socket, to: Socket): void => {
      from.setNoDelay(true);
      from.on("data", (bytes: Buffer) => {
        const passed = bytes.subarray(0, left);
        left -= passed.length;
        this.bytes += passed.length;
        if (left > 0) {
          if (!to.write(passed)) from.pause();
          return;
        }
        // What came before the cut still arrives.
        to.write(passed, () => {
          if (this.#open.has(cut)) cut();
        });
      });
      to.on("drain", () => from.resume());
      from.on("error", end);
      from.on("close", end);
    };
    pass(client, server);
    pass(server, client);
  }
}
